"""Weekdays and trading sessions of an instant, in UTC."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

SESSIONS = {"asia_session": (0, 7), "eu_session": (7, 15), "us_session": (13, 20)}
"""First and last hour of each session, both included; they overlap on purpose (docs/definitions.md)."""


def day_of_week(moment: Column) -> Column:
    """Return the weekday, 0 = Sunday, INT.

    Examples:
        >>> spark.sql("SELECT 1").select(day_of_week(F.lit("2024-01-01"))).first()[0]
        1
    """
    return F.dayofweek(moment) - 1


def is_weekend(weekday: Column) -> Column:
    """Return whether a weekday, 0 = Sunday, is a Saturday or a Sunday."""
    return weekday.isin(0, 6)


def in_session(hour: Column, session: str) -> Column:
    """Return whether an hour of the day, 0 to 23, lies in one of ``SESSIONS``.

    Examples:
        >>> spark.sql("SELECT 1").select(in_session(F.lit(7), "asia_session")).first()[0]
        True
    """
    return hour.between(*SESSIONS[session])
