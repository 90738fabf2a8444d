"""The columns that bronze adds for skipping files."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl
import pyarrow as pa


def candle_hour(klines: pa.Table) -> pa.Array:
    """The hour each record is about, or was downloaded in where its open time has no known unit.

    Args:
        klines: Rows of ``binance_klines_daily``. Open times of 16 digits are microseconds, of 13 milliseconds.
    """
    opened = pl.col("open_time")
    known = (
        pl.when(opened.is_between(10**12, 10**13 - 1))
        .then(opened * 1000)
        .when(opened.is_between(10**15, 10**16 - 1))
        .then(opened)
        .cast(pl.Datetime("us", "UTC"))
    )
    times = pl.DataFrame(klines.select(["open_time", "ingestion_ts"]))
    hours = times.select(pl.coalesce(known, pl.col("ingestion_ts")).dt.truncate("1h")).to_series()
    return hours.to_arrow()


KLINE_LAYOUT: Mapping[str, Callable[[pa.Table], pa.Array]] = {"candle_hour": candle_hour}
