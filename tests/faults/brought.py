"""What archive files brought to bronze."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
from faults.world import World

DAY = "BTCUSDT-1h-2024-03-02.zip"


def opened(hour: int) -> int:
    """Milliseconds of an hour of 2 March."""
    return int(datetime(2024, 3, 2, hour, tzinfo=UTC).timestamp() * 1000)


def from_day(world: World, file: str = DAY) -> pl.DataFrame:
    """The rows of bronze that came from a file."""
    return world.lake.table("klines").filter(pl.col("source_uri").str.ends_with(file)).sort("source_row")


def checkpoint(world: World, file: str = DAY) -> dict[str, object]:
    """What bronze says about a file."""
    found = world.lake.table("checkpoints").filter(pl.col("source_uri").str.ends_with(file), pl.col("row_count") > 0)
    return found.row(0, named=True)


def sources_of(world: World, start: datetime, end: datetime) -> set[str]:
    """Which kinds of sources brought BTC's candles of some hours."""
    between = pl.col("open_time").is_between(start.timestamp() * 1000, end.timestamp() * 1000, closed="left")
    return set(world.lake.table("klines").filter(between, pl.col("coin") == "BTCUSDT")["source_kind"])
