"""The run log, whole and cut short."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from klineforge.reporting.runlog import RUN_LOG, TableOutcome, read_runs


def record(run_id: str, **changes: Any) -> str:
    run = {
        "run_id": run_id,
        "pipeline": "marts",
        "env": "demo",
        "started_at": "2026-03-01T12:00:00+00:00",
        "ended_at": "2026-03-01T13:00:30+01:00",
        "outcome": "succeeded",
        "error": None,
        "parameters": {},
        "tables": [{"table": "dim_coins", "action": "merge", "version": 3, "inserted": 1, "updated": 2, "deleted": 0}],
    }
    return json.dumps(run | changes)


def write_log(lake: Path, *lines: str) -> None:
    path = lake / RUN_LOG
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(lines), encoding="utf-8")


def test_read_runs_without_log_gives_none(lake: Path) -> None:
    log = read_runs(lake, 5)

    assert log.runs == ()
    assert log.unreadable_lines == 0


def test_read_runs_complete_record_gives_every_part_in_utc(lake: Path) -> None:
    write_log(lake, record("a"))

    (run,) = read_runs(lake, 5).runs

    assert (run.run_id, run.pipeline, run.env, run.outcome, run.error) == ("a", "marts", "demo", "succeeded", None)
    assert run.started_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert run.ended_at == datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
    assert run.ended_at.utcoffset() == run.started_at.utcoffset()
    assert run.tables == (TableOutcome("dim_coins", "merge", 1, 2, 0),)


def test_read_runs_many_gives_newest_first(lake: Path) -> None:
    write_log(lake, *(record(name) for name in "abcdefg"), "")

    assert [run.run_id for run in read_runs(lake, 3).runs] == ["g", "f", "e"]


def test_read_runs_line_cut_short_is_counted(lake: Path) -> None:
    write_log(lake, record("a"), record("b")[:40], '"not a run"', record("c", started_at="yesterday"))

    log = read_runs(lake, 5)

    assert [run.run_id for run in log.runs] == ["a"]
    assert log.unreadable_lines == 3
