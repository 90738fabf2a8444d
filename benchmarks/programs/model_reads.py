"""Read for models, and say how long it took: ``model_reads LAKE training|join|latest``.

The tables are in the page cache, because they were read once before; Python and its packages are loaded.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl

from klineforge.ml import asof_join, feature_catalog, latest_features, load_features, training_set

SPINE_ROWS = 1_000_000
_MINUTES = 60


def main(lake: str, what: str) -> None:
    """Do it twice, and time the second."""
    work = _WORK[what](lake)
    work()
    started, used = time.perf_counter(), time.process_time()
    rows = work()
    print(f"rows {rows}\nseconds {time.perf_counter() - started:.4f}\ncpu {time.process_time() - used:.4f}")


def _training(lake: str) -> Callable[[], int]:
    names = [spec.name for spec in feature_catalog()]
    return lambda: training_set(lake, label="forward_return_24h", features=names).manifest.rows


def _join(lake: str) -> Callable[[], int]:
    features = load_features(lake, kind="polars")
    minutes = pl.Series(np.random.default_rng(5).integers(0, _MINUTES, SPINE_ROWS))
    spine = (
        features.select("exchange", "coin", "available_at")
        .sample(SPINE_ROWS, with_replacement=True, shuffle=True, seed=5)
        .select("exchange", "coin", (pl.col("available_at") + pl.duration(minutes=minutes)).alias("asof"))
    )
    return lambda: int(asof_join(spine, features).height)


def _latest(lake: str) -> Callable[[], int]:
    return lambda: int(latest_features(lake).height)


_WORK: Mapping[str, Callable[[str], Any]] = {"training": _training, "join": _join, "latest": _latest}

if __name__ == "__main__":
    main(*sys.argv[1:])
