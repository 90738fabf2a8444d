"""The newest rows of a table as text and numbers, for pictures of the pipelines. Reads Delta without Spark."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any, TypedDict

import polars as pl
from deltalake import DeltaTable

from klineforge.domain.contract import TableContract
from klineforge.lake.location import TableLocation

_SIGNIFICANT_DIGITS = 9
_LONGEST_TEXT = 80


class Preview(TypedDict):
    """Rows in pandas' ``split`` orientation, the form kedro-viz draws; every cell is text, a number, a bool or None."""

    index: list[int]
    columns: list[str]
    data: list[list[Any]]


def newest_rows(location: TableLocation, contract: TableContract, rows: int) -> Preview:
    """Read the newest rows of a table.

    Args:
        location: Where the table is.
        contract: Its contract; the columns shown are its public ones, in their order.
        rows: How many rows at most.

    Returns:
        Newest first by the contract's time column. No rows when the table is not on this machine's file system or has
        not been written yet.

    Raises:
        DeltaError: When there is something in its place that cannot be read.
    """
    columns = [column.name for column in contract.columns]
    if not location.is_local or location.path is None or not DeltaTable.is_deltatable(location.path):
        return Preview(index=[], columns=columns, data=[])
    table = pl.scan_delta(DeltaTable(location.path))
    frame = _newest(table, contract, rows).select(columns).collect()
    return Preview(
        index=list(range(frame.height)), columns=columns, data=[[_cell(value) for value in row] for row in frame.rows()]
    )


def _newest(table: pl.LazyFrame, contract: TableContract, rows: int) -> pl.LazyFrame:
    time = contract.scan_time
    if time is None:
        return table.sort(contract.grain).head(rows)
    by = [time, *(name for name in contract.grain if name != time)]
    return table.sort(by, descending=[True] + [False] * (len(by) - 1), nulls_last=True).head(rows)


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}" if not value.second else f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return float(f"{value:.{_SIGNIFICANT_DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, list):
        return ", ".join(str(entry) for entry in value)
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return value[: _LONGEST_TEXT - 3] + "..."
    return value
