"""Sixty daily runs on real candles, with late and corrected hours mixed in, end like one run over the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from e2e.agreement import COINS, assert_equals_rebuild, assert_fact_is, assert_marts_agree
from e2e.defects import Defect, candles_known, defects_of, publish_anew, with_defects, write_candles
from e2e.project import archive_of, kedro_here, served, table
from law.effort import NIGHTLY
from oracle.frames import real_candles

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

START = date(2020, 7, 22)
# The first run brings this day and all before. SOL, DOT and AVAX are listed within the days that follow.
FIRST_DAY = date(2020, 8, 8)
RUNS = 60
DAYS = [FIRST_DAY + timedelta(days=number) for number in range(RUNS + 1)]


@dataclass(frozen=True)
class World:
    """What there is to download.

    Args:
        truth: The candles as they really were.
        defects: What the first files have wrong.
        archive: The folder of an archive that has the first files until they are replaced.
        url: Where it is served.
        mended: A folder with an archive of the truth.
    """

    truth: pd.DataFrame
    defects: tuple[Defect, ...]
    archive: Path
    url: str
    mended: Path


@pytest.fixture
def world(shared_data: Path, tmp_path: Path) -> Iterator[World]:
    end = DAYS[-1] + timedelta(days=1)
    truth = real_candles(shared_data, COINS, _midnight(START), _midnight(end))
    defects = defects_of(COINS, DAYS[1:], seed=2020)
    first = write_candles(with_defects(truth, defects), tmp_path / "first")
    tool = shared_data.parent / "tools" / "make_archive.py"
    options = ("--start", str(START), "--end", str(end), "--daily-from", str(FIRST_DAY))
    mended = archive_of(shared_data / "spot_1h", tmp_path / "mended", tool, *options)
    archive = archive_of(first, tmp_path / "archive", tool, *options)
    with served(archive) as url:
        yield World(truth, tuple(d for d in defects if _has_a_file(truth, d)), archive, url, mended)


@pytest.mark.usefixtures("spark")
def test_sixty_daily_runs_end_like_one_run_over_the_truth(world: World, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    listed = world.truth.groupby("coin")["open_timestamp"].min()
    for number, day in enumerate(DAYS):
        for defect in world.defects:
            if defect.mended == day:
                publish_anew(world.archive, world.mended, defect)
        # Most of a run's time goes into the marts: by day nine of ten runs stop before gold, by night none does.
        pipelines = () if NIGHTLY or number % 10 == 0 else ("ingestion", "bronze", "silver")
        kedro_here(
            {
                "lake": str(lake),
                "coins": " ".join(listed[listed < _midnight(day + timedelta(days=1))].index),
                "start": str(START),
                "end": str(day + timedelta(days=1)),
                "archive_url": world.url,
                "rest_url": "off",
                # To the exchange's clock, the files of 2020 are old, and only a share of them would have its turn.
                "recheck": "all",
            },
            *pipelines,
            threads=number % 8 > 3,
        )
        if number in {20, 40}:
            known = candles_known(world.truth, world.defects, day)
            assert_fact_is(lake, known)
            assert_marts_agree(lake, known)
    assert len(listed) == len(COINS) > (listed < _midnight(FIRST_DAY)).sum(), "coins are added on the way"
    assert_fact_is(lake, world.truth)
    assert_marts_agree(lake, world.truth)
    assert_equals_rebuild(lake, tmp_path / "rebuilt")
    klines = table(lake, "bronze", "binance_klines_daily")
    assert not klines.duplicated(["coin", "sha256", "source_row"]).any()
    revised = len(klines) - len(world.truth)
    assert len(world.defects) // 2 < revised <= len(world.defects), "only what differs stands beside what it revises"


def _has_a_file(truth: pd.DataFrame, defect: Defect) -> bool:
    opened = truth.loc[truth["coin"] == defect.coin, "open_timestamp"]
    return bool((opened.dt.date == defect.day).any())


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
