"""The run log, whole and cut short."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from klineforge.reporting.runlog import RUN_LOG, TableOutcome, read_runs, trim_runs


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
    assert run.tables == (TableOutcome("dim_coins", "merge", 1, 2, 0, version=3),)


def test_read_runs_many_gives_newest_first(lake: Path) -> None:
    write_log(lake, *(record(name) for name in "abcdefg"), "")

    assert [run.run_id for run in read_runs(lake, 3).runs] == ["g", "f", "e"]


def test_read_runs_line_cut_short_is_counted(lake: Path) -> None:
    write_log(lake, record("a"), record("b")[:40], '"not a run"', record("c", started_at="yesterday"))

    log = read_runs(lake, 5)

    assert [run.run_id for run in log.runs] == ["a"]
    assert log.unreadable_lines == 3


def test_read_runs_table_gives_rows_found_equal_seconds_and_why_it_was_made_anew(lake: Path) -> None:
    entry = {"table": "mart_returns_1h", "action": "rebuild", "inserted": 9, "updated": 0, "deleted": 0}
    write_log(lake, record("a", tables=[{**entry, "unchanged": 7, "seconds": 1.25, "reason": "asked for"}]))

    (run,) = read_runs(lake, 5).runs

    assert run.tables == (TableOutcome("mart_returns_1h", "rebuild", 9, 0, 0, 7, 1.25, "asked for"),)


def test_by_table_batches_of_one_table_are_added_up(lake: Path) -> None:
    batches = [
        {"table": "binance_klines_daily", "action": "unchanged", "inserted": 0, "seconds": 0.5},
        {"table": "dim_coins", "action": "merge", "updated": 1},
        {"table": "binance_klines_daily", "action": "append", "inserted": 24, "seconds": 1.0},
        {"table": "binance_klines_daily", "action": "append", "inserted": 12},
    ]
    write_log(lake, record("a", tables=batches))

    klines, coins = read_runs(lake, 5).runs[0].by_table()

    assert klines == TableOutcome("binance_klines_daily", "append", inserted=36, seconds=1.5)
    assert (coins.table, coins.updated, coins.inserted) == ("dim_coins", 1, None)


def test_read_runs_long_log_is_read_from_its_end(lake: Path) -> None:
    write_log(lake, *(record(f"{number}", error="\u00fc" * 3000) for number in range(60)), "")

    assert [run.run_id for run in read_runs(lake, 25).runs] == [f"{number}" for number in range(59, 34, -1)]
    assert len(read_runs(lake, 100).runs) == 60


def test_trim_runs_keeps_the_newest(lake: Path) -> None:
    write_log(lake, *(record(name) for name in "abcdef"), "")

    assert trim_runs(lake, 4) == 2
    assert trim_runs(lake, 4) == 0
    assert [run.run_id for run in read_runs(lake, 10).runs] == ["f", "e", "d", "c"]


def test_trim_runs_without_log_forgets_none(lake: Path) -> None:
    assert trim_runs(lake) == 0
