"""Sums over 30 days of hours: for each hour of the day over 30 days, and then of 24 such sums.

A frame of 720 rows would be added up anew for every row. Here 30 rows are, and then 24 of those sums: a thirteenth of
the work. Nothing is ever subtracted, so that no digits are lost, and each sum is made from the rows of its own 720
hours in one fixed order. The second step needs the sums of 24 hours only, so that whoever wants few rows can leave out
most of them between the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from klineforge.formulas.windows import MICROSECONDS_PER_HOUR, OPENED, SERIES, in_time_order, trailing_hours

_DAYS = 30
_DAY = 24
HOURS = _DAYS * _DAY
HOURS_AFTER = "_hours_after"
"""Column that tells how many hours an empty row lies after the row that it is a copy of."""
_HOUR_OF_DAY = "_hour_of_day"


def with_empty_hours(rows: DataFrame) -> DataFrame:
    """Add empty rows for the hours after a row that have none, as many as a sum can reach over.

    Args:
        rows: One row per series and hour, passed through ``with_time_order``.

    Returns:
        The rows, and copies of them moved on to the missing hours. ``HOURS_AFTER`` tells how far, 0 for the rows
        themselves; ``without_empty_hours`` removes the others.
    """
    following = F.lead(OPENED).over(in_time_order(*SERIES))
    missing = ((following - F.col(OPENED)) / F.lit(MICROSECONDS_PER_HOUR)).cast("int") - 1
    most = F.least(F.coalesce(missing, F.lit(0)), F.lit(HOURS - 1))
    moved = F.col(OPENED) + F.col(HOURS_AFTER) * F.lit(MICROSECONDS_PER_HOUR)
    return (
        rows.withColumn("_most", most)
        .withColumn(HOURS_AFTER, F.explode(F.sequence(F.lit(0), F.col("_most"))))
        .withColumns({OPENED: moved, "open_timestamp": F.timestamp_micros(moved)})
        .drop("_most")
    )


def without_empty_hours(rows: DataFrame) -> DataFrame:
    """Take out what ``with_empty_hours`` has added."""
    return rows.where(F.col(HOURS_AFTER) == 0).drop(HOURS_AFTER)


def with_sums_of_days(*also_by: str, **values: Column) -> Callable[[DataFrame], DataFrame]:
    """Add sums over the same hour of 30 days, for ``DataFrame.transform``: the first step.

    Args:
        also_by: Columns that divide a series further; null names a part of its own.
        values: What is summed, by the name of the new column. Nulls are passed over; a sum of none is null.

    Returns:
        A transform of rows that have passed through ``with_empty_hours``.
    """
    hour = F.pmod(F.col(OPENED) / F.lit(MICROSECONDS_PER_HOUR), F.lit(_DAY)).cast("int")
    same_hours = in_time_order(*SERIES, *also_by, _HOUR_OF_DAY)
    days = same_hours.rangeBetween((1 - _DAYS) * _DAY * MICROSECONDS_PER_HOUR, 0)
    of_rows = {name: F.when(F.col(HOURS_AFTER) == 0, value) for name, value in values.items()}

    def add(rows: DataFrame) -> DataFrame:
        sums = {name: F.sum(value).over(days) for name, value in of_rows.items()}
        return rows.withColumn(_HOUR_OF_DAY, hour).withColumns(sums).drop(_HOUR_OF_DAY)

    return add


def with_sums_of_month(names: Iterable[str], *also_by: str) -> Callable[[DataFrame], DataFrame]:
    """Turn sums over the same hours of 30 days into sums over ``(t - 720 h, t]``: the second step.

    Args:
        names: Columns made by ``with_sums_of_days``; a row is right when those of the 23 hours before it are present.
        also_by: As there.
    """
    day = trailing_hours(_DAY, *SERIES, *also_by)
    return lambda rows: rows.withColumns({name: F.sum(name).over(day) for name in names})
