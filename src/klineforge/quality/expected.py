"""What silver must hold, computed from bronze a second time: in polars, from the definitions, not from the recipes."""

from __future__ import annotations

import polars as pl

from klineforge.contracts.bronze import SOURCE_RANKS

NUMBERS = {
    "open_price": "open",
    "high_price": "high",
    "low_price": "low",
    "close_price": "close",
    "volume": "volume",
    "quote_volume": "quote_volume",
    "taker_buy_volume": "taker_buy_volume",
    "taker_buy_quote_volume": "taker_buy_quote_volume",
}
CANDLE = ("coin", "open_timestamp")
SOURCE = ("source_sha256", "source_row", "ingestion_ts")
AS_SENT = ("close_timestamp", "trade_count")

_PLAIN_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"


def instant(epoch: pl.Expr) -> pl.Expr:
    """The instant of an epoch of 13 digits (milliseconds) or 16 (microseconds); null for any other number."""
    micros = (
        pl.when(epoch.is_between(10**12, 10**13 - 1))
        .then(epoch * 1000)
        .when(epoch.is_between(10**15, 10**16 - 1))
        .then(epoch)
    )
    return micros.cast(pl.Datetime("us", "UTC"))


def best_revisions(klines: pl.LazyFrame) -> pl.LazyFrame:
    """The record of bronze that each candle is to be made from.

    Args:
        klines: ``binance_klines_daily``, all revisions of the hours in question.

    Returns:
        One row per coin and open time: ``SOURCE``, ``AS_SENT``, the numbers under silver's names, and ``plain_<name>``,
        whether a number was sent in a form that every reader takes for the same number.
    """
    readable = klines.filter(pl.col("malformed_record").is_null() & (pl.col("interval") == "1h")).with_columns(
        open_timestamp=instant(pl.col("open_time")),
        rank=pl.col("source_kind").replace_strict(SOURCE_RANKS, default=0, return_dtype=pl.Int32),
    )
    plain = {f"plain_{name}": pl.col(raw).str.contains(_PLAIN_NUMBER) for name, raw in NUMBERS.items()}
    typed = {name: pl.col(raw).str.strip_chars().cast(pl.Float64, strict=False) for name, raw in NUMBERS.items()}
    return (
        readable.filter(pl.col("open_timestamp").is_not_null())
        .sort(
            "rank",
            "ingestion_ts",
            "sha256",
            "source_row",
            descending=[True, True, False, True],
        )
        .unique(subset=CANDLE, keep="first", maintain_order=True)
        .select(
            *CANDLE,
            pl.col("sha256").alias("source_sha256"),
            "source_row",
            "ingestion_ts",
            instant(pl.col("close_time")).alias("close_timestamp"),
            pl.col("count").alias("trade_count"),
            *(value.alias(name) for name, value in typed.items()),
            *(mark.alias(name) for name, mark in plain.items()),
        )
    )
