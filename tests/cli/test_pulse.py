"""``pulse``: alive while runs succeed, however many fail or belong to something else in between."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from klineforge.reporting.pulse import read_pulse
from klineforge.reporting.runlog import RUN_LOG

NOW = datetime(2021, 5, 1, 12, 0, tzinfo=UTC)
TWO_HOURS = timedelta(hours=2)


def line(minutes_ago: float, outcome: str = "succeeded", pipeline: str = "__default__", now: datetime = NOW) -> str:
    """A line of the run log."""
    ended = now - timedelta(minutes=minutes_ago)
    started = ended - timedelta(seconds=50)
    return json.dumps(
        {
            "run_id": f"{minutes_ago:012.0f}",
            "pipeline": pipeline,
            "started_at": started.isoformat(),
            "ended_at": ended.isoformat(),
            "outcome": outcome,
        }
    )


def write(lake: Path, *lines: str) -> Path:
    log = lake / RUN_LOG
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("".join(f"{text}\n" for text in lines), "utf-8")
    return lake


@pytest.mark.parametrize(
    ("lines", "beats"),
    [
        ([line(30)], True),
        ([line(120)], True),
        ([line(121)], False),
        ([line(30, "partial")], True),
        ([line(30, "failed")], False),
        # Killed: the end of its record is when the next run noticed, which is no sign of life.
        ([line(300), line(10, "killed")], False),
        ([line(300), line(10, pipeline="alerts")], False),
        ([line(300), line(10, pipeline="__default__,features")], True),
        ([line(300), line(10, pipeline="features")], False),
        ([line(90), line(30, "failed"), line(5, "failed")], True),
        ([line(90), '{"run_id": "cut'], True),
        ([], False),
    ],
)
def test_pulse_counts_the_newest_run_that_ended_well(tmp_path: Path, lines: list[str], *, beats: bool) -> None:
    assert read_pulse(write(tmp_path, *lines), NOW, TWO_HOURS).beats is beats


def test_pulse_of_another_pipeline(tmp_path: Path) -> None:
    lake = write(tmp_path, line(10, pipeline="quality"), line(300))
    assert read_pulse(lake, NOW, TWO_HOURS, "quality").beats


def test_pulse_without_a_lake_says_that_nothing_succeeded_yet(tmp_path: Path) -> None:
    pulse = read_pulse(tmp_path / "none", NOW, TWO_HOURS)
    assert not pulse.beats
    assert "no run of __default__ has succeeded yet" in pulse.told


def test_pulse_finds_a_run_beyond_the_first_block(tmp_path: Path) -> None:
    lake = write(tmp_path, line(60), *(line(1, "failed") for _ in range(1_000)))
    assert (lake / RUN_LOG).stat().st_size > 64 * 1024
    assert read_pulse(lake, NOW, TWO_HOURS).beats


def test_command_ends_with_one_where_the_last_success_is_old(
    kedro: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    lake = write(tmp_path, line(200, now=datetime.now(UTC)))
    late = kedro("klineforge", "pulse", "--lake", str(lake))
    assert (late.returncode, late.stderr) == (1, "")
    assert "expected one within 150 minutes" in late.stdout
    in_time = kedro("klineforge", "pulse", "--lake", str(lake), "--within", "1560")
    assert (in_time.returncode, in_time.stderr) == (0, "")
    assert "that succeeded ended" in in_time.stdout
