"""Few rows that stand for a long history, for figures that read back to the beginning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Highest:
    """Of each subject's rows the one with the highest value, the earliest of equals: what a running maximum needs.

    Args:
        column: The value; not null, never NaN.
        by: Columns that name a subject.
        time: Column that says which row is earlier; unique within a subject.
    """

    column: str
    by: tuple[str, ...]
    time: str

    def of_frame(self, rows: DataFrame) -> DataFrame:
        """One row per subject, columns as they are."""
        from pyspark.sql import Window
        from pyspark.sql import functions as F

        order = Window.partitionBy(*self.by).orderBy(F.col(self.column).desc(), F.col(self.time).asc())
        ranked = rows.withColumn("_standing", F.row_number().over(order))
        return ranked.where(F.col("_standing") == 1).drop("_standing")

    def of_scan(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """The same of rows that polars reads."""
        value, time = pl.col(self.column), pl.col(self.time)
        keys = rows.select(*self.by, self.time, self.column)
        highest = keys.filter(value == value.max().over(self.by)).group_by(self.by).agg(time.min())
        return rows.join(highest, on=[*self.by, self.time], how="semi")
