"""The last runs, from ``<lake>/_klineforge/runs.jsonl``."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RUN_LOG = Path("_klineforge") / "runs.jsonl"


@dataclass(frozen=True, slots=True)
class TableOutcome:
    """What a run did to one table; counts are rows, None where the run did not say."""

    table: str
    action: str
    inserted: int | None = None
    updated: int | None = None
    deleted: int | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One finished run.

    Args:
        run_id: Its identifier.
        pipeline: Name of the pipeline.
        env: Kedro environment.
        started_at: Start, UTC.
        ended_at: End, UTC.
        outcome: ``succeeded``, ``failed`` or ``partial``.
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
    with path.open(encoding="utf-8", errors="replace") as lines:
        newest = deque((line for line in lines if line.strip()), maxlen=most)
    parsed = [_record(line) for line in reversed(newest)]
    runs = tuple(record for record in parsed if record is not None)
    return RunLog(runs, len(parsed) - len(runs))


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
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _outcome(raw: dict[str, Any]) -> TableOutcome:
    return TableOutcome(
        str(raw["table"]), str(raw["action"]), raw.get("inserted"), raw.get("updated"), raw.get("deleted")
    )


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
