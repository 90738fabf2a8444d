"""Candles as Binance sends them: 12 fields, numbers as text in 8 decimals (docs/exchange-protocols.md)."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from klineforge.contracts.bronze import KLINE_FIELDS

_MICROSECONDS_FROM = datetime(2025, 1, 1, tzinfo=UTC)


def as_wire(candles: pl.DataFrame) -> pl.DataFrame:
    """The exchange's 12 fields of each candle, epochs in milliseconds before 2025 and in microseconds from then on.

    Args:
        candles: As ``Market.candles`` gives them.

    Returns:
        One row per candle in the same order.
    """
    fields = {
        "open_time": _epoch(pl.col("hour")),
        **{name: _text(pl.col(name)) for name in ("open", "high", "low", "close", "volume")},
        "close_time": _last_moment(pl.col("hour")),
        "quote_volume": _text(pl.col("quote_volume")),
        "count": pl.col("count"),
        "taker_buy_volume": _text(pl.col("volume") / 2),
        "taker_buy_quote_volume": _text(pl.col("quote_volume") / 2),
        "ignore": pl.lit("0"),
    }
    return candles.select(fields[name].alias(name) for name in KLINE_FIELDS)


def _text(number: pl.Expr) -> pl.Expr:
    return number.round(8).cast(pl.Decimal(38, 8)).cast(pl.String)


def _epoch(moment: pl.Expr) -> pl.Expr:
    microseconds = moment.dt.epoch("us")
    return pl.when(pl.col("hour") >= _MICROSECONDS_FROM).then(microseconds).otherwise(microseconds // 1000)


def _last_moment(hour: pl.Expr) -> pl.Expr:
    next_hour = hour.dt.offset_by("1h")
    return _epoch(next_hour) - 1
