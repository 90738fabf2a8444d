"""Contracts of the silver tables: typed, one row per key, accepted or quarantined."""

from __future__ import annotations

from klineforge.contracts.bronze import SOURCE_KINDS
from klineforge.domain.contract import Column, ForeignKey, TableContract

PRICE = "quote asset per base asset"
LISTING = ForeignKey(("exchange", "coin", "listing_seq"), "dim_coins")
EXCHANGE = ForeignKey(("exchange",), "dim_exchange")
HOURS_PER_DAY = 24
LISTING_SEQ = Column("listing_seq", "INT", "Which of the assets the coin has named, from 1.", check="listing_seq >= 1")

STAGE_BINANCE_KLINES = TableContract(
    name="stage_binance_klines",
    layer="silver",
    description="Binance klines typed and renamed, one row per coin and open time: the best revision bronze holds.",
    grain=("coin", "open_timestamp"),
    time_column="open_timestamp",
    partitioned=True,
    sort_by=("coin", "open_timestamp"),
    subject=("coin",),
    source="binance_klines_daily; revision order: source rank, latest ingestion, sha256, row",
    columns=(
        Column("coin", "STRING", "Native symbol."),
        Column("open_timestamp", "TIMESTAMP", "Open time; may lie off the hour.", "UTC"),
        Column("close_timestamp", "TIMESTAMP", "Close time as sent.", "UTC", "close time unreadable"),
        Column("open_price", "DOUBLE", "Opening price.", PRICE, "not a number as sent"),
        Column("high_price", "DOUBLE", "Highest price.", PRICE, "not a number as sent"),
        Column("low_price", "DOUBLE", "Lowest price.", PRICE, "not a number as sent"),
        Column("close_price", "DOUBLE", "Closing price.", PRICE, "not a number as sent"),
        Column("volume", "DOUBLE", "Traded volume.", "base asset", "not a number as sent"),
        Column("quote_volume", "DOUBLE", "Traded value.", "quote asset", "not a number as sent"),
        Column("trade_count", "BIGINT", "Number of trades.", "trades", "not sent"),
        Column("taker_buy_volume", "DOUBLE", "Volume bought by takers.", "base asset", "not a number as sent"),
        Column("taker_buy_quote_volume", "DOUBLE", "Value bought by takers.", "quote asset", "not a number as sent"),
        Column("source_kind", "STRING", "Source of this revision.", accepted=SOURCE_KINDS),
        Column("source_uri", "STRING", "Where this revision came from."),
        Column("source_sha256", "STRING", "SHA-256 of the source's bytes.", "hexadecimal"),
        Column("source_row", "INT", "Position of the record in its source, from 0."),
        Column("ingestion_ts", "TIMESTAMP", "When the source was downloaded.", "UTC"),
    ),
)

FACT_1H_KLINES = TableContract(
    name="fact_1h_klines",
    layer="silver",
    description="Accepted hourly candles of all exchanges: on the hour, closed, consistent, inside the coin's listing.",
    grain=("exchange", "coin", "open_timestamp"),
    time_column="open_timestamp",
    partitioned=True,
    sort_by=("exchange", "coin", "open_timestamp"),
    subject=("exchange", "coin"),
    source="stage_binance_klines, the versioned listing seed",
    checks=(
        ("high_is_highest", "high_price >= open_price AND high_price >= close_price AND high_price >= low_price"),
        ("low_is_lowest", "low_price <= open_price AND low_price <= close_price"),
        ("on_the_hour", "open_timestamp = date_trunc('HOUR', open_timestamp)"),
    ),
    foreign_keys=(LISTING, EXCHANGE, ForeignKey(("open_timestamp",), "dim_timestamp", ("ts",))),
    fresh_hours=3,
    rows_per_day=HOURS_PER_DAY,
    columns=(
        Column("exchange", "STRING", "Exchange code.", accepted=("binance",)),
        Column("coin", "STRING", "Native symbol."),
        LISTING_SEQ,
        Column("open_timestamp", "TIMESTAMP", "Hour the candle opened.", "UTC"),
        Column("close_timestamp", "TIMESTAMP", "Last millisecond of the hour, recomputed from the open time.", "UTC"),
        Column("open_price", "DOUBLE", "Opening price.", PRICE, check="open_price > 0"),
        Column("high_price", "DOUBLE", "Highest price.", PRICE, check="high_price > 0"),
        Column("low_price", "DOUBLE", "Lowest price.", PRICE, check="low_price > 0"),
        Column("close_price", "DOUBLE", "Closing price.", PRICE, check="close_price > 0"),
        Column("volume", "DOUBLE", "Traded volume.", "base asset", check="volume >= 0"),
        Column("quote_volume", "DOUBLE", "Traded value.", "quote asset", check="quote_volume >= 0"),
        Column("trade_count", "BIGINT", "Number of trades.", "trades", "the exchange does not send it"),
        Column("taker_buy_volume", "DOUBLE", "Volume bought by takers.", "base asset", "not sent"),
        Column("taker_buy_quote_volume", "DOUBLE", "Value bought by takers.", "quote asset", "not sent"),
        Column("is_irregular_close", "BOOLEAN", "The close time as sent is not the end of the hour (outage edges)."),
        Column("is_zero_volume", "BOOLEAN", "Nothing was traded in the hour."),
    ),
)

