"""Instants: the exchange's raw epochs, and hours counted from an instant."""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import Column
from pyspark.sql import functions as F

from klineforge.formulas.windows import MICROSECONDS_PER_HOUR

HOUR = timedelta(hours=1)
_MILLISECONDS_13_DIGITS = (10**12, 10**13 - 1)
_MICROSECONDS_16_DIGITS = (10**15, 10**16 - 1)


def epoch_to_timestamp(epoch: Column) -> Column:
    """Tell milliseconds from microseconds by the number of digits of each value.

    Binance's spot archives changed the unit on 2025-01-01 and REST did not, so one table holds both
    (exchange-protocols §1.4).

    Args:
        epoch: BIGINT since 1970-01-01 UTC; 13 digits are milliseconds, 16 digits microseconds.

    Returns:
        TIMESTAMP, exact. Null for any other number of digits.

    Examples:
        >>> spark.sql("SELECT 1").select(epoch_to_timestamp(F.lit(1735689600000)).cast("string")).first()[0]
        '2025-01-01 00:00:00'
        >>> spark.sql("SELECT 1").select(epoch_to_timestamp(F.lit(1735689600000000)).cast("string")).first()[0]
        '2025-01-01 00:00:00'
    """
    return F.when(epoch.between(*_MILLISECONDS_13_DIGITS), F.timestamp_millis(epoch)).when(
        epoch.between(*_MICROSECONDS_16_DIGITS), F.timestamp_micros(epoch)
    )


def is_on_the_hour(instant: Column) -> Column:
    """Whether no minute, second or fraction has passed since the full hour, whatever the session's time zone."""
    return F.pmod(F.unix_micros(instant), F.lit(MICROSECONDS_PER_HOUR)) == 0


def hours_later(instant: Column, hours: int) -> Column:
    """The instant ``hours`` of 3,600 s after another (before it, when negative)."""
    return instant + F.lit(hours * HOUR)


def last_millisecond_of_hour(opened: Column) -> Column:
    """Close time of the candle opened at ``opened``, as Binance writes it in milliseconds."""
    return opened + F.lit(HOUR - timedelta(milliseconds=1))


def last_microsecond_of_hour(opened: Column) -> Column:
    """Close time of the candle opened at ``opened``, as Binance writes it in microseconds."""
    return opened + F.lit(HOUR - timedelta(microseconds=1))


def hour_number(instant: Column) -> Column:
    """Full hours from 1970 to an instant, BIGINT."""
    return F.floor(F.unix_micros(instant) / F.lit(MICROSECONDS_PER_HOUR))


def hour_at(number: Column) -> Column:
    """The instant ``number`` hours after the beginning of 1970."""
    return F.timestamp_micros(number * F.lit(MICROSECONDS_PER_HOUR))
