"""Pearson correlation of two series over a window, its regime and its breakdown."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

BREAKDOWN_CHANGE = 0.5
REGIME_FLOORS = (("High", 0.8), ("Medium", 0.5), ("Low", 0.3))
# A value this close to a threshold counts as on it: the last bits of a correlation depend on the engine.
ROUNDING = 1e-12


def pearson(covariance: Column, one_spread: Column, other_spread: Column) -> Column:
    """Return the correlation of two series from their moments about the mean.

    ``F.corr`` divides by zero, an error under ANSI, where a side does not vary. The moments, which Spark updates about
    the running mean and exactly to zero over equal values, do not. Their rounding grows with the ratio of mean to
    spread: the result stays within 1e-9 of two passes up to a ratio of several millions, far beyond any market.

    Args:
        covariance: Population covariance of the two series.
        one_spread: Population standard deviation of the first.
        other_spread: Population standard deviation of the second.

    Returns:
        DOUBLE that rounding may carry a little past -1 or 1; null when either side does not vary.

    Examples:
        >>> spark.sql("SELECT 1").select(pearson(F.lit(1.0), F.lit(2.0), F.lit(1.0))).first()[0]
        0.5
    """
    return F.try_divide(covariance, one_spread * other_spread)


def clipped(correlation: Column) -> Column:
    """Return a correlation without the rounding that carries it past -1 or 1; null stays null."""
    return F.when(correlation > 1.0, 1.0).when(correlation < -1.0, -1.0).otherwise(correlation)


def correlation_regime(correlation: Column) -> Column:
    """Name the strength of a correlation by its size, whatever its sign.

    Args:
        correlation: From -1 to 1.

    Returns:
        ``High`` from 0.8, ``Medium`` from 0.5, ``Low`` from 0.3, else ``Uncorrelated``; null with the correlation.

    Examples:
        >>> spark.sql("SELECT 1").select(correlation_regime(F.lit(-0.6))).first()[0]
        'Medium'
    """
    regime = F.when(correlation.isNull(), F.lit(None).cast("string"))
    for name, floor in REGIME_FLOORS:
        regime = regime.when(F.abs(correlation) >= floor - ROUNDING, name)
    return regime.otherwise("Uncorrelated")


def is_breakdown(correlation: Column, an_hour_earlier: Column) -> Column:
    """Return whether a correlation moved by more than 0.5 within the hour; false where either is null.

    Examples:
        >>> spark.sql("SELECT 1").select(is_breakdown(F.lit(0.4), F.lit(-0.3))).first()[0]
        True
    """
    return F.coalesce(F.abs(correlation - an_hour_earlier) > BREAKDOWN_CHANGE + ROUNDING, F.lit(False))
