"""Triple barriers: which of two prices is reached first, within so many hours."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from klineforge.errors import ConfigurationError

Floats = NDArray[np.float64]
_DAY = 24


@dataclass(frozen=True)
class Barriers:
    """Where a triple-barrier label ends: so many volatilities above or below the close, or with the horizon.

    A volatility is the sample standard deviation of the hourly returns of the 24 h before the decision, times the
    square root of the horizon in hours.

    Args:
        upper: Distance of the upper barrier, in volatilities, above 0.
        lower: Distance of the lower barrier, likewise.
        min_observations: Returns in the 24 h before, below which there is no label; 2 to 24.

    Raises:
        ConfigurationError: When a value is not one of those.
    """

    upper: float = 1.0
    lower: float = 1.0
    min_observations: int = 12

    def __post_init__(self) -> None:
        """Check the values."""
        if not (0 < self.upper < 100 and 0 < self.lower < 100):
            raise ConfigurationError(
                f"barriers lie between 0 and 100 volatilities away, found upper={self.upper!r} and lower={self.lower!r}"
            )
        if self.min_observations not in range(2, 25):
            raise ConfigurationError(f"min_observations must be from 2 to 24, found {self.min_observations!r}")


def touched(opened: NDArray[np.int64], closes: Floats, hours: int, barriers: Barriers) -> tuple[Floats, Floats]:
    """Which barrier each candle of a listing reaches first, and after how many hours its label is known.

    Args:
        opened: Hours in which the candles opened, ascending, each once.
        closes: Their closes, above zero.
        hours: The third barrier: so many hours later the label ends in any case.
        barriers: Where the others lie.

    Returns:
        1, -1 or 0, and hours from 1; both NaN where an hour of the horizon has no candle, fewer than
        ``min_observations`` returns tell the volatility, or the price did not move.

    >>> walk = np.array([100.0, 101.0, 100.0, 101.0, 140.0, 50.0])
    >>> touched(np.arange(6), walk, 2, Barriers(min_observations=2))[0].tolist()
    [nan, nan, 1.0, 1.0, nan, nan]
    """
    place = opened - opened[0]
    grid = np.full(int(place[-1]) + 1 + hours, np.nan)
    grid[place] = closes
    path = sliding_window_view(grid, hours + 1)[place]
    width = _volatility(grid, place, barriers.min_observations) * math.sqrt(hours)
    close, later = path[:, :1], path[:, 1:]
    above = later >= close * np.exp(barriers.upper * width)[:, None]
    below = later <= close * np.exp(-barriers.lower * width)[:, None]
    reached = above | below
    first = reached.argmax(axis=1)
    rows = np.arange(place.size)
    is_reached = reached[rows, first]
    label = np.where(is_reached, np.where(above[rows, first], 1.0, -1.0), 0.0)
    after = np.where(is_reached, first + 1.0, float(hours))
    is_known = ~np.isnan(later).any(axis=1) & (width > 0)
    return np.where(is_known, label, np.nan), np.where(is_known, after, np.nan)


def _volatility(grid: Floats, place: NDArray[np.int64], least: int) -> Floats:
    """Sample standard deviation of the returns in the 24 hours up to each candle; NaN below ``least`` returns."""
    returns = np.full(grid.size + _DAY - 1, np.nan)
    returns[_DAY:] = grid[1:] / grid[:-1] - 1
    window = sliding_window_view(returns, _DAY)[place]
    there = ~np.isnan(window)
    number = there.sum(axis=1)
    mean = np.where(there, window, 0).sum(axis=1) / np.maximum(number, 1)
    squares = np.where(there, (window - mean[:, None]) ** 2, 0).sum(axis=1)
    spread: Floats = np.sqrt(squares / np.maximum(number - 1, 1))
    return np.where(number >= least, spread, np.nan)
