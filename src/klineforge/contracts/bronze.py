"""Contracts of the bronze tables: what the exchange sent, as it sent it."""

from __future__ import annotations

from klineforge.domain.contract import Column, TableContract

_UNREADABLE = "the record could not be split into the exchange's fields; see malformed_record"

SOURCE_KINDS = ("monthly_archive", "daily_archive", "rest")

# How much a source is believed: REST and daily archive agree where the monthly one differs (§1.7, BPD#475).
SOURCE_RANKS = {"rest": 2, "daily_archive": 2, "monthly_archive": 1}

BINANCE_KLINES_DAILY = TableContract(
    name="binance_klines_daily",
    layer="bronze",
    description="Append-only record of every kline Binance sent: the 12 fields as text or raw integers, with its "
    "provenance. Revisions of an hour stand side by side; nothing is corrected here.",
    # A file can go back to bytes it had before: then they stand here once more, with another time.
    grain=("coin", "sha256", "source_row", "ingestion_ts"),
    sort_by=("coin", "open_time"),
    subject=("coin",),
    layout=(
        Column(
            "candle_hour",
            "TIMESTAMP",
            "Hour the record is about, for skipping files; the download hour where open_time is unreadable.",
            "UTC",
        ),
    ),
    source="Binance public data and REST /api/v3/klines, 12 fields in wire order",
    columns=(
        Column("open_time", "BIGINT", "Open time as sent.", "epoch, milliseconds or microseconds", _UNREADABLE),
        Column("open", "STRING", "Opening price as sent.", "quote asset per base asset", _UNREADABLE),
        Column("high", "STRING", "Highest price as sent.", "quote asset per base asset", _UNREADABLE),
        Column("low", "STRING", "Lowest price as sent.", "quote asset per base asset", _UNREADABLE),
        Column("close", "STRING", "Closing price as sent.", "quote asset per base asset", _UNREADABLE),
        Column("volume", "STRING", "Traded volume as sent.", "base asset", _UNREADABLE),
        Column("close_time", "BIGINT", "Close time as sent.", "epoch, milliseconds or microseconds", _UNREADABLE),
        Column("quote_volume", "STRING", "Traded value as sent.", "quote asset", _UNREADABLE),
        Column("count", "BIGINT", "Number of trades as sent.", "trades", _UNREADABLE),
        Column("taker_buy_volume", "STRING", "Volume bought by takers as sent.", "base asset", _UNREADABLE),
        Column("taker_buy_quote_volume", "STRING", "Value bought by takers as sent.", "quote asset", _UNREADABLE),
        Column("ignore", "STRING", "Unused twelfth field as sent.", None, _UNREADABLE),
        Column("coin", "STRING", "Native symbol the record was requested for."),
        Column("interval", "STRING", "Candle interval.", accepted=("1h",)),
        Column("ingestion_ts", "TIMESTAMP", "When the source was downloaded.", "UTC"),
        Column("source_kind", "STRING", "Which of the exchange's sources delivered it.", accepted=SOURCE_KINDS),
        Column("source_uri", "STRING", "Where it was downloaded from, without credentials."),
        Column("sha256", "STRING", "SHA-256 of the downloaded bytes.", "hexadecimal"),
        Column("source_row", "INT", "Position of the record in its source, from 0.", check="source_row >= 0"),
        Column("batch_id", "STRING", "The append that brought it in."),
        Column(
            "malformed_record",
            "STRING",
            "Raw text of a record that has not the exchange's 12 fields.",
            None,
            "readable",
        ),
    ),
)

# The exchange's own fields, in wire order; what follows them is provenance.
KLINE_FIELDS = tuple(column.name for column in BINANCE_KLINES_DAILY.columns[:12])

BINANCE_INGESTION_CHECKPOINTS = TableContract(
    name="binance_ingestion_checkpoints",
    layer="bronze",
    description="One row per source that ingestion dealt with: what was fetched for which hours, from where, how many "
    "rows, with what outcome. The hours a coin is loaded for are read from here.",
    grain=("coin", "interval", "batch_id", "source_uri", "range_start"),
    sort_by=("coin", "range_start"),
    source="KlineForge ingestion",
    columns=(
        Column("coin", "STRING", "Native symbol."),
        Column("interval", "STRING", "Candle interval.", accepted=("1h",)),
        Column("batch_id", "STRING", "The append this source belongs to."),
        Column("range_start", "TIMESTAMP", "First hour this source answers for.", "UTC, inclusive"),
        Column("range_end", "TIMESTAMP", "End of the hours this source answers for.", "UTC, exclusive"),
        Column("source_kind", "STRING", "Kind of source.", accepted=SOURCE_KINDS),
        Column("source_uri", "STRING", "Where it was downloaded from, without credentials."),
        Column("sha256", "STRING", "SHA-256 of the downloaded bytes.", "hexadecimal", "nothing was downloaded"),
        Column("row_count", "BIGINT", "Records appended to bronze.", "rows", check="row_count >= 0"),
        Column("status", "STRING", "Outcome.", accepted=("loaded", "empty", "not_found", "unverified")),
        Column("first_open", "TIMESTAMP", "Open time of the first candle.", "UTC", "no readable candle"),
        Column("last_open", "TIMESTAMP", "Open time of the last candle.", "UTC", "no readable candle"),
        Column("ingestion_ts", "TIMESTAMP", "When the source was downloaded.", "UTC"),
        Column("message", "STRING", "What a reader should know about this source.", None, "nothing to remark"),
    ),
)

BINANCE_EXCHANGE_INFO = TableContract(
    name="binance_exchange_info",
    layer="bronze",
    description="Append-only snapshots of Binance's own listing (/api/v3/exchangeInfo), one row per symbol and change.",
    grain=("symbol", "ingestion_ts"),
    sort_by=("symbol",),
    source="Binance REST /api/v3/exchangeInfo",
    columns=(
        Column("symbol", "STRING", "Native symbol."),
        Column("status", "STRING", "Trading status as sent; unknown values are kept."),
        Column("base_asset", "STRING", "Base asset as sent."),
        Column("quote_asset", "STRING", "Quote asset as sent."),
        Column("raw_symbol", "STRING", "The symbol's whole JSON object as sent."),
        Column("ingestion_ts", "TIMESTAMP", "When the listing was downloaded.", "UTC"),
        Column("source_uri", "STRING", "Where it was downloaded from, without credentials."),
        Column("batch_id", "STRING", "The append that brought it in."),
    ),
)
