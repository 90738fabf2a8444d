"""A table of the lake for polars, wherever it is: not read yet, and read column by column."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
from polars.io.plugins import register_io_source

from klineforge.lake.arrow import arrow_schema
from klineforge.lake.table import LakeTable


def scan_table(table: LakeTable) -> pl.LazyFrame | None:
    """A table's rows, not read yet; None where it was not made yet.

    A table with a path is read without Spark. Of one in a catalog Spark is asked for the columns that are needed; the
    filters are applied to what comes back, so memory has to hold those columns once.

    Args:
        table: The handle; what it saw when it was made decides whether the table is there.
    """
    if table.seen is None:
        return None
    if table.location.path is not None:
        return pl.scan_delta(table.location.path)
    return _through_spark(table)


def _through_spark(table: LakeTable) -> pl.LazyFrame:
    schema = pl.DataFrame(arrow_schema(table.contract, stored=True).empty_table()).schema

    def read(
        columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,  # noqa: ARG001 - polars' signature
    ) -> Iterator[pl.DataFrame]:
        wanted = list(schema) if columns is None else columns
        frame = table.df.select(*wanted)
        rows = pl.DataFrame(frame.toArrow()).cast({name: schema[name] for name in wanted})
        rows = rows if predicate is None else rows.filter(predicate)
        yield rows if n_rows is None else rows.head(n_rows)

    return register_io_source(read, schema=schema)
