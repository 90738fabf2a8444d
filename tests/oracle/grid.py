"""One listing's candles on a regular grid of hours, and its windows, in NumPy.

Written from docs/definitions.md alone. Nothing of this is shared with the package: where both agree, both are right.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]
WINDOW = 24


def listings(candles: pd.DataFrame) -> Iterator[tuple[str, str, int, pd.DatetimeIndex, pd.DataFrame]]:
    """Each asset that a coin has named: what it is, its hours from first to last candle, and its candles.

    Args:
        candles: Candles in any order; without ``listing_seq`` every coin has one listing.

    Yields:
        Exchange, coin, number of the listing, hours, and the candles with a row of NaN per missing hour.
    """
    key = ["exchange", "coin", "listing_seq"]
    known = candles if "listing_seq" in candles else candles.assign(listing_seq=1)
    for (exchange, coin, seq), rows in known.groupby(key, sort=True):
        by_hour = rows.set_index("open_timestamp").sort_index()
        assert by_hour.index.is_unique
        hours = pd.date_range(by_hour.index[0], by_hour.index[-1], freq="h", unit="us")
        assert by_hour.index.isin(hours).all()
        yield exchange, coin, seq, hours, by_hour.drop(columns=key).reindex(hours)


def hourly_returns(close: Floats) -> tuple[Floats, Floats]:
    """The close one grid step earlier and the simple return from it; NaN where either hour is missing."""
    previous = np.concatenate([[np.nan], close[:-1]])
    return previous, close / previous - 1


def last_day(values: Floats) -> Floats:
    """For each hour the 24 values up to and including it, NaN before the grid begins."""
    return sliding_window_view(np.concatenate([np.full(WINDOW - 1, np.nan), values]), WINDOW)


def count(windows: Floats) -> NDArray[np.int64]:
    """Values per window that are not NaN."""
    return (~np.isnan(windows)).sum(axis=1)


def mean(windows: Floats) -> Floats:
    """Mean of what is not NaN, in extended precision; NaN for an empty window."""
    number = count(windows)
    total = np.nansum(windows.astype(np.longdouble), axis=1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan).astype(np.longdouble)


def deviations(windows: Floats) -> Floats:
    """Distance of each value from its window's mean; exactly zero in windows of equal values."""
    lowest = np.min(np.where(np.isnan(windows), np.inf, windows), axis=1)
    highest = np.max(np.where(np.isnan(windows), -np.inf, windows), axis=1)
    is_flat = (lowest == highest)[:, None] & ~np.isnan(windows)
    distance = windows.astype(np.longdouble) - mean(windows)[:, None]
    return np.where(is_flat, 0, distance)
