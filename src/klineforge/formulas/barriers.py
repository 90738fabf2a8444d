"""Triple-barrier labels (Lopez de Prado 2018, ch. 3): which of two prices a path reaches first, within a time."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F


def barrier(close: Column, width: Column, multiple: float) -> Column:
    """Return the price that lies some widths from a close.

    Args:
        close: Closing price the path begins at, quote asset per base asset.
        width: Natural log, above zero.
        multiple: How many widths; negative for a price below the close.

    Returns:
        Quote asset per base asset, DOUBLE; null with either argument.

    Examples:
        >>> spark.sql("SELECT 1").select(barrier(F.lit(100.0), F.lit(0.0), 2.0)).first()[0]
        100.0
    """
    return close * F.exp(width * F.lit(multiple))


def hours_to_barrier(path: Column, upper: Column, lower: Column) -> Column:
    """Return after how many hours a path reaches one of two prices.

    Args:
        path: ARRAY of the closes of consecutive hours.
        upper: Reached by a close at or above it.
        lower: Reached by a close at or below it.

    Returns:
        BIGINT from 1; null where no close reaches either, or one of the barriers is null.

    Examples:
        >>> path = F.array(F.lit(101.0), F.lit(97.0), F.lit(120.0))
        >>> spark.sql("SELECT 1").select(hours_to_barrier(path, F.lit(110.0), F.lit(98.0))).first()[0]
        2
    """
    reached = F.transform(path, lambda close: (close >= upper) | (close <= lower))
    return F.nullif(F.array_position(reached, F.lit(True)), F.lit(0))
