"""The first record of a run: one line in the run log when it has ended, and a mark while it is in work.

The mark is what a killed run leaves behind; the next one finds it and writes the line that is missing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from klineforge import __version__
from klineforge.lake.journal import NodeEntry, TableEntry
from klineforge.reporting.redaction import redacted
from klineforge.reporting.runlog import RUN_LOG, newest_blocks
from klineforge.reporting.runrecord import KILLED, RunRecord, parse_line

IN_WORK = RUN_LOG.with_name("run_in_work.json")


@dataclass(frozen=True)
class RunStart:
    """What is known of a run when it begins.

    Args:
        run_id: Its identifier.
        pipeline: Name of the pipeline.
        env: Kedro environment.
        started_at: Aware UTC instant.
        parameters: Runtime parameters; credentials in them are not written down.
        package_version: Version of KlineForge.
    """

    run_id: str
    pipeline: str
    env: str
    started_at: datetime
    parameters: Mapping[str, Any]
    package_version: str = __version__

    def to_dict(self) -> dict[str, Any]:
        """The start as JSON says it, without credentials."""
        return {
            "run_id": self.run_id,
            "pipeline": self.pipeline,
            "env": self.env,
            "package_version": self.package_version,
            "started_at": self.started_at.isoformat(),
            "parameters": redacted(dict(self.parameters)),
        }


@dataclass(frozen=True)
class RunEnd:
    """How a run ended, and when (UTC)."""

    ended_at: datetime
    outcome: str
    error: str | None


def mark_in_work(lake: Path, start: RunStart) -> None:
    """Leave a mark that a run has begun; the caller holds the lake's lock."""
    (lake / IN_WORK).write_text(json.dumps(start.to_dict(), default=str), encoding="utf-8")


def write_line(
    lake: Path, start: RunStart, end: RunEnd, nodes: tuple[NodeEntry, ...], tables: tuple[TableEntry, ...]
) -> None:
    """Write what a run did, in one piece, and take its mark away."""
    line = {
        **start.to_dict(),
        "ended_at": end.ended_at.isoformat(),
        "outcome": end.outcome,
        "error": redacted(end.error),
        "nodes": [_node(entry, end.ended_at) for entry in nodes],
        "tables": [redacted(asdict(entry)) for entry in tables],
    }
    _append(lake, line)
    (lake / IN_WORK).unlink(missing_ok=True)


def write_down_killed_run(lake: Path, now: datetime) -> RunRecord | None:
    """Write the line of a run that was killed before it could; the caller holds the lake's lock.

    Args:
        lake: Root of the lake.
        now: Aware UTC instant, taken for the end nobody saw.

    Returns:
        That run; None where the last one ended by itself.
    """
    mark = lake / IN_WORK
    try:
        text = mark.read_bytes().decode(errors="replace")
    except OSError:
        return None
    record = _killed(lake, text, now)
    mark.unlink(missing_ok=True)
    return record


def _killed(lake: Path, mark: str, now: datetime) -> RunRecord | None:
    try:
        line = {
            **json.loads(mark),
            "ended_at": now.isoformat(),
            "outcome": KILLED,
            "error": "it did not come to an end: it was killed, or the machine went down",
            "nodes": [],
            "tables": [],
        }
    except (ValueError, TypeError, RecursionError):
        # Cut off by the kill: then nobody knows which run it was.
        return None
    record = parse_line(json.dumps(line))
    newest = parse_line(next((lines[0] for lines in newest_blocks(lake)), ""))
    if record is None or (newest is not None and newest.run_id == record.run_id):
        return None
    _append(lake, line)
    return record


def _append(lake: Path, line: Mapping[str, Any]) -> None:
    with (lake / RUN_LOG).open("ab+") as file:
        # A line that a crash has cut short must not spoil the next one.
        cut_short = file.tell() > 0 and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n"
        file.write((b"\n" if cut_short else b"") + json.dumps(line, default=str).encode() + b"\n")


def _node(entry: NodeEntry, ended: datetime) -> dict[str, Any]:
    return {
        "name": entry.name,
        "started_at": entry.started_at.isoformat(),
        "ended_at": (entry.ended_at or ended).isoformat(),
        "outcome": entry.outcome,
        "error": redacted(entry.error),
    }
