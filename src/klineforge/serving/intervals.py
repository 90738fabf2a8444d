"""Hourly rows joined into longer candles: 4 hours, days, weeks from Monday, months, all UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from klineforge.serving.selection import INTERVALS, Interval

_EVERY: Mapping[Interval, str] = {"1h": "1h", "4h": "4h", "1d": "1d", "1w": "1w", "1M": "1mo"}
HOURS: Mapping[Interval, int] = {"1h": 1, "4h": 4, "1d": 24, "1w": 168, "1M": 720}
"""Length of an interval as a number of hours; a month counts as 30 days."""
_TIME = "open_timestamp"
_JOINED: Mapping[str, pl.Expr] = {
    "open_price": pl.col("open_price").first(),
    "high_price": pl.col("high_price").max(),
    "low_price": pl.col("low_price").min(),
    "close_price": pl.col("close_price").last(),
    "volume": pl.col("volume").sum(),
    "quote_volume": pl.col("quote_volume").sum(),
    "trade_count": pl.col("trade_count").sum(),
    "taker_buy_volume": pl.col("taker_buy_volume").sum(),
    "taker_buy_quote_volume": pl.col("taker_buy_quote_volume").sum(),
}


def opened_at(interval: Interval) -> pl.Expr:
    """Open time of the interval an hour lies in.

    Args:
        interval: Its length; weeks begin on Monday, everything at midnight UTC.
    """
    return pl.col(_TIME).dt.truncate(_EVERY[interval]).alias(_TIME)


def candles(rows: pl.DataFrame, interval: Interval, by: Sequence[str] = ("coin",)) -> pl.DataFrame:
    """Hourly candles joined into longer ones.

    Args:
        rows: Hourly candles: ``open_timestamp``, the columns of ``by``, and any prices and volumes of
            ``fact_1h_klines``; sorted by ``open_timestamp`` within each.
        interval: Length of the candles wanted.
        by: What a candle is about.

    Returns:
        One row per interval with at least one hourly candle, sorted: the price columns as a candle of that length has
        them, volumes and trades summed, and ``hours``, the hourly candles in it. The first and last interval hold
        only the hours given.
    """
    joined = [expression for name, expression in _JOINED.items() if name in rows.columns]
    keys = [*by, _TIME]
    return (
        rows.with_columns(opened_at(interval))
        .group_by(keys, maintain_order=True)
        .agg(*joined, pl.len().cast(pl.Int32).alias("hours"))
        .sort(keys)
    )


def last_of_each(rows: pl.DataFrame, interval: Interval, by: Sequence[str] = ("coin",)) -> pl.DataFrame:
    """Figures as they stood in the last hour of each interval.

    Args:
        rows: Hourly rows with ``open_timestamp`` and the columns of ``by``, sorted by ``open_timestamp`` within each.
        interval: Length of the intervals.
        by: What a row is about.

    Returns:
        The same columns, one row per interval that has any; ``open_timestamp`` is the opening of the interval.
    """
    if interval == "1h":
        return rows
    keys = [*by, _TIME]
    others = [pl.col(name).last() for name in rows.columns if name not in keys]
    grouped = rows.with_columns(opened_at(interval)).group_by(keys, maintain_order=True).agg(*others)
    return grouped.select(rows.columns).sort(keys)


def coarse_enough(interval: Interval, hours: float, most: int) -> Interval:
    """The interval, or the next longer one at which a range has no more candles than a chart can show.

    >>> coarse_enough("1h", 24 * 30, 2000), coarse_enough("1h", 60_000, 3000)
    ('1h', '1d')

    Args:
        interval: Asked for.
        hours: Length of the range.
        most: Candles at most; the longest interval is taken where none is long enough.
    """
    longer = INTERVALS[INTERVALS.index(interval) :]
    return next((name for name in longer if hours / HOURS[name] <= most), longer[-1])
