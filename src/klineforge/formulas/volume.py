"""Relative volume and the price weighted by it."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

SPIKE_FACTOR = 2.0


def spike_ratio(volume: Column, average_volume: Column) -> Column:
    """Return how many times its recent mean an hour's volume is.

    Args:
        volume: Traded in the hour, base asset.
        average_volume: Mean per hour over the window, base asset.

    Returns:
        Ratio, DOUBLE; null when nothing was traded in the window.

    Examples:
        >>> spark.sql("SELECT 1").select(spike_ratio(F.lit(6.0), F.lit(4.0))).first()[0]
        1.5
    """
    return F.try_divide(volume, average_volume)


def is_spike(volume: Column, average_volume: Column) -> Column:
    """Return whether an hour's volume is more than twice its recent mean; false when nothing was traded.

    Examples:
        >>> spark.sql("SELECT 1").select(is_spike(F.lit(8.0), F.lit(4.0))).first()[0]
        False
    """
    return volume > SPIKE_FACTOR * average_volume


def volume_weighted_price(quote_volume: Column, base_volume: Column) -> Column:
    """Return the mean price of what was traded.

    Args:
        quote_volume: Traded value over a range of time, quote asset.
        base_volume: Traded volume over the same range, base asset.

    Returns:
        Quote asset per base asset, DOUBLE; null when nothing was traded.

    Examples:
        >>> spark.sql("SELECT 1").select(volume_weighted_price(F.lit(70.0), F.lit(4.0))).first()[0]
        17.5
    """
    return F.try_divide(quote_volume, base_volume)


def mover_signal(simple_return: Column, volume_spike_ratio: Column) -> Column:
    """Return the size of a move times its relative volume.

    Args:
        simple_return: Fraction.
        volume_spike_ratio: Ratio.

    Returns:
        Fraction, DOUBLE, at least 0; null when either side is null.

    Examples:
        >>> spark.sql("SELECT 1").select(mover_signal(F.lit(-0.5), F.lit(3.0))).first()[0]
        1.5
    """
    return F.abs(simple_return) * volume_spike_ratio
