"""Rolling correlations of all pairs of coins at once: one small matrix product per hour.

Every window of 24 hours is centred and scaled by itself before the products are summed, which gives the accuracy of two
passes. Windows in which a return is missing, and cells too ill-conditioned for that, are computed pair by pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

WINDOW = 24
# Below this share of its second moment about the own mean, a pairwise variance has lost too many digits.
_WELL_CONDITIONED = 1e-5


@dataclass(frozen=True)
class RollingCorrelations:
    """Correlations of ``n`` coins over ``hours`` consecutive hours.

    Args:
        correlation: ``(hours, n, n)``; NaN below the minimum of observations or where a side does not vary.
        observations: ``(hours, n, n)``, hours of the window in which both returns are there.
    """

    correlation: Floats
    observations: NDArray[np.int32]


def hourly_returns(close: Floats) -> Floats:
    """Simple returns of closes on an hourly grid.

    Args:
        close: ``(hours, n)``, NaN where there is no candle.

    Returns:
        ``(hours, n)``, fraction; NaN in the first hour and where either close is missing.
    """
    returns = np.full_like(close, np.nan)
    np.divide(close[1:], close[:-1], out=returns[1:])
    returns[1:] -= 1.0
    return returns


def rolling_correlations(returns: Floats, min_observations: int) -> RollingCorrelations:
    """Pearson correlation of every pair over the trailing 24 hours.

    Args:
        returns: ``(hours, n)`` on an hourly grid, NaN where missing.
        min_observations: Hours with both returns below which a correlation is NaN.

    Returns:
        Correlations for the hours from the 24th on: ``hours - 23`` of them.
    """
    windows: Floats = sliding_window_view(returns, WINDOW, axis=0)
    there: Flags = np.logical_not(np.isnan(windows))
    mask = there.astype(np.float64)
    observations = np.matmul(mask, mask.swapaxes(1, 2)).astype(np.int32)
    count = mask.sum(axis=2, keepdims=True)
    known = np.where(there, windows, 0.0)
    mean = known.sum(axis=2, keepdims=True) / np.maximum(count, 1.0)
    distance = np.where(there, windows - mean, 0.0)
    complete: Flags = np.all(there, axis=2)
    correlation = _of_complete(windows, distance)
    ragged = np.flatnonzero(~complete.all(axis=1))
    if ragged.size:
        partial = _of_ragged(windows[ragged], distance[ragged], mask[ragged], observations[ragged])
        both = complete[ragged][:, :, None] & complete[ragged][:, None, :]
        correlation[ragged] = np.where(both, correlation[ragged], partial)
    correlation[observations < min_observations] = np.nan
    np.clip(correlation, -1.0, 1.0, out=correlation)
    return RollingCorrelations(correlation, observations)


def _of_complete(windows: Floats, distance: Floats) -> Floats:
    """Correlations where both windows have all 24 returns; anything elsewhere."""
    length = np.sqrt(np.square(distance).sum(axis=2, keepdims=True))
    flat = (windows.max(axis=2, keepdims=True) == windows.min(axis=2, keepdims=True)) | (length == 0.0)
    scaled = distance / np.where(flat, np.nan, length)
    product: Floats = np.matmul(scaled, scaled.swapaxes(1, 2))
    return product


def _of_ragged(windows: Floats, distance: Floats, mask: Floats, observations: NDArray[np.int32]) -> Floats:
    """Correlations over the hours both sides have, from moments about each window's own mean."""
    count = np.maximum(observations, 1)
    other = mask.swapaxes(1, 2)
    total = np.matmul(distance, other)
    squares = np.matmul(np.square(distance), other)
    spread = squares - np.square(total) / count
    together = np.matmul(distance, distance.swapaxes(1, 2)) - total * total.swapaxes(1, 2) / count
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation: Floats = together / np.sqrt(spread * spread.swapaxes(1, 2))
    poor = spread <= _WELL_CONDITIONED * squares
    poor = (poor | poor.swapaxes(1, 2)) & (observations > 1)
    for hour, one, two in np.argwhere(np.triu(poor, 1)):
        correlation[hour, one, two] = correlation[hour, two, one] = exact(windows[hour, one], windows[hour, two])
    correlation[observations < 2] = np.nan
    return correlation


def exact(one: Floats, two: Floats) -> float:
    """Correlation of two series in two passes over the hours both have; NaN where a side does not vary."""
    both = ~(np.isnan(one) | np.isnan(two))
    one, two = one[both], two[both]
    if one.size < 2 or one.max() == one.min() or two.max() == two.min():
        return float("nan")
    from_one, from_two = one - one.mean(), two - two.mean()
    apart = np.sqrt(np.square(from_one).sum()) * np.sqrt(np.square(from_two).sum())
    return float((from_one * from_two).sum() / apart) if apart > 0.0 else float("nan")
