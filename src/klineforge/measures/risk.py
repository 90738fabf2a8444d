"""Risk and reward of one series of hourly returns or values.

Returns are simple returns as fractions; null is not-a-number and counts as no observation. A year has 8,760 hours. The
risk-free rate is zero. A figure that too few observations, or none that vary, leave undefined is None.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

HOURS_PER_YEAR: Final = 8760.0
LEAST_FOR_A_YEAR: Final = 720
"""Hours below which a growth is not carried on to a year: of a few days it would be anything."""


@dataclass(frozen=True, slots=True)
class Drawdown:
    """One fall from a highest value and the way back.

    Args:
        peak: Place of the highest value before the fall.
        trough: Place of the lowest one.
        recovery: Place of the first value that is at least the peak again; None while there is none.
        depth: ``trough / peak - 1``, negative, a fraction.
    """

    peak: int
    trough: int
    recovery: int | None
    depth: float


def annualised_volatility(returns: Numbers) -> float | None:
    """Sample standard deviation of hourly returns times the square root of a year's hours, a fraction.

    Args:
        returns: Hourly returns; fewer than two are None.
    """
    seen = _seen(returns)
    return float(seen.std(ddof=1)) * math.sqrt(HOURS_PER_YEAR) if seen.size > 1 else None


def sharpe_ratio(returns: Numbers) -> float | None:
    """Mean return by its sample standard deviation, a year's; None where returns do not vary.

    Args:
        returns: Hourly returns.
    """
    seen = _seen(returns)
    if seen.size < 2 or _is_flat(seen):
        return None
    return float(seen.mean() / seen.std(ddof=1)) * math.sqrt(HOURS_PER_YEAR)


def sortino_ratio(returns: Numbers) -> float | None:
    """Mean return by the root mean square of the losses over all hours, a year's; None where nothing was lost.

    Args:
        returns: Hourly returns.
    """
    seen = _seen(returns)
    if seen.size < 2:
        return None
    downside = math.sqrt(float(np.mean(np.minimum(seen, 0.0) ** 2)))
    return float(seen.mean()) / downside * math.sqrt(HOURS_PER_YEAR) if downside > 0 else None


def value_at_risk(returns: Numbers, level: float) -> float | None:
    """Loss of an hour that was not exceeded in a share ``level`` of the hours: historical, a positive fraction.

    >>> value_at_risk(np.array([-0.04, -0.02, 0.0, 0.02, 0.04]), 0.75)
    0.02

    Args:
        returns: Hourly returns.
        level: 0.95 or 0.99, as a rule. The quantile lies linearly between observations.
    """
    seen = _seen(returns)
    return -float(np.quantile(seen, 1 - level)) if seen.size else None


def conditional_value_at_risk(returns: Numbers, level: float) -> float | None:
    """Mean loss of the hours at or beyond the value at risk, a positive fraction.

    >>> conditional_value_at_risk(np.array([-0.04, -0.02, 0.0, 0.02, 0.04]), 0.75)
    0.03

    Args:
        returns: Hourly returns.
        level: As of ``value_at_risk``.
    """
    seen = _seen(returns)
    return -float(seen[seen <= np.quantile(seen, 1 - level)].mean()) if seen.size else None


def beta(returns: Numbers, reference: Numbers) -> float | None:
    """Covariance with a reference by the reference's variance, over the hours in which both have a return.

    Args:
        returns: Hourly returns.
        reference: Hourly returns of the reference, hour by hour beside them.

    Returns:
        None below two common hours, or where the reference does not vary.
    """
    both = np.isfinite(returns) & np.isfinite(reference)
    mine, others = returns[both], reference[both]
    if mine.size < 2 or _is_flat(others):
        return None
    covariance = np.cov(mine, others, ddof=1)
    return float(covariance[0, 1] / covariance[1, 1])


def underwater(values: Numbers) -> Numbers:
    """How far each value is below the highest so far: 0 at a peak, negative below, not-a-number where there is none.

    >>> underwater(np.array([100.0, 50.0, np.nan, 110.0])).tolist()
    [0.0, -0.5, nan, 0.0]

    Args:
        values: Prices or values, positive.
    """
    peaks = np.fmax.accumulate(values) if values.size else values
    return values / peaks - 1


def max_drawdown(values: Numbers) -> float | None:
    """The deepest fall from a highest value, as a fraction at most zero; None without values.

    Args:
        values: Prices or values, positive.
    """
    depths = underwater(values)
    return float(np.nanmin(depths)) if np.isfinite(depths).any() else None


def worst_drawdowns(values: Numbers, most: int) -> list[Drawdown]:
    """The deepest falls that do not overlap, the deepest first.

    >>> [(fall.peak, fall.trough, fall.recovery) for fall in worst_drawdowns(np.array([10.0, 8.0, 10.0, 9.0]), 5)]
    [(0, 1, 2), (2, 3, None)]

    Args:
        values: Prices or values, positive; places without one are stepped over.
        most: How many at most.
    """
    places = np.flatnonzero(np.isfinite(values))
    depths = underwater(values[places])
    below = depths < 0
    edges = np.flatnonzero(np.diff(np.concatenate(([False], below, [False])).astype(np.int8)))
    found = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        trough = int(start) + int(np.argmin(depths[start:end]))
        recovery = int(places[end]) if end < places.size else None
        found.append(Drawdown(int(places[start - 1]), int(places[trough]), recovery, float(depths[trough])))
    return sorted(found, key=lambda fall: (fall.depth, fall.peak))[:most]


def growth_rate(factor: float, hours: float) -> float | None:
    """Compound annual growth rate, a fraction.

    >>> round(growth_rate(1.21, 2 * 8760), 9)
    0.1
    >>> growth_rate(1.21, 719) is None
    True

    Args:
        factor: Last value by first value.
        hours: Between them; of fewer than ``LEAST_FOR_A_YEAR`` no rate for a year is given.
    """
    if hours < LEAST_FOR_A_YEAR or factor <= 0:
        return None
    exponent = math.log(factor) * HOURS_PER_YEAR / hours
    # Beyond this the rate of a year has no number any more.
    return math.expm1(exponent) if exponent < 700 else None


def calmar_ratio(values: Numbers) -> float | None:
    """Compound annual growth rate by the size of the deepest fall; None where nothing fell.

    Args:
        values: One price or value per hour, positive; hours without one count as time.
    """
    places = np.flatnonzero(np.isfinite(values))
    deepest = max_drawdown(values)
    if places.size < 2 or not deepest:
        return None
    rate = growth_rate(float(values[places[-1]] / values[places[0]]), float(places[-1] - places[0]))
    return None if rate is None else rate / -deepest


def _seen(values: Numbers) -> Numbers:
    return values[np.isfinite(values)]


def _is_flat(values: Numbers) -> bool:
    return bool(values.max() == values.min())
