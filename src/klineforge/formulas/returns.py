"""Returns, volatility regime and drawdown."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

HIGH_VOLATILITY_FACTOR = 1.5


def simple_return(close: Column, previous_close: Column) -> Column:
    """Return the fractional price change between two closes.

    Args:
        close: Closing price, in quote asset per base asset.
        previous_close: Closing price one hour earlier, same unit.

    Returns:
        Fraction (0.01 is one per cent), DOUBLE. Null when either price is null or ``previous_close`` is zero.

    Examples:
        >>> spark.sql("SELECT 1").select(simple_return(F.lit(3.0), F.lit(2.0))).first()[0]
        0.5
    """
    return F.try_divide(close, previous_close) - F.lit(1.0)


def log_return(close: Column, previous_close: Column) -> Column:
    """Return the natural logarithm of the ratio of two closes.

    Args:
        close: Closing price, in quote asset per base asset.
        previous_close: Closing price one hour earlier, same unit.

    Returns:
        DOUBLE, additive over hours. Null when either price is null or ``previous_close`` is zero.

    Examples:
        >>> spark.sql("SELECT 1").select(log_return(F.lit(2.0), F.lit(2.0))).first()[0]
        0.0
    """
    return F.ln(F.try_divide(close, previous_close))


def volatility_regime(volatility: Column, mean_volatility: Column) -> Column:
    """Compare a volatility with its own recent mean.

    Args:
        volatility: Rolling volatility of this hour, fraction.
        mean_volatility: Mean of the same figure over the window, fraction.

    Returns:
        ``High`` above 1.5 times the mean, ``Medium`` above the mean, else ``Low``; null where the volatility is null.

    Examples:
        >>> spark.sql("SELECT 1").select(volatility_regime(F.lit(0.02), F.lit(0.01))).first()[0]
        'High'
    """
    return (
        F.when(volatility.isNull(), F.lit(None).cast("string"))
        .when(volatility > HIGH_VOLATILITY_FACTOR * mean_volatility, "High")
        .when(volatility > mean_volatility, "Medium")
        .otherwise("Low")
    )


def drawdown(close: Column, peak: Column) -> Column:
    """Return how far a close lies below the highest close so far.

    Args:
        close: Closing price, in quote asset per base asset.
        peak: Highest close up to and including this hour, same unit.

    Returns:
        Fraction from -1 to 0, DOUBLE; 0 at the peak itself.

    Examples:
        >>> spark.sql("SELECT 1").select(drawdown(F.lit(75.0), F.lit(100.0))).first()[0]
        -0.25
    """
    return F.try_divide(close, peak) - F.lit(1.0)
