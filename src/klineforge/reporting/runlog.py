"""The last runs, from ``<lake>/_klineforge/runs.jsonl``."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from klineforge.reporting.runrecord import NodeOutcome, RunRecord, TableOutcome, parse_line

__all__ = [
    "RUNS_KEPT",
    "RUN_LOG",
    "NodeOutcome",
    "RunLog",
    "RunRecord",
    "TableOutcome",
    "find_run",
    "newest_blocks",
    "read_runs",
    "trim_runs",
]

RUN_LOG = Path("_klineforge") / "runs.jsonl"
RUNS_KEPT = 10_000
"""More than a year of hourly runs."""

_BLOCK = 64 * 1024


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
    parsed = [parse_line(line) for line in _newest_lines(path, most)]
    runs = tuple(record for record in parsed if record is not None)
    return RunLog(runs, len(parsed) - len(runs))


def find_run(lake: Path, run_id: str) -> RunRecord | None:
    """The run with an identifier, or with one that begins so where that is said of a single run.

    Args:
        lake: Root of the lake.
        run_id: The identifier or its beginning.
    """
    found = {
        record.run_id: record
        for lines in newest_blocks(lake)
        for record in map(parse_line, lines)
        if record is not None and run_id and record.run_id.startswith(run_id)
    }
    return found.get(run_id) or (next(iter(found.values())) if len(found) == 1 else None)


def trim_runs(lake: Path, most: int = RUNS_KEPT, *, kept: Collection[str] = ()) -> int:
    """Forget all but the newest runs; the caller holds the lake's lock.

    Args:
        lake: Root of the lake.
        most: How many to keep.
        kept: Runs that stay, however old they are.

    Returns:
        How many were forgotten.
    """
    path = lake / RUN_LOG
    lines = path.read_bytes().splitlines(keepends=True) if path.is_file() else []
    old, new = lines[: max(0, len(lines) - most)], lines[max(0, len(lines) - most) :]
    held = [line for line in old if _run_id(line) in kept] if kept else []
    if len(held) == len(old):
        return 0
    fresh = path.with_suffix(".new")
    fresh.write_bytes(b"".join([*held, *new]))
    fresh.replace(path)
    return len(old) - len(held)


def newest_blocks(lake: Path) -> Iterator[list[str]]:
    """The lines of the run log that are not empty, newest first, as many at a time as are read at once.

    Args:
        lake: Root of the lake.
    """
    path = lake / RUN_LOG
    if not path.is_file():
        return
    rest = b""
    with path.open("rb") as log:
        begin = log.seek(0, os.SEEK_END)
        while begin > 0:
            size = min(_BLOCK, begin)
            begin = log.seek(begin - size)
            first, *lines = (log.read(size) + rest).split(b"\n")
            if begin > 0:
                rest = first
            else:
                lines = [first, *lines]
            whole = [line.decode(errors="replace") for line in reversed(lines) if line.strip()]
            if whole:
                yield whole


def _newest_lines(path: Path, most: int) -> list[str]:
    """The last lines of a file that are not empty, newest first, however long the file is."""
    found: list[str] = []
    for lines in newest_blocks(path.parent.parent):
        found += lines
        if len(found) >= most:
            break
    return found[:most]


def _run_id(line: bytes) -> str | None:
    record = parse_line(line.decode(errors="replace"))
    return None if record is None else record.run_id
