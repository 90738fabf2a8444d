"""What one run says of itself: a line of the run log, taken apart. Lines of older versions say less."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

KILLED = "killed"
_QUIET = frozenset({"unchanged", "acknowledge"})
_NOT_DONE = frozenset({"failed", "interrupted"})


@dataclass(frozen=True, slots=True)
class TableOutcome:
    """What a run did to one table; counts are rows, None where the run did not say.

    Args:
        table: Its name.
        action: ``append``, ``merge``, ``rebuild``, ``acknowledge`` (nothing differed), ``unchanged`` (nothing new),
            ``failed`` or ``interrupted``.
        inserted: Rows added.
        updated: Rows replaced.
        deleted: Rows removed.
        unchanged: Rows computed again, found equal and dropped.
        seconds: How long it took.
        reason: Why the table was made anew; empty where it was not.
        started_at: When the work began, UTC.
        version_before: Delta version that was found; None for a table that was not there.
        version: Delta version that was left.
        bytes_added: Size of the data files that were added.
        read: Versions of the tables it was made from, by name.
        error: What went wrong.
    """

    table: str
    action: str
    inserted: int | None = None
    updated: int | None = None
    deleted: int | None = None
    unchanged: int | None = None
    seconds: float | None = None
    reason: str = ""
    started_at: datetime | None = None
    version_before: int | None = None
    version: int | None = None
    bytes_added: int | None = None
    read: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether nothing of the table was touched or looked at again."""
        return self.action in _QUIET and not any((self.inserted, self.updated, self.deleted, self.unchanged))

    @property
    def outcome(self) -> str:
        """``succeeded``, ``failed`` or ``interrupted``."""
        return self.action if self.action in _NOT_DONE else "succeeded"

    @property
    def ended_at(self) -> datetime | None:
        """When the work ended, UTC."""
        if self.started_at is None or self.seconds is None:
            return None
        return self.started_at + timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class NodeOutcome:
    """What became of one node: ``succeeded``, ``failed`` or ``interrupted``, from when to when (UTC)."""

    name: str
    outcome: str
    started_at: datetime
    ended_at: datetime
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run that has ended.

    Args:
        run_id: Its identifier.
        pipeline: Name of the pipeline.
        env: Kedro environment.
        started_at: Start, UTC.
        ended_at: End, UTC; of a run that was killed, when the next one noticed.
        outcome: ``succeeded``, ``failed``, ``partial``, ``interrupted`` or ``killed``.
        error: What went wrong; None when nothing did.
        tables: What it did, in order.
        nodes: Its nodes, in the order in which they were called.
        package_version: Version of KlineForge; None in old lines.
        parameters: Runtime parameters, without credentials.
    """

    run_id: str
    pipeline: str
    env: str
    started_at: datetime
    ended_at: datetime
    outcome: str
    error: str | None
    tables: tuple[TableOutcome, ...]
    nodes: tuple[NodeOutcome, ...] = ()
    package_version: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def took(self) -> timedelta | None:
        """How long it took; nobody knows of a run that was killed."""
        return None if self.outcome == KILLED else self.ended_at - self.started_at

    def by_table(self) -> tuple[TableOutcome, ...]:
        """One outcome per table, in the order they were first touched; batches of one table are added up."""
        merged: dict[str, TableOutcome] = {}
        for entry in self.tables:
            before = merged.get(entry.table)
            merged[entry.table] = entry if before is None else _together(before, entry)
        return tuple(merged.values())


def parse_line(line: str) -> RunRecord | None:
    """A line of the run log; None where it was cut short or is something else."""
    try:
        raw: dict[str, Any] = json.loads(line)
        return RunRecord(
            run_id=str(raw["run_id"]),
            pipeline=str(raw.get("pipeline") or "__default__"),
            env=str(raw.get("env") or "local"),
            started_at=_instant(raw["started_at"]),
            ended_at=_instant(raw["ended_at"]),
            outcome=str(raw["outcome"]),
            error=_text(raw.get("error")),
            tables=tuple(_table(table) for table in raw.get("tables") or ()),
            nodes=tuple(_node(node) for node in raw.get("nodes") or ()),
            package_version=_text(raw.get("package_version")),
            parameters=dict(raw.get("parameters") or {}),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return None


def _together(one: TableOutcome, other: TableOutcome) -> TableOutcome:
    def added(name: str) -> int | None:
        counts = [count for count in (getattr(one, name), getattr(other, name)) if count is not None]
        return sum(counts) if counts else None

    return replace(
        one,
        action=other.action if one.action in _QUIET or other.action in _NOT_DONE else one.action,
        inserted=added("inserted"),
        updated=added("updated"),
        deleted=added("deleted"),
        unchanged=added("unchanged"),
        seconds=(one.seconds or 0.0) + (other.seconds or 0.0),
        reason=one.reason or other.reason,
        version=one.version if other.version is None else other.version,
        bytes_added=added("bytes_added"),
        read=other.read or one.read,
        error=other.error or one.error,
    )


def _table(raw: dict[str, Any]) -> TableOutcome:
    seconds, started = raw.get("seconds"), raw.get("started_at")
    return TableOutcome(
        table=str(raw["table"]),
        action=str(raw["action"]),
        inserted=_whole(raw.get("inserted")),
        updated=_whole(raw.get("updated")),
        deleted=_whole(raw.get("deleted")),
        unchanged=_whole(raw.get("unchanged")),
        seconds=None if seconds is None else float(seconds),
        reason=str(raw.get("reason") or ""),
        started_at=_instant(started) if started else None,
        version_before=_whole(raw.get("version_before")),
        version=_whole(raw.get("version")),
        bytes_added=_whole(raw.get("bytes_added")),
        read={str(name): int(version) for name, version in (raw.get("read") or {}).items()},
        error=_text(raw.get("error")),
    )


def _node(raw: dict[str, Any]) -> NodeOutcome:
    return NodeOutcome(
        name=str(raw["name"]),
        outcome=str(raw["outcome"]),
        started_at=_instant(raw["started_at"]),
        ended_at=_instant(raw["ended_at"]),
        error=_text(raw.get("error")),
    )


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
