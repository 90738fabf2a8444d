"""The last runs, from ``<lake>/_klineforge/runs.jsonl``."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RUN_LOG = Path("_klineforge") / "runs.jsonl"
RUNS_KEPT = 10_000
"""More than a year of hourly runs."""

_BLOCK = 64 * 1024
_QUIET = frozenset({"unchanged", "acknowledge"})


@dataclass(frozen=True, slots=True)
class TableOutcome:
    """What a run did to one table; counts are rows, None where the run did not say.

    Args:
        table: Its name.
        action: ``append``, ``merge``, ``rebuild``, ``acknowledge`` (nothing differed) or ``unchanged`` (nothing new).
        inserted: Rows added.
        updated: Rows replaced.
        deleted: Rows removed.
        unchanged: Rows computed again, found equal and dropped.
        seconds: How long it took.
        reason: Why the table was made anew; empty where it was not.
    """

    table: str
    action: str
    inserted: int | None = None
    updated: int | None = None
    deleted: int | None = None
    unchanged: int | None = None
    seconds: float | None = None
    reason: str = ""

    @property
    def is_quiet(self) -> bool:
        """Whether nothing of the table was touched or looked at again."""
        return self.action in _QUIET and not any((self.inserted, self.updated, self.deleted, self.unchanged))


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One finished run.

    Args:
        run_id: Its identifier.
        pipeline: Name of the pipeline.
        env: Kedro environment.
        started_at: Start, UTC.
        ended_at: End, UTC.
        outcome: ``succeeded``, ``failed``, ``partial`` or ``interrupted``.
        error: What went wrong; None when nothing did.
        tables: What it did, in order.
    """

    run_id: str
    pipeline: str
    env: str
    started_at: datetime
    ended_at: datetime
    outcome: str
    error: str | None
    tables: tuple[TableOutcome, ...]

    def by_table(self) -> tuple[TableOutcome, ...]:
        """One outcome per table, in the order they were first touched; batches of one table are added up."""
        merged: dict[str, TableOutcome] = {}
        for entry in self.tables:
            before = merged.get(entry.table)
            merged[entry.table] = entry if before is None else _together(before, entry)
        return tuple(merged.values())


@dataclass(frozen=True, slots=True)
class RunLog:
    """The newest runs, newest first, and how many of the lines read could not be understood."""

    runs: tuple[RunRecord, ...]
    unreadable_lines: int


def read_runs(lake: Path, most: int) -> RunLog:
    """Read the newest runs; a line cut short by a crash is counted, not raised.

    Args:
        lake: Root of the lake.
        most: How many lines to look at.

    Returns:
        An empty log when no run has finished yet.
    """
    path = lake / RUN_LOG
    if not path.is_file():
        return RunLog((), 0)
    parsed = [_record(line) for line in _newest_lines(path, most)]
    runs = tuple(record for record in parsed if record is not None)
    return RunLog(runs, len(parsed) - len(runs))


def trim_runs(lake: Path, most: int = RUNS_KEPT) -> int:
    """Forget all but the newest runs; the caller holds the lake's lock.

    Args:
        lake: Root of the lake.
        most: How many to keep.

    Returns:
        How many were forgotten.
    """
    path = lake / RUN_LOG
    lines = path.read_bytes().splitlines(keepends=True) if path.is_file() else []
    if len(lines) <= most:
        return 0
    fresh = path.with_suffix(".new")
    fresh.write_bytes(b"".join(lines[-most:]))
    fresh.replace(path)
    return len(lines) - most


def _newest_lines(path: Path, most: int) -> list[str]:
    """The last lines of a file that are not empty, newest first, however long the file is."""
    read = b""
    with path.open("rb") as log:
        begin = log.seek(0, os.SEEK_END)
        while begin > 0 and read.count(b"\n") <= most:
            size = min(_BLOCK, begin)
            begin = log.seek(begin - size)
            read = log.read(size) + read
    lines = read.split(b"\n")[1 if begin > 0 else 0 :]
    return [line.decode(errors="replace") for line in reversed(lines) if line.strip()][:most]


def _together(one: TableOutcome, other: TableOutcome) -> TableOutcome:
    def added(name: str) -> int | None:
        counts = [count for count in (getattr(one, name), getattr(other, name)) if count is not None]
        return sum(counts) if counts else None

    return replace(
        one,
        action=other.action if one.action in _QUIET else one.action,
        inserted=added("inserted"),
        updated=added("updated"),
        deleted=added("deleted"),
        unchanged=added("unchanged"),
        seconds=(one.seconds or 0.0) + (other.seconds or 0.0),
        reason=one.reason or other.reason,
    )


def _record(line: str) -> RunRecord | None:
    try:
        raw: dict[str, Any] = json.loads(line)
        return RunRecord(
            run_id=str(raw["run_id"]),
            pipeline=str(raw.get("pipeline") or "__default__"),
            env=str(raw.get("env") or "local"),
            started_at=_instant(raw["started_at"]),
            ended_at=_instant(raw["ended_at"]),
            outcome=str(raw["outcome"]),
            error=raw.get("error"),
            tables=tuple(_outcome(table) for table in raw.get("tables") or ()),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return None


def _outcome(raw: dict[str, Any]) -> TableOutcome:
    seconds = raw.get("seconds")
    return TableOutcome(
        table=str(raw["table"]),
        action=str(raw["action"]),
        inserted=raw.get("inserted"),
        updated=raw.get("updated"),
        deleted=raw.get("deleted"),
        unchanged=raw.get("unchanged"),
        seconds=None if seconds is None else float(seconds),
        reason=str(raw.get("reason") or ""),
    )


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
