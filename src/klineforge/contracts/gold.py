"""Contracts of the gold dimensions."""

from __future__ import annotations

from klineforge.contracts.silver import EXCHANGE, LISTING_SEQ
from klineforge.domain.contract import Column, TableContract

_UNLISTED = "neither the exchange's listing nor the seed file knows the coin"

DIM_COINS = TableContract(
    name="dim_coins",
    layer="gold",
    description="One row per asset that a coin has named and that has candles: what it is and when it was listed.",
    grain=("exchange", "coin", "listing_seq"),
    sort_by=("exchange", "coin", "listing_seq"),
    source="exchangeInfo snapshots in bronze, the versioned listing seed, fact_1h_klines",
    foreign_keys=(EXCHANGE,),
    columns=(
        Column("exchange", "STRING", "Exchange code.", accepted=("binance",)),
        Column("coin", "STRING", "Native symbol."),
        LISTING_SEQ,
        Column("base_asset", "STRING", "Asset that is priced.", None, _UNLISTED),
        Column("quote_asset", "STRING", "Asset the price is in.", None, _UNLISTED),
        Column("market_type", "STRING", "Kind of market.", accepted=("spot",)),
        Column("is_current", "BOOLEAN", "The coin names this asset now, or named it last."),
        Column("is_active", "BOOLEAN", "Trading by the newest listing; false where not current.", None, _UNLISTED),
        Column(
            "listing_source",
            "STRING",
            "Where base and quote come from.",
            accepted=("exchange", "seed", "unverified"),
        ),
        Column("valid_from", "TIMESTAMP", "First instant of trading, whatever holes came later.", "UTC", "unknown"),
        Column("valid_to", "TIMESTAMP", "First instant after the last of trading.", "UTC", "still listed, or unknown"),
        Column(
            "predecessor", "STRING", "Coin that this one continues under a new name.", None, "none, or none is known"
        ),
        Column("first_candle", "TIMESTAMP", "Open time of its first accepted candle.", "UTC"),
        Column("last_candle", "TIMESTAMP", "Open time of its last accepted candle.", "UTC"),
    ),
)

DIM_EXCHANGE = TableContract(
    name="dim_exchange",
    layer="gold",
    description="One row per exchange that has candles.",
    grain=("exchange",),
    sort_by=("exchange",),
    source="fact_1h_klines and the exchanges' documentation",
    columns=(
        Column("exchange", "STRING", "Exchange code.", accepted=("binance",)),
        Column("exchange_name", "STRING", "Name in print."),
        Column("timezone", "STRING", "Time zone of candle boundaries.", accepted=("UTC",)),
        Column("no_trade_policy", "STRING", "What the exchange sends for an hour without trades."),
        Column("first_candle", "TIMESTAMP", "Open time of the first accepted candle.", "UTC"),
        Column("last_candle", "TIMESTAMP", "Open time of the last accepted candle.", "UTC"),
    ),
)

DAY_NAMES = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

DIM_TIMESTAMP = TableContract(
    name="dim_timestamp",
    layer="gold",
    description="Every hour of every calendar year in which there are candles.",
    grain=("ts",),
    time_column="ts",
    sort_by=("ts",),
    source="fact_1h_klines (years covered)",
    columns=(
        Column("ts", "TIMESTAMP", "The hour.", "UTC"),
        Column("date", "DATE", "Its date.", "UTC"),
        Column("hour", "INT", "Hour of the day.", "0-23", check="hour BETWEEN 0 AND 23"),
        Column("day", "INT", "Day of the month.", "1-31"),
        Column("month", "INT", "Month.", "1-12"),
        Column("year", "INT", "Calendar year."),
        Column("day_of_week", "INT", "Day of the week, 0 = Sunday.", "0-6", check="day_of_week BETWEEN 0 AND 6"),
        Column("day_name", "STRING", "English name of the day.", accepted=DAY_NAMES),
        Column("week_of_year", "INT", "ISO week.", "1-53"),
        Column("is_weekend", "BOOLEAN", "Saturday or Sunday."),
        Column("asia_session", "BOOLEAN", "Hours 0 to 7, both included."),
        Column("eu_session", "BOOLEAN", "Hours 7 to 15, both included."),
        Column("us_session", "BOOLEAN", "Hours 13 to 20, both included."),
    ),
)