QUARANTINE_KLINES = TableContract(
    name="quarantine_klines",
    layer="silver",
    description="Records that were not accepted, with every reason and the raw text needed to judge them.",
    grain=("exchange", "coin", "source_sha256", "source_row"),
    time_column="reported_at",
    partitioned=False,
    sort_by=("coin", "reported_at"),
    subject=("exchange", "coin"),
    source="stage_binance_klines and the malformed records of binance_klines_daily",
    columns=(
        Column("exchange", "STRING", "Exchange code.", accepted=("binance",)),
        Column("coin", "STRING", "Native symbol."),
        Column("reported_at", "TIMESTAMP", "Open time as sent; download time where it is unreadable.", "UTC"),
        Column("open_timestamp", "TIMESTAMP", "Open time as sent.", "UTC", "unreadable"),
        Column("reasons", "ARRAY<STRING>", "Every rule the record broke."),
        Column("record", "STRING", "The record as JSON, or its raw text where it is malformed."),
        Column("source_kind", "STRING", "Kind of source.", accepted=SOURCE_KINDS),
        Column("source_uri", "STRING", "Where it came from."),
        Column("source_sha256", "STRING", "SHA-256 of the source's bytes.", "hexadecimal"),
        Column("source_row", "INT", "Position of the record in its source, from 0."),
        Column("ingestion_ts", "TIMESTAMP", "When the source was downloaded.", "UTC"),
    ),
)

KLINE_RUNS = TableContract(
    name="kline_runs",
    layer="silver",
    description="Unbroken runs of a listing's candles, cut at the turn of each month: few rows tell where candles are.",
    grain=("exchange", "coin", "listing_seq", "first_hour"),
    time_column="last_hour",
    sort_by=("exchange", "coin", "listing_seq", "first_hour"),
    subject=("exchange", "coin"),
    source="fact_1h_klines",
    checks=(("run_is_whole", "last_hour >= first_hour"),),
    foreign_keys=(LISTING, EXCHANGE),
    columns=(
        Column("exchange", "STRING", "Exchange code.", accepted=("binance",)),
        Column("coin", "STRING", "Native symbol."),
        LISTING_SEQ,
        Column("first_hour", "TIMESTAMP", "Open time of the run's first candle.", "UTC"),
        Column("last_hour", "TIMESTAMP", "Open time of its last candle, in the same month.", "UTC"),
        Column("candles", "INT", "Candles of the run, one per hour.", "hours", check="candles > 0"),
    ),
)

GAP_KINDS = ("exchange_outage", "not_listed_yet", "delisted", "unexplained")

KLINE_GAPS = TableContract(
    name="kline_gaps",
    layer="silver",
    description="Stretches of hours for which the fact holds no candle of a coin, each of one kind, as long as can be.",
    grain=("exchange", "coin", "gap_start"),
    time_column="gap_start",
    sort_by=("exchange", "coin", "gap_start"),
    subject=("exchange", "coin"),
    source="kline_runs, the versioned listing seed; within the hours for which the exchange has candles",
    checks=(("gap_is_whole", "gap_end > gap_start"),),
    foreign_keys=(EXCHANGE,),
    columns=(
        Column("exchange", "STRING", "Exchange code.", accepted=("binance",)),
        Column("coin", "STRING", "Native symbol."),
        Column("gap_start", "TIMESTAMP", "First missing hour.", "UTC"),
        Column("gap_end", "TIMESTAMP", "First hour after it that is not missing, or not for this reason.", "UTC"),
        Column("gap_hours", "INT", "Length of the gap.", "hours", check="gap_hours > 0"),
        Column("kind", "STRING", "Why the hours are missing, as far as is known.", accepted=GAP_KINDS),
    ),
)
