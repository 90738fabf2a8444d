"""Who took the trades: buyers or sellers."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F


def taker_imbalance(taker_buy_volume: Column, volume: Column) -> Column:
    """Return by how much takers bought more than they sold, in proportion to all that was traded.

    Args:
        taker_buy_volume: Bought by takers, base asset.
        volume: Traded in all, base asset; the rest was sold by takers.

    Returns:
        From -1 (takers only sold) to 1 (they only bought), DOUBLE; null when nothing was traded or either is null.

    Examples:
        >>> spark.sql("SELECT 1").select(taker_imbalance(F.lit(3.0), F.lit(4.0))).first()[0]
        0.5
    """
    return F.try_divide(F.lit(2.0) * taker_buy_volume - volume, volume)
