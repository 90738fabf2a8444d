"""Invented candles and features of a few coins, the same every time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def candles(coins: int = 2, hours: int = 60, seed: int = 0) -> pl.DataFrame:
    """Closes of a random walk per coin, one candle per hour."""
    random = np.random.default_rng(seed)
    opened = pl.datetime_range(START, START + hours * HOUR, "1h", closed="left", time_zone="UTC", eager=True)
    return pl.concat(
        pl.DataFrame(
            {
                "exchange": ["binance"] * hours,
                "coin": [f"C{number}USDT"] * hours,
                "listing_seq": pl.Series([1] * hours, dtype=pl.Int32),
                "open_timestamp": opened,
                "close_price": 100 * np.exp(np.cumsum(random.normal(0, 0.01, hours))),
            }
        )
        for number in range(coins)
    )


def honest(rows: pl.DataFrame) -> pl.DataFrame:
    """Two features that look back."""
    mine = {"partition_by": ["exchange", "coin"], "order_by": "open_timestamp"}
    close = pl.col("close_price")
    return rows.select(
        "exchange",
        "coin",
        (pl.col("open_timestamp") + HOUR).alias("available_at"),
        "open_timestamp",
        (close / close.shift(1)).log().over(**mine).alias("log_return_1h"),
        close.rolling_mean(5).over(**mine).alias("mean_5"),
    )
