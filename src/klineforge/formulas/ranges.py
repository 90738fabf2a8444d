"""Volatility from the range of a candle: what each hour contributes, and what the mean of those says."""

from __future__ import annotations

import math

from pyspark.sql import Column
from pyspark.sql import functions as F

_FOUR_LN_2 = 4 * math.log(2)
_TWO_LN_2_LESS_1 = 2 * math.log(2) - 1


def squared_log_range(high: Column, low: Column) -> Column:
    """Return the square of the logarithm of a candle's range.

    Args:
        high: Highest price, above zero.
        low: Lowest price, above zero, same unit.

    Returns:
        DOUBLE, at least 0.

    Examples:
        >>> spark.sql("SELECT 1").select(squared_log_range(F.lit(2.0), F.lit(2.0))).first()[0]
        0.0
    """
    size = F.ln(high / low)
    return size * size


def parkinson(mean_squared_log_range: Column) -> Column:
    """Return the volatility by Parkinson (1980): what the ranges say where prices move without drift or jumps.

    Args:
        mean_squared_log_range: Mean of ``squared_log_range`` over the candles.

    Returns:
        Standard deviation of the log return of one candle, DOUBLE; null with the mean.

    Examples:
        >>> spark.sql("SELECT 1").select(F.round(parkinson(F.lit(4.0) * math.log(2)), 12)).first()[0]
        1.0
    """
    return F.sqrt(mean_squared_log_range / F.lit(_FOUR_LN_2))


def garman_klass_variance(squared_range: Column, open_price: Column, close_price: Column) -> Column:
    """Return what one candle contributes to the variance by Garman and Klass (1980).

    Args:
        squared_range: ``squared_log_range`` of the candle.
        open_price: Opening price, above zero.
        close_price: Closing price, above zero, same unit.

    Returns:
        DOUBLE, at least 0 where the range holds both prices.

    Examples:
        >>> spark.sql("SELECT 1").select(garman_klass_variance(F.lit(2.0), F.lit(3.0), F.lit(3.0))).first()[0]
        1.0
    """
    body = F.ln(close_price / open_price)
    return squared_range / F.lit(2.0) - F.lit(_TWO_LN_2_LESS_1) * body * body
