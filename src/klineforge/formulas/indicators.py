"""Momentum and trend."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

RSI_CHANGES = 14
# Standard deviations below a thousandth of the root mean square are taken for rounding.
_LEAST_VARIANCE = 1e-6
# What an average keeps of itself when a change comes in.
_DECAY = (RSI_CHANGES - 1) / RSI_CHANGES


def wilder_weight(position: Column) -> Column:
    """Return the weight with which a change enters Wilder's average, as a multiple of that of the first fourteen.

    Wilder's average begins as the mean of 14 changes and goes on as ``(13 * average + change) / 14``. Divided by what
    all of it has decayed by since, each change keeps one weight for ever: 1 for the first fourteen, 14/13 times as much
    for every one after those. The average is then a sum of terms of one sign, and no digits cancel.

    Args:
        position: 1 for the first change.

    Returns:
        DOUBLE, from 1 on.

    Examples:
        >>> spark.sql("SELECT 1").select(wilder_weight(F.lit(14)), wilder_weight(F.lit(15))).first()[:]
        (1.0, 1.0769230769230769)
    """
    return F.pow(F.lit(1 / _DECAY), F.greatest(position - RSI_CHANGES, F.lit(0)).cast("double"))


def relative_strength_index(gains: Column, losses: Column) -> Column:
    """Return Wilder's index of average gains and losses, which may have any common factor.

    Args:
        gains: Average rise, at least 0.
        losses: Average fall, at least 0, in the same unit.

    Returns:
        0 (only falls) to 100 (only rises), DOUBLE; null when both are zero.

    Examples:
        >>> spark.sql("SELECT 1").select(relative_strength_index(F.lit(3.0), F.lit(1.0))).first()[0]
        75.0
    """
    return F.lit(100.0) * F.try_divide(gains, gains + losses)


def share_with_sign(sign: Column, ups: Column, downs: Column, number: Column) -> Column:
    """Return the share of returns that go one way.

    Args:
        sign: Return whose sign is looked for.
        ups: Returns above zero.
        downs: Returns below zero.
        number: All of them.

    Returns:
        0 to 1, DOUBLE; null when the sign is null or zero, or there is no return.

    Examples:
        >>> spark.sql("SELECT 1").select(share_with_sign(F.lit(-0.1), F.lit(3), F.lit(1), F.lit(4))).first()[0]
        0.25
    """
    return F.when(sign > 0, F.try_divide(ups, number)).when(sign < 0, F.try_divide(downs, number))


def signed_run(change: Column, hours_up: Column, hours_down: Column, most: int) -> Column:
    """Return how long returns have had the sign of the newest one.

    Args:
        change: The newest return.
        hours_up: Hours since the last return that was not above zero; null when there is none.
        hours_down: Hours since the last return that was not below zero; null when there is none.
        most: Where a run is cut off.

    Returns:
        Positive for rises, negative for falls, 0 when the newest return is null or zero.

    Examples:
        >>> spark.sql("SELECT 1").select(signed_run(F.lit(-0.1), F.lit(0), F.lit(5), 168)).first()[0]
        -5
    """
    longest = F.lit(most)
    up, down = (F.least(F.coalesce(hours, longest), longest) for hours in (hours_up, hours_down))
    return F.when(change > 0, up).when(change < 0, -down).otherwise(F.lit(0))


def efficiency_ratio(move: Column, path: Column) -> Column:
    """Return Kaufman's ratio of the way made to the way gone.

    Args:
        move: Price change from the first close to the last.
        path: Sum of the sizes of all changes between them, same unit.

    Returns:
        0 to 1, DOUBLE; null when the price did not move at all.

    Examples:
        >>> spark.sql("SELECT 1").select(efficiency_ratio(F.lit(-2.0), F.lit(8.0))).first()[0]
        0.25
    """
    # Null takes part in no comparison, so that it is not cut to 1. A sum may be a last bit short of the move.
    ratio = F.try_divide(F.abs(move), path)
    return F.when(ratio > 1.0, 1.0).otherwise(ratio)


def slope_of_sums(number: Column, x: Column, y: Column, xx: Column, xy: Column) -> Column:
    """Return the slope of the least squares of y over x.

    Sums round by their size; where x hardly varies around its mean they would have no digits left.

    Args:
        number: Pairs of values.
        x: Sum of the one.
        y: Sum of the other.
        xx: Sum of the squares of the one.
        xy: Sum of the products.

    Returns:
        DOUBLE; null where the variance of x is not above a millionth of its mean square, and without pairs.

    Examples:
        >>> spark.sql("SELECT 1").select(slope_of_sums(*map(F.lit, (2, 3.0, 6.0, 5.0, 10.0)))).first()[0]
        2.0
    """
    spread = xx - x * F.try_divide(x, number)
    return F.when(spread > _LEAST_VARIANCE * xx, F.try_divide(xy - x * F.try_divide(y, number), spread))
