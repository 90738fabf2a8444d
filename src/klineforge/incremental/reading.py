"""Read of an input what a scope of the output needs, by polars where that is little and by Spark where it is much."""

from __future__ import annotations

import polars as pl
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from klineforge.domain.scope import Scope
from klineforge.incremental.recipe import Reach
from klineforge.lake.local import count_rows, scan_scope
from klineforge.lake.table import LakeTable
from klineforge.lake.writing import arrow_frame
from klineforge.spark.session import get_session

# Input rows up to this many are read by polars and handed to Spark, which saves it the work of opening a table.
MOST_ROWS_HANDED_OVER = 300_000
# A session that starts with more input rows than this has work for an optimising compiler.
MOST_ROWS_OF_A_BRIEF_RUN = 50_000


def read_reach(table: LakeTable, reach: Reach, scope: Scope | None) -> DataFrame:
    """The rows of an input that the scope's output rows are made from; all of them without a scope.

    Args:
        table: The input.
        reach: How far a row of the output reads back and ahead in it.
        scope: The output rows.
    """
    time_column = table.contract.scan_time
    reading = None
    if time_column is not None and scope is not None:
        reading = scope.widened(back=reach.back, forward=reach.ahead)
    if table.location.is_local and table.seen is not None:
        rows = scan_scope(table.contract, table.location, reading)
        count = count_rows(rows)
        if count <= MOST_ROWS_HANDED_OVER:
            if reach.stand_in is not None and reading is not None and time_column is not None:
                older = pl.scan_delta(str(table.location.path)).filter(reading.polars_before(time_column))
                rows = pl.concat([rows, reach.stand_in.of_scan(older)])
            return arrow_frame(get_session(brief=count <= MOST_ROWS_OF_A_BRIEF_RUN), rows.collect().to_arrow())
    if reading is None or time_column is None:
        return table.df
    years = table.contract.partition_columns[0] if table.contract.partition_columns else None
    recent = table.df.where(F.expr(reading.sql(time_column, year_column=years)))
    if reach.stand_in is None:
        return recent
    return recent.unionByName(reach.stand_in.of_frame(table.df.where(F.expr(reading.before_sql(time_column)))))
