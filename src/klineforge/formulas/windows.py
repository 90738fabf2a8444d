"""Windows with an explicit frame, ordered by the open time in microseconds.

The order is total because the grain of every table these are used on holds one row per partition and open time.
Sliding frames are evaluated row by row from the rows they hold: a figure has the same bits however much older history
stands before its frame.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

SERIES = ("exchange", "coin", "listing_seq")
"""What is followed through time: a coin for as long as it names one asset."""
MICROSECONDS_PER_HOUR = 3_600_000_000
OPENED = "_opened_microseconds"


def with_time_order(frame: DataFrame) -> DataFrame:
    """Add the column these windows are ordered by: ``open_timestamp`` in microseconds since 1970.

    A frame of exact length needs a number to count in, and a column of its own makes Spark sort once: an expression
    inside each window would be a new one to sort by every time.
    """
    return frame.withColumn(OPENED, F.unix_micros("open_timestamp"))


def in_time_order(*partition_by: str) -> WindowSpec:
    """Rows of one coin or pair from the oldest open time to the newest, without a frame yet.

    The frame it is used on must have passed through ``with_time_order``.
    """
    return Window.partitionBy(*partition_by).orderBy(OPENED)


def trailing_hours(hours: int, *partition_by: str) -> WindowSpec:
    """The half-open range of time ``(t - hours, t]``: a missing hour makes it smaller, not longer.

    Args:
        hours: Length of the range, at least 1.
        partition_by: Columns that name what is followed through time.
    """
    return in_time_order(*partition_by).rangeBetween(1 - hours * MICROSECONDS_PER_HOUR, 0)


def exactly_hours_ago(hours: int, *partition_by: str) -> WindowSpec:
    """The row opened exactly ``hours`` before this one; empty when there is none."""
    offset = -hours * MICROSECONDS_PER_HOUR
    return in_time_order(*partition_by).rangeBetween(offset, offset)


def everything_so_far(*partition_by: str) -> WindowSpec:
    """All rows up to and including this one."""
    return in_time_order(*partition_by).rowsBetween(Window.unboundedPreceding, Window.currentRow)


def coming_hours(hours: int, *partition_by: str) -> WindowSpec:
    """The half-open range of time ``(t, t + hours]``, for what is to be foretold and never for what is known."""
    return in_time_order(*partition_by).rangeBetween(1, hours * MICROSECONDS_PER_HOUR)


def exactly_hours_later(hours: int, *partition_by: str) -> WindowSpec:
    """The row opened exactly ``hours`` after this one; empty when there is none."""
    offset = hours * MICROSECONDS_PER_HOUR
    return in_time_order(*partition_by).rangeBetween(offset, offset)
