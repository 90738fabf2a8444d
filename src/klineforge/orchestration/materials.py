"""What is told of a table that was made: rows, versions, newest hour, seconds. Read from Delta logs, without Spark."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from klineforge.datasets.delta_table import DeltaTableDataset
from klineforge.lake.journal import JOURNAL
from klineforge.reporting.tables import TableState, read_table

Facts = dict[str, Any]


def lake_of(dataset: object) -> Path | None:
    """Root of the lake that a table lies in; None for what is no table on this machine."""
    if not isinstance(dataset, DeltaTableDataset) or not dataset.location.is_local or dataset.location.path is None:
        return None
    return Path(dataset.location.path).parents[1]


def state_of(dataset: object) -> TableState | None:
    """The table as it is now; None where there is none, or it lies in a catalog or in object storage."""
    lake = lake_of(dataset)
    if lake is None or not isinstance(dataset, DeltaTableDataset):
        return None
    state = read_table(lake, dataset.contract)
    return state if isinstance(state, TableState) else None


def facts_of(name: str, dataset: object, node_seconds: float) -> Facts:
    """What a run did to a dataset.

    Args:
        name: Its catalog name.
        dataset: Its catalog entry.
        node_seconds: How long the task took that made it.

    Returns:
        Numbers, text and aware instants by name; what is not known is left out. Times are UTC.
    """
    facts: Facts = dict.fromkeys(("rows", "newest_hour", "version"))
    entries = [
        entry for entry in JOURNAL.entries if entry.table == name and entry.action not in {"failed", "interrupted"}
    ]
    if entries:
        last = entries[-1]
        facts |= {
            "action": last.action,
            "rows_inserted": sum(entry.inserted for entry in entries),
            "rows_updated": sum(entry.updated for entry in entries),
            "rows_deleted": sum(entry.deleted for entry in entries),
            "rows_unchanged": sum(entry.unchanged for entry in entries),
            "seconds": round(sum(entry.seconds for entry in entries), 3),
            "reason": last.reason or None,
            "version_before": entries[0].version_before,
            "version": last.version,
            "versions_read": ", ".join(f"{table} {version}" for table, version in sorted(last.read.items())) or None,
        }
    state = state_of(dataset)
    if state is not None:
        facts |= {"rows": state.rows, "version": state.version, "files": state.files, "bytes": state.size_bytes}
        facts["newest_hour"] = state.newest
    facts |= {"task_seconds": round(node_seconds, 3), "kedro_run": JOURNAL.run_id}
    return {key: value for key, value in facts.items() if value is not None}


def hours_behind(newest: datetime, now: datetime) -> int:
    """Hours that have closed since a candle's own hour; 0 for the newest there can be.

    >>> from datetime import UTC
    >>> hours_behind(datetime(2026, 1, 1, 9, tzinfo=UTC), datetime(2026, 1, 1, 12, 5, tzinfo=UTC))
    2
    """
    due = now.replace(minute=0, second=0, microsecond=0)
    return max(0, round((due - newest).total_seconds() / 3600) - 1)
