"""The Delta table ``run_log``: the lines of the run log, taken over exactly once per run. Starts no Spark."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable

from klineforge.contracts.operations import RUN_LOG, RUN_OUTCOMES
from klineforge.errors import ContractError
from klineforge.lake.arrow import arrow_schema
from klineforge.lake.location import TableLocation
from klineforge.lake.note import CommitNote, Counts
from klineforge.reporting.runlog import newest_blocks
from klineforge.reporting.runrecord import KILLED, RunRecord, TableOutcome, parse_line

_COUNTS = ("inserted", "updated", "deleted", "unchanged")
_MOVED_AWAY = (
    "Move its folder away: the next run makes the table anew from the lines of the run log that are still there"
)


def take_over(lake: Path) -> int:
    """Add every run that the table does not hold yet, in one commit; the caller holds the lake's lock.

    The table is always made of the oldest lines of the log: reading goes back from the newest line to the first block
    with a run that the table holds.

    Args:
        lake: Root of the lake.

    Returns:
        How many runs were added; nothing is committed where it is 0.

    Raises:
        ContractError: When the table was made by another version and has other columns.
        DeltaError: When the table cannot be read or written.
    """
    from klineforge.lake.table import LakeTable

    location = TableLocation(path=str(lake / RUN_LOG.layer / RUN_LOG.name))
    _require_columns(LakeTable.at(RUN_LOG, location))
    runs = runs_to_take_over(lake)
    if runs:
        _commit(runs, location)
    return len(runs)


def runs_to_take_over(lake: Path) -> tuple[RunRecord, ...]:
    """The runs of the log that the table does not hold yet, oldest first; each once.

    Args:
        lake: Root of the lake.
    """
    waiting: dict[str, RunRecord] = {}
    for lines in _ever_more(newest_blocks(lake)):
        parsed = [record for record in map(parse_line, lines) if record is not None and _can_be_held(record)]
        known = _held(lake, min((record.started_at for record in parsed), default=None))
        waiting.update({record.run_id: record for record in parsed if record.run_id not in known})
        if known & {record.run_id for record in parsed}:
            break
    return tuple(reversed(waiting.values()))


def waiting_runs(lake: Path) -> set[str]:
    """Identifiers of the runs that the table does not hold yet.

    Args:
        lake: Root of the lake.

    Raises:
        DeltaError: When the table cannot be read.
    """
    return {record.run_id for record in runs_to_take_over(lake)}


def rows_of(record: RunRecord) -> list[dict[str, Any]]:
    """A run as rows of the table: itself, its nodes, its tables."""
    tables = record.by_table()
    return [
        _row(
            record,
            "run",
            record.pipeline,
            ended_at=None if record.outcome == KILLED else record.ended_at,
            parameters=json.dumps(dict(record.parameters), sort_keys=True, default=str),
            bytes_added=_sum(entry.bytes_added for entry in tables),
            **{f"rows_{name}": _sum(getattr(entry, name) for entry in tables) or 0 for name in _COUNTS},
        ),
        *(
            _row(
                record,
                "node",
                node.name,
                started_at=node.started_at,
                ended_at=node.ended_at,
                outcome=node.outcome,
                error=node.error,
            )
            for node in record.nodes
        ),
        *(_table_row(record, entry) for entry in tables),
    ]


def _table_row(record: RunRecord, entry: TableOutcome) -> dict[str, Any]:
    ends = [part.ended_at for part in record.tables if part.table == entry.table and part.ended_at is not None]
    written = entry.version is not None and entry.version != entry.version_before
    return _row(
        record,
        "table",
        entry.table,
        started_at=entry.started_at or record.started_at,
        ended_at=max(ends, default=record.ended_at),
        outcome=entry.outcome,
        error=entry.error,
        action=entry.action if entry.outcome == "succeeded" else None,
        bytes_added=entry.bytes_added,
        version_before=entry.version_before,
        version_written=entry.version if written else None,
        versions_read=json.dumps(dict(entry.read), sort_keys=True),
        reason=entry.reason or None,
        **{f"rows_{name}": getattr(entry, name) or 0 for name in _COUNTS},
    )


def _row(record: RunRecord, kind: str, name: str, **values: Any) -> dict[str, Any]:
    known: Mapping[str, Any] = {
        "run_id": record.run_id,
        "kind": kind,
        "name": name,
        "started_at": record.started_at,
        "outcome": record.outcome,
        "error": record.error,
        "pipeline": record.pipeline,
        "env": record.env,
        "package_version": record.package_version,
    }
    return {**dict.fromkeys(RUN_LOG.column_names), **known, **values}


def _sum(values: Iterable[int | None]) -> int | None:
    told = [value for value in values if value is not None]
    return sum(told) if told else None


def _ever_more(blocks: Iterator[list[str]]) -> Iterator[list[str]]:
    """Blocks joined to ones of twice the length each time: the table is asked a few times, however much is waiting."""
    size = 1
    while joined := list(itertools.chain.from_iterable(itertools.islice(blocks, size))):
        yield joined
        size *= 2


def _can_be_held(record: RunRecord) -> bool:
    """Whether the table has room for a run; a line that something has spoilt must not hold up the others for ever."""
    known = (node.outcome for node in record.nodes)
    if not {record.outcome, *known} <= set(RUN_OUTCOMES):
        return False
    try:
        _arrow(record)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return False
    return True


def _arrow(*records: RunRecord) -> pa.Table:
    return pa.Table.from_pylist([row for record in records for row in rows_of(record)], schema=arrow_schema(RUN_LOG))


def _held(lake: Path, since: datetime | None) -> set[str]:
    """Identifiers of the runs in the table that began at an instant or later; file statistics spare the older ones."""
    path = lake / RUN_LOG.layer / RUN_LOG.name
    if since is None or not DeltaTable.is_deltatable(str(path)):
        return set()
    runs = pl.scan_delta(str(path)).filter(pl.col("started_at") >= since, pl.col("kind") == "run")
    return set(runs.select("run_id").collect().to_series())


def _require_columns(table: Any) -> None:
    try:
        table.require_contract()
    except ContractError as error:
        found = str(error).partition(" Nothing was changed")[0]
        raise ContractError(f"{found} {_MOVED_AWAY}") from error


def _commit(runs: tuple[RunRecord, ...], location: TableLocation) -> None:
    from klineforge.lake.local import LocalWriter

    rows = _arrow(*runs)
    writer = LocalWriter(RUN_LOG, location)
    writer.create()
    note = CommitNote(RUN_LOG.name, "append", counts=Counts(inserted=rows.num_rows), run_id=runs[-1].run_id)
    writer.append(rows, note, once_as=f"run_log-{runs[-1].run_id}")
