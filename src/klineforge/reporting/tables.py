"""What one Delta table's own log says: rows, newest hour, version, last change.

Data is scanned only where the log is silent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from polars.exceptions import PolarsError

from klineforge.domain.contract import TableContract

UNREADABLE = (DeltaError, PolarsError, OSError, ValueError)
"""What reading a damaged or foreign table raises, from either library."""

_COMMITS_SEARCHED = 20
_COUNTED_BY_DELTA = frozenset({"append", "rebuild"})
_HOUR_COLUMN = {
    "binance_ingestion_checkpoints": "last_open",
    "dim_coins": "last_candle",
    "dim_exchange": "last_candle",
}


@dataclass(frozen=True, slots=True)
class LastChange:
    """What the newest KlineForge commit did.

    Args:
        action: ``append``, ``merge``, ``rebuild``, ``acknowledge`` or ``maintain``.
        at: When it was committed, UTC.
        inserted: Rows added; None where the commit does not say.
        updated: Rows replaced.
        deleted: Rows removed.
        unchanged: Rows recomputed and found equal.
        run_id: The run that committed it.
    """

    action: str
    at: datetime
    inserted: int | None = None
    updated: int | None = None
    deleted: int | None = None
    unchanged: int | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class TableState:
    """A table that can be read.

    Args:
        name: Table name.
        layer: Its layer.
        rows: Live rows.
        newest: Newest hour it speaks of, UTC; None when it is empty or its rows have no hour.
        version: Delta version.
        files: Live data files.
        crowd: Live data files of the partition that has most of them.
        size_bytes: Size of the live data files.
        last_change: Newest commit that carries KlineForge's own metadata, maintenance only where there is no other;
            None when there is none in reach.
    """

    name: str
    layer: str
    rows: int
    newest: datetime | None
    version: int
    files: int
    crowd: int
    size_bytes: int
    last_change: LastChange | None


@dataclass(frozen=True, slots=True)
class TableProblem:
    """A table that is not there or cannot be read.

    Args:
        name: Table name.
        layer: Its layer.
        kind: ``absent`` when nothing was ever written, ``damaged`` when something is there and cannot be read.
        detail: One line for the reader.
    """

    name: str
    layer: str
    kind: Literal["absent", "damaged"]
    detail: str


def table_path(lake: Path, contract: TableContract) -> Path:
    """Where a table lies below the lake's root."""
    return lake / contract.layer / contract.name


def read_table(lake: Path, contract: TableContract) -> TableState | TableProblem:
    """Describe one table, however broken it is.

    Args:
        lake: Root of the lake.
        contract: The table's contract.

    Returns:
        The state, or the problem that kept it from being read.
    """
    path = table_path(lake, contract)
    if not path.exists():
        return TableProblem(contract.name, contract.layer, "absent", "not written yet")
    try:
        return _state(path, contract)
    except UNREADABLE as error:
        return TableProblem(contract.name, contract.layer, "damaged", one_line(error))


def scan(lake: Path, contract: TableContract) -> pl.LazyFrame:
    """A lazy frame over the newest version of a table.

    Raises:
        DeltaError: When there is no readable table.
    """
    return pl.scan_delta(DeltaTable(table_path(lake, contract)))


def one_line(error: BaseException) -> str:
    """The first line of an error's text, or its type where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _state(path: Path, contract: TableContract) -> TableState:
    table = DeltaTable(path)
    files = pl.DataFrame(table.get_add_actions(flatten=True))
    return TableState(
        name=contract.name,
        layer=contract.layer,
        rows=_rows(table, files),
        newest=_newest(table, files, contract),
        version=table.version(),
        files=files.height,
        crowd=_crowd(files),
        size_bytes=int(files["size_bytes"].sum()),
        last_change=_last_change(table),
    )


def _crowd(files: pl.DataFrame) -> int:
    partitions = [name for name in files.columns if name.startswith("partition.")]
    if files.is_empty() or not partitions:
        return files.height
    return int(files.group_by(partitions).len()["len"].max() or 0)  # type: ignore[arg-type]  # polars: any literal


def _rows(table: DeltaTable, files: pl.DataFrame) -> int:
    counts = files["num_records"] if "num_records" in files.columns else pl.Series([None] * files.height)
    if counts.null_count() == 0:
        return int(counts.sum())
    return int(pl.scan_delta(table).select(pl.len()).collect().item())


def _newest(table: DeltaTable, files: pl.DataFrame, contract: TableContract) -> datetime | None:
    if files.is_empty():
        return None
    column = _HOUR_COLUMN.get(contract.name, contract.scan_time)
    if column is None:
        return None
    logged = f"max.{column}"
    if logged in files.columns and files[logged].null_count() == 0 and files.schema[logged] == pl.Datetime("us", "UTC"):
        newest = files[logged].max()
    else:
        newest = pl.scan_delta(table).select(pl.col(column).max()).collect().item()
    return newest if isinstance(newest, datetime) else None


def _last_change(table: DeltaTable) -> LastChange | None:
    maintained = None
    for commit in table.history(_COMMITS_SEARCHED):
        noted = _noted(commit.get("userMetadata"))
        if noted is None:
            continue
        if "maintenance" not in (noted.get("extra") or {}):
            return _change(noted, commit)
        maintained = maintained or _change({**noted, "action": "maintain"}, commit)
    return maintained


def _noted(user_metadata: Any) -> Mapping[str, Any] | None:
    """KlineForge's part of a commit's metadata; other writers' notes are none of ours."""
    try:
        noted = json.loads(user_metadata)
    except (TypeError, ValueError):
        return None
    ours = noted.get("klineforge") if isinstance(noted, dict) else None
    return ours if isinstance(ours, dict) else None


def _change(noted: Mapping[str, Any], commit: Mapping[str, Any]) -> LastChange:
    action = str(noted.get("action", "unknown"))
    counts = noted.get("counts")
    counted = counts if isinstance(counts, dict) else {}
    inserted = counted.get("inserted")
    if not any(counted.values()) and action in _COUNTED_BY_DELTA:
        inserted = _rows_written(commit)
    return LastChange(
        action=action,
        at=datetime.fromtimestamp(commit.get("timestamp", 0) / 1000, tz=UTC),
        inserted=inserted,
        updated=counted.get("updated"),
        deleted=counted.get("deleted"),
        unchanged=counted.get("unchanged"),
        run_id=noted.get("run_id"),
    )


def _rows_written(commit: Mapping[str, Any]) -> int | None:
    """Rows a plain write added, by Delta's own count; a note written before the rows cannot know them."""
    metrics = commit.get("operationMetrics") or {}
    written = metrics.get("numOutputRows", metrics.get("num_added_rows"))
    return None if written is None else int(written)
