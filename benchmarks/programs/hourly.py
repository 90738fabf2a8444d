"""Hour after hour in one process: ``hourly LAKE COINS HOURS RUNS MAINTAIN_EVERY [REAL_CANDLES]``.

Each run appends one hour of every coin to bronze and brings all derived tables up to date with the project's own
pipelines. Prints ``run WALL CPU`` for each, in seconds, and ``maintenance WALL CPU`` where it was asked for.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from benchmarks.market import HOUR, Market
from benchmarks.process import busy_seconds_of_tree
from benchmarks.programs.fill import bronze_rows
from benchmarks.programs.project import run_pipelines
from benchmarks.runs import DERIVED_LAYERS
from klineforge.cli.maintenance import Request, maintain_lake, raise_failures
from klineforge.datasets.delta_table import Append, DeltaTableDataset
from klineforge.pipelines.bronze.layout import KLINE_LAYOUT


def main(lake: str, coins: str, hours: str, runs: str, maintain_every: str, real: str = "") -> None:
    """Run so many hours."""
    market = Market(int(coins), int(hours), Path(real) if real else None)
    candles = market.candles().filter(pl.col("hour") >= market.end)
    for number in range(int(runs)):
        opened = market.end + number * HOUR
        with told("run"):
            append(lake, candles.filter(pl.col("hour") == opened), f"hour-{opened:%Y%m%d%H}")
            run_pipelines(lake, DERIVED_LAYERS)
        if int(maintain_every) and (number + 1) % int(maintain_every) == 0:
            with told("maintenance"):
                maintain(lake)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Print what a block cost."""
    wall, cpu = time.monotonic(), busy_seconds_of_tree(os.getpid())
    yield
    print(f"{what} {time.monotonic() - wall:.3f} {busy_seconds_of_tree(os.getpid()) - cpu:.2f}", flush=True)


def append(lake: str, candles: pl.DataFrame, identity: str) -> None:
    """Add candles to bronze as REST would bring them."""
    dataset = DeltaTableDataset(contract="binance_klines_daily", path=f"{lake}/bronze/binance_klines_daily")
    dataset.save(Append(bronze_rows(candles, identity, "rest"), identity, {}, KLINE_LAYOUT))


def maintain(lake: str) -> None:
    """What ``kedro klineforge maintain`` does when nothing old is kept: months pass within minutes here."""
    request = Request(keep_hours=0, keep_log_days=0, force=True)
    raise_failures(maintain_lake(Path(lake), request, datetime.now(UTC)))


if __name__ == "__main__":
    main(*sys.argv[1:])
