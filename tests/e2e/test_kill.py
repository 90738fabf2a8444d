"""Runs that are killed with SIGKILL leave nothing half-written; the next one goes on where they were."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from e2e.agreement import assert_equals_rebuild, assert_fact_is, assert_marts_agree
from e2e.killing import FIRST_WORDS, Ended, Run, commits, is_alive, phase
from e2e.project import archive_of, kedro, parameters, served, table
from faults.catalogue import case
from oracle.frames import real_candles

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

COINS = ("BTCUSDT", "ETHUSDT", "XRPUSDT")
START = date(2020, 8, 1)
DAYS = 60
KILLS = 25
# Where the first runs are killed, while every table is new; the others are killed at random moments.
WORDS = (FIRST_WORDS, "landed", "binance_klines_daily: append", "fact_1h_klines: rebuild", "mart_returns_1h: rebuild")
SEED = 26


@case("69")
@pytest.mark.usefixtures("spark")
def test_runs_killed_at_any_moment_end_like_one_that_was_not(shared_data: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    tool = shared_data.parent / "tools" / "make_archive.py"
    options = ("--symbols", *COINS, "--start", str(START), "--end", str(_day(DAYS)), "--daily-from", str(START))
    with served(archive_of(shared_data / "spot_1h", tmp_path / "archive", tool, *options)) as url:
        series = Series(lake, url)
        series.kill_where_the_log_says(WORDS)
        series.kill_at_random(KILLS - len(WORDS))
        assert len(series.kills) >= KILLS, series
        assert len(series.phases) >= 5, f"the kills should be spread over the run: {series}"
        held_by = json.loads((lake / "_klineforge" / "lock").read_text())["pid"]
        assert held_by in {kill.group for kill in series.kills}, "the last run had no chance to clean up"
        kedro("run", "--params", series.parameters(DAYS))
    assert json.loads((lake / "_klineforge" / "lock").read_text())["pid"] != held_by
    history = real_candles(shared_data, COINS, _midnight(START), _midnight(_day(DAYS)))
    assert_nothing_lost_or_repeated(lake, history, str(series))
    assert_marts_agree(lake, history)
    assert_equals_rebuild(lake, tmp_path / "rebuilt")
    series.wait_for_the_last_java()


class Series:
    """Runs on one lake, each with one more day than the one before, nearly all of them killed.

    Args:
        lake: The lake.
        url: The archive that they download from.
    """

    def __init__(self, lake: Path, url: str) -> None:
        self.lake = lake
        self.url = url
        self.kills: list[Ended] = []
        self.phases: Counter[str] = Counter()
        self.finished = 0

    def __str__(self) -> str:
        spread = ", ".join(f"{name}: {count}" for name, count in self.phases.most_common())
        return f"{len(self.kills)} runs killed, {self.finished} ended by themselves; killed with {spread}"

    def parameters(self, days: int) -> str:
        """Parameters of a run that wants so many days."""
        run = {"lake": self.lake, "coins": " ".join(COINS), "start": START, "end": _day(days)}
        return parameters(
            {name: str(value) for name, value in {**run, "archive_url": self.url, "rest_url": "off"}.items()}
        )

    def kill_where_the_log_says(self, words: tuple[str, ...]) -> None:
        """Kill a run at each of these words."""
        for says in words:
            run, before = self._next()
            run.wait_for(says)
            self._note(run.kill(), before)

    def kill_at_random(self, times: int) -> None:
        """Kill runs at moments spread over the time that a run works; every fifth time only its Python process."""
        chance = random.Random(SEED)  # noqa: S311  a test's dice
        run, before = self._next()
        self._note(run.ended(), before)
        run, before = self._next()
        run.wait_for(FIRST_WORDS)
        usual = run.ended(time.monotonic()).worked
        self.finished += 1
        moments = [(number + chance.random()) / times for number in range(times)]
        chance.shuffle(moments)
        while moments and self.finished < 20:
            run, before = self._next()
            ended = run.kill(after=moments[-1] * usual, only_python=len(moments) % 5 == 0)
            self._note(ended, before)
            if ended.killed:
                moments.pop()
            else:
                usual = min(usual, ended.worked)

    def wait_for_the_last_java(self, seconds: float = 60.0) -> None:
        """A Java process whose Python process was killed ends by itself."""
        until = time.monotonic() + seconds
        while any(is_alive(kill.group) for kill in self.kills) and time.monotonic() < until:
            time.sleep(0.1)
        assert not [kill.group for kill in self.kills if is_alive(kill.group)]

    def _next(self) -> tuple[Run, dict[str, int]]:
        days = 20 + len(self.kills) + self.finished
        assert days < DAYS, self
        return Run(["run", "--params", self.parameters(days)]), commits(self.lake)

    def _note(self, ended: Ended, before: dict[str, int]) -> None:
        if ended.killed:
            self.kills.append(ended)
            self.phases[phase(before, commits(self.lake), self.lake)] += 1
        else:
            self.finished += 1


def assert_nothing_lost_or_repeated(lake: Path, history: pd.DataFrame, said: str) -> None:
    """Bronze holds each record once, its checkpoints count them all, and the landing zone is empty."""
    klines = table(lake, "bronze", "binance_klines_daily")
    assert not klines.duplicated(["coin", "sha256", "source_row"]).any(), said
    assert len(klines) == len(history), said
    checkpoints = table(lake, "bronze", "binance_ingestion_checkpoints")
    assert checkpoints.loc[checkpoints["status"] == "loaded", "row_count"].sum() == len(history), said
    assert not any((lake / "landing" / "binance").iterdir()), said
    assert_fact_is(lake, history)


def _day(number: int) -> date:
    return START + timedelta(days=number)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
