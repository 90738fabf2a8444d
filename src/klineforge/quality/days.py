"""Hours against the exchange's own candles of whole days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pyarrow as pa

from klineforge.quality.expected import instant
from klineforge.quality.finding import SAMPLES, Finding

FACT = "fact_1h_klines"
_DAY = ("exchange", "coin", "day")
_FIGURES = ("open", "high", "low", "close", "volume", "quote_volume")
_HOURS = 24
# Sums of the same trades, printed with eight decimals.
_RELATIVE = 1e-6


def whole_days(fact: pl.LazyFrame, most: int) -> pl.DataFrame:
    """The newest days of each coin that all their 24 hours are there for, as candles.

    Args:
        fact: ``fact_1h_klines``.
        most: How many days before the newest hour of each coin are looked at.

    Returns:
        ``exchange``, ``coin``, ``day`` and the figures of its candle.
    """
    opened = pl.col("open_timestamp")
    recent = fact.filter(opened >= opened.max().over("exchange", "coin").dt.truncate("1d").dt.offset_by(f"-{most}d"))
    days = recent.sort("open_timestamp").group_by("exchange", "coin", opened.dt.truncate("1d").alias("day"))
    made = days.agg(
        open=pl.col("open_price").first(),
        high=pl.col("high_price").max(),
        low=pl.col("low_price").min(),
        close=pl.col("close_price").last(),
        volume=pl.col("volume").sum(),
        quote_volume=pl.col("quote_volume").sum(),
        hours=pl.len(),
    )
    return made.filter(pl.col("hours") == _HOURS).drop("hours").collect(engine="streaming").sort(_DAY)


def days_as_sent(exchange: str, coin: str, records: pa.Table) -> pl.DataFrame:
    """The exchange's candles of days in the shape of ``whole_days``.

    Args:
        exchange: Exchange code.
        coin: Native symbol.
        records: Its fields as sent.
    """
    numbers = [pl.col(name).cast(pl.Float64, strict=False) for name in _FIGURES]
    return pl.DataFrame(records).select(
        pl.lit(exchange).alias("exchange"),
        pl.lit(coin).alias("coin"),
        instant(pl.col("open_time")).alias("day"),
        *numbers,
    )


def span_of(days: pl.DataFrame, coin: str) -> tuple[datetime, datetime]:
    """From the first to the end of the last of a coin's days."""
    first, last = (
        days.filter(pl.col("coin") == coin)
        .select(pl.col("day").min().alias("first"), pl.col("day").max().alias("last"))
        .row(0)
    )
    return first.astimezone(UTC), last.astimezone(UTC) + timedelta(days=1)


def days_agree(made: pl.DataFrame, sent: pl.DataFrame) -> Finding:
    """Whether days made of hours are what the exchange says of them; only a warning, because either may be late.

    Args:
        made: From ``whole_days``.
        sent: From ``days_as_sent``, all coins; days that it lacks are not compared.
    """
    both = made.join(sent, on=list(_DAY), suffix="_sent")
    apart = [
        (pl.col(name) - pl.col(f"{name}_sent")).abs() > _RELATIVE * pl.col(name).abs().clip(lower_bound=1e-12)
        for name in _FIGURES
    ]
    wrong = both.filter(pl.any_horizontal(apart).fill_null(value=True))
    sample = tuple(wrong.select(_DAY).head(SAMPLES).iter_rows(named=True))
    way_out = "Ask for the hours again with: kedro run --params recheck=all" if wrong.height else ""
    return Finding(FACT, "days_agree_with_exchange", "warning", both.height, wrong.height, sample, way_out)
