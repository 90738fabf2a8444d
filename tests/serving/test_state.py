"""What a reader should know before believing a figure."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from small_lake.lake import mark, report
from small_lake.market import COINS, END, HOUR, START

from klineforge.serving import Warehouse, read_catalogue, read_state


@pytest.fixture
def lake(small_lake: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_lake, tmp_path / "lake"))


@pytest.mark.parametrize(("waited", "behind", "is_late"), [(0, 0, False), (3, 3, False), (4, 4, True)])
def test_state_some_hours_after_the_newest_candle_says_how_late(
    small_lake: Path, waited: int, behind: int, is_late: bool
) -> None:
    state = read_state(Warehouse(small_lake), END + waited * HOUR + timedelta(minutes=20))

    assert (state.newest, state.hours_behind, state.is_late) == (END - HOUR, behind, is_late)


def test_state_simulated_and_real_markets_differ(lake: Path) -> None:
    assert read_state(Warehouse(lake), END).is_simulated
    mark(lake, "binance")
    assert not read_state(Warehouse(lake), END).is_simulated


def test_state_counts_the_errors_of_the_newest_checks(lake: Path) -> None:
    assert read_state(Warehouse(lake), END).errors == 0
    report(lake, {"unique_key": "error", "fresh": "warning"})

    state = read_state(Warehouse(lake), END)

    assert state.errors == 1
    assert state.verdict is not None
    assert state.verdict.warnings == 1


def test_state_no_lake_explains(tmp_path: Path) -> None:
    state = read_state(Warehouse(tmp_path / "nowhere"), END)

    assert state.newest is None
    assert state.hours_behind is None
    assert state.problem is not None
    assert state.problem.reason == "no_lake"


def test_catalogue_names_coins_and_the_hours_that_have_candles(small_lake: Path) -> None:
    catalogue = read_catalogue(Warehouse(small_lake))

    assert catalogue.coins == {"binance": COINS}
    assert (catalogue.first, catalogue.end) == (START, END)
    assert catalogue.label("BTCUSDT") == "BTC/USDT"
