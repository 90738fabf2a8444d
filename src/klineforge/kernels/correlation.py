"""Rolling correlations of all pairs of coins at once: one small matrix product per hour.

Every window of 24 hours is centred and scaled by itself before the products are summed, which gives the accuracy of two
passes. Only where a window lacks some of its returns are the pairs' moments needed, and where those have lost too many
digits the pair is computed again in two passes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Positions = NDArray[np.intp]

WINDOW = 24
# Below this share of its second moment about the own mean, a pairwise variance has lost too many digits.
_WELL_CONDITIONED = 1e-5


@dataclass(frozen=True)
class RollingCorrelations:
    """Correlations of ``n`` coins over ``hours`` consecutive hours.

    Args:
        correlation: ``(hours, n, n)``; NaN below the minimum of observations or where a side does not vary. What the
            diagonal holds means nothing.
        observations: ``(hours, n, n)``, hours of the window in which both returns are there.
    """

    correlation: Floats
    observations: NDArray[np.int8]


@dataclass(frozen=True)
class _Windows:
    """Windows of ``n`` coins ending at ``hours`` consecutive hours, each ``(hours, n, 24)``.

    Args:
        returns: As they are, NaN where missing.
        there: Where they are not missing.
        distance: From the mean of the window's own returns, 0 where missing.
    """

    returns: Floats
    there: Flags
    distance: Floats


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
        min_observations: Hours with both returns below which a correlation is NaN, at least 2.

    Returns:
        Correlations for the hours from the 24th on: ``hours - 23`` of them.
    """
    there: Flags = np.logical_not(np.isnan(returns))
    count = sliding_window_view(there, WINDOW, axis=0).sum(axis=2)
    complete: Flags = count == WINDOW
    partial: Flags = np.logical_and(count > 0, np.logical_not(complete))
    windows = _windows(returns, there, count, partial)
    correlation = _of_complete(windows.distance, complete & ~_flat(returns))
    observations = np.multiply(complete[:, :, None] & complete[:, None, :], WINDOW, dtype=np.int8)
    sizes = partial.sum(axis=1)
    for size in np.unique(sizes[sizes > 0]):
        hours = np.flatnonzero(sizes == size)
        coins = np.nonzero(partial[hours])[1].reshape(-1, size)
        value, both = _of_partial(windows, hours, coins)
        value[both < min_observations] = np.nan
        at = hours[:, None]
        correlation[at, coins, :] = correlation[at, :, coins] = value
        observations[at, coins, :] = observations[at, :, coins] = both
    np.clip(correlation, -1.0, 1.0, out=correlation)
    return RollingCorrelations(correlation, observations)


def _windows(returns: Floats, there: Flags, count: NDArray[np.int_], partial: Flags) -> _Windows:
    known = sliding_window_view(np.where(there, returns, 0.0), WINDOW, axis=0)
    mean = known.sum(axis=2) / np.maximum(count, 1)
    distance: Floats = known - mean[:, :, None]
    is_there = sliding_window_view(there, WINDOW, axis=0)
    distance[partial] *= is_there[partial]
    return _Windows(sliding_window_view(returns, WINDOW, axis=0), is_there, distance)


def _flat(returns: Floats) -> Flags:
    """Whether all 24 returns of a window are equal, ``(hours - 23, n)``."""
    repeated: Flags = returns[1:] == returns[:-1]
    flat: Flags = np.all(sliding_window_view(repeated, WINDOW - 1, axis=0), axis=2)
    return flat


def _of_complete(distance: Floats, usable: Flags) -> Floats:
    """Correlations of windows that have all 24 returns and vary; NaN elsewhere."""
    length = np.sqrt(np.einsum("hnt,hnt->hn", distance, distance))
    scale = np.divide(1.0, length, out=np.full_like(length, np.nan), where=usable & (length > 0.0))
    scaled = distance * scale[:, :, None]
    product: Floats = np.matmul(scaled, scaled.swapaxes(1, 2))
    return product


def _of_partial(windows: _Windows, hours: Positions, coins: Positions) -> tuple[Floats, NDArray[np.int64]]:
    """Correlations of some coins with all others over the hours both have.

    Args:
        windows: Windows of all coins.
        hours: ``(r,)`` positions of the windows.
        coins: ``(r, k)`` coins of each hour whose windows lack some returns.

    Returns:
        Correlation, NaN where a side does not vary, and number of hours, each ``(r, k, n)``.
    """
    at = hours[:, None]
    distance, mask = windows.distance[hours], windows.there[hours].astype(np.float64)
    own, own_mask = windows.distance[at, coins], windows.there[at, coins].astype(np.float64)
    others, other_masks = distance.swapaxes(1, 2), mask.swapaxes(1, 2)
    both = np.rint(own_mask @ other_masks).astype(np.int64)
    count = np.maximum(both, 1)
    own_total, other_total = own @ other_masks, own_mask @ others
    own_squares, other_squares = np.square(own) @ other_masks, own_mask @ np.square(others)
    own_spread = own_squares - np.square(own_total) / count
    other_spread = other_squares - np.square(other_total) / count
    with np.errstate(invalid="ignore", divide="ignore"):
        value: Floats = (own @ others - own_total * other_total / count) / np.sqrt(own_spread * other_spread)
    poor = (own_spread <= _WELL_CONDITIONED * own_squares) | (other_spread <= _WELL_CONDITIONED * other_squares)
    row, one, two = np.nonzero(poor & (both > 1))
    value[row, one, two] = two_passes(windows.returns[hours[row], coins[row, one]], windows.returns[hours[row], two])
    value[both < 2] = np.nan
    return value, both


def two_passes(one: Floats, two: Floats) -> Floats:
    """Correlations of pairs of series in two passes over the hours both have.

    Args:
        one: ``(pairs, hours)``, NaN where missing.
        two: The other sides, of the same shape.

    Returns:
        ``(pairs,)``, NaN where a side does not vary.
    """
    both = ~(np.isnan(one) | np.isnan(two))
    from_one, from_two = _from_mean(one, both), _from_mean(two, both)
    apart = np.sqrt(np.square(from_one).sum(axis=1)) * np.sqrt(np.square(from_two).sum(axis=1))
    varies = (apart > 0.0) & _varies(one, both) & _varies(two, both)
    together = (from_one * from_two).sum(axis=1)
    correlation: Floats = np.divide(together, apart, out=np.full(apart.shape, np.nan), where=varies)
    return correlation


def _from_mean(series: Floats, used: Flags) -> Floats:
    known = np.where(used, series, 0.0)
    mean = known.sum(axis=1) / np.maximum(used.sum(axis=1), 1)
    return np.where(used, known - mean[:, None], 0.0)


def _varies(series: Floats, used: Flags) -> Flags:
    largest = np.where(used, series, -np.inf).max(axis=1)
    varies: Flags = largest > np.where(used, series, np.inf).min(axis=1)
    return varies
