"""Sums over 30 days of hours, of 30 sums over a day each.

A frame of 720 rows would be added up anew for every row. Here 24 rows are, and then 30 of those sums, which lie whole
days apart: a thirteenth of the work. Nothing is ever subtracted, so that no digits are lost, and each sum is made from
the rows of its own 720 hours in one fixed order.
"""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from klineforge.formulas.windows import MICROSECONDS_PER_HOUR, OPENED, in_time_order, trailing_hours

_DAYS = 30
_DAY = 24
HOURS = _DAYS * _DAY
_EMPTY, _HOUR_OF_DAY = "_hours_after", "_hour_of_day"


def with_sums_of_30_days(series: tuple[str, ...], **values: Column) -> Callable[[DataFrame], DataFrame]:
    """Add sums over ``(t - 720 h, t]`` of each series, for ``DataFrame.transform``.

    Args:
        series: Columns that name what is followed through time; null names a series of its own.
        values: What is summed, by the name of the new column. Nulls are passed over; a sum of none is null.

    Returns:
        A transform of rows that have passed through ``with_time_order``, one per series and hour.
    """

    def add(rows: DataFrame) -> DataFrame:
        of_day, time = trailing_hours(_DAY, *series), F.col(OPENED)
        of_month = in_time_order(*series, _HOUR_OF_DAY).rangeBetween((1 - _DAYS) * _DAY * MICROSECONDS_PER_HOUR, 0)
        hour = F.pmod(time / F.lit(MICROSECONDS_PER_HOUR), F.lit(_DAY)).cast("int")
        sums = {name: F.sum(F.when(F.col(_EMPTY) == 0, value)).over(of_day) for name, value in values.items()}
        return (
            rows.transform(lambda given: _with_hours_missing(given, series))
            .withColumns({**sums, _HOUR_OF_DAY: hour})
            .withColumns({name: F.sum(name).over(of_month) for name in values})
            .where(F.col(_EMPTY) == 0)
            .drop(_EMPTY, _HOUR_OF_DAY)
        )

    return add


def _with_hours_missing(rows: DataFrame, series: tuple[str, ...]) -> DataFrame:
    """Add rows for the hours after a row that have none, as many as have a row in their day."""
    following = F.lead(OPENED).over(in_time_order(*series))
    missing = ((following - F.col(OPENED)) / F.lit(MICROSECONDS_PER_HOUR)).cast("int") - 1
    most = F.least(F.coalesce(missing, F.lit(0)), F.lit(_DAY - 1))
    return (
        rows.withColumn("_most", most)
        .withColumns({_EMPTY: F.explode(F.sequence(F.lit(0), F.col("_most")))})
        .withColumn(OPENED, F.col(OPENED) + F.col(_EMPTY) * F.lit(MICROSECONDS_PER_HOUR))
        .drop("_most")
    )
