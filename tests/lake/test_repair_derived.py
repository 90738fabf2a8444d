"""Derived tables that came to harm, or whose inputs did, obey the law again after a repair and a run."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from faults.catalogue import case
from ingestion.product import plain_errors
from lake.damages import (
    Damage,
    checkpoint_cut,
    commit_cut_in_a_line,
    commit_of_zeros,
    data_file_cut,
    data_file_missing,
    middle_commit_missing,
    newest_commit,
)
from law.lake import KLINES, Lake
from law.proof import assert_equals_oracle, assert_nothing_left_to_do
from law.records import Record

from klineforge.cli.repairing import repair_lake
from klineforge.datasets.delta_table import DeltaTableDataset
from klineforge.errors import DamagedTableError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.usefixtures("spark")]

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
COINS = ("AAAUSDT", "BBBUSDT")
HOURS = 30


def candles(hours: Iterable[int]) -> list[Record]:
    return [
        Record(coin, hour, 100 + (hour * step) % 17, 5 + hour % 7)
        for hour in hours
        for step, coin in enumerate(COINS, start=3)
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two coins over a day, then an hour at a time."""
    lake = Lake(tmp_path_factory.mktemp("lake"))
    for hours in (range(HOURS), [HOURS], [HOURS + 1]):
        lake.add(candles(hours))
        lake.derive()
    return lake


@pytest.fixture
def lake(made: Lake, tmp_path: Path) -> Lake:
    """A lake of a test's own."""
    shutil.copytree(made.root, tmp_path / "lake")
    return Lake(tmp_path / "lake", list(made.held))


@case("78")
@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("fact_1h_klines", commit_of_zeros),
        ("fact_1h_klines", data_file_missing),
        ("mart_returns_1h", middle_commit_missing),
        ("mart_returns_1h", data_file_cut),
        ("stage_binance_klines", checkpoint_cut),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_damaged_derived_table_is_told_set_aside_and_equal_to_a_rebuild_after_the_next_run(
    lake: Lake, name: str, damage: Damage
) -> None:
    damage(lake.folder(name))
    lake.add(candles([HOURS + 2]))
    words = f"{name}.*Nothing was changed.*kedro klineforge repair"
    with pytest.raises(DamagedTableError, match=words), plain_errors():
        lake.derive()

    done = repair_lake(lake.root, (), NOW)

    assert done.failures == ()
    assert [entry.table for entry in done.tables if entry.done] == [name]
    lake.derive()
    assert_equals_oracle(lake)
    assert_nothing_left_to_do(lake)
    assert repair_lake(lake.root, (), NOW).is_well


@case("74")
def test_bronze_set_back_and_filled_to_the_same_version_with_other_rows_is_read_again(lake: Lake) -> None:
    """The versions are those that were read, the rows are not: whoever compares numbers only is deceived."""
    lost = [record for record in lake.held if record.hour == HOURS + 1]
    commit_cut_in_a_line(lake.folder(KLINES))
    torn = newest_commit(lake.folder(KLINES)).name

    done = repair_lake(lake.root, (), NOW)

    assert "is the newest again" in done.tables[0].done[0]
    lake.held = [record for record in lake.held if record not in lost]
    lake.add([*lost, *candles([HOURS + 2])])
    assert newest_commit(lake.folder(KLINES)).name == torn
    outcomes = lake.derive()
    assert outcomes["stage_binance_klines"].reason.startswith("a table that it reads was repaired")
    assert_equals_oracle(lake)
    assert_nothing_left_to_do(lake)


@case("74")
def test_bronze_restored_from_an_older_copy_is_noticed_by_its_readers(lake: Lake) -> None:
    newest_commit(lake.folder(KLINES)).unlink()
    lake.held = [record for record in lake.held if record.hour <= HOURS]

    done = repair_lake(lake.root, (), NOW)

    assert done.failures == ()
    assert "ends at version" in done.remarks[0]
    assert "stage_binance_klines" in done.remarks[0]
    lake.add(candles([HOURS + 1, HOURS + 2]))
    lake.derive()
    assert_equals_oracle(lake)


def test_bronze_that_lost_a_data_file_says_so_to_everything_made_from_it(lake: Lake) -> None:
    lost = [record for record in lake.held if record.hour == HOURS + 1]
    data_file_missing(lake.folder(KLINES))
    repair_lake(lake.root, (), NOW)
    lake.held = [record for record in lake.held if record not in lost]
    outcomes = lake.derive()
    assert outcomes["stage_binance_klines"].reason == "binance_klines_daily was made anew"
    assert_equals_oracle(lake)


@pytest.mark.parametrize("damage", [commit_of_zeros, data_file_missing], ids=lambda damage: damage.__name__)
def test_rebuild_makes_a_table_that_cannot_be_read_and_keeps_what_is_left_of_it(lake: Lake, damage: Damage) -> None:
    name = "mart_returns_1h"
    wanted = lake.read(name).sort("coin", "open_timestamp")
    damage(lake.folder(name))
    dataset = DeltaTableDataset(contract=name, path=str(lake.folder(name)), rebuild=[name])

    dataset.save(lake.derivation(name))

    assert lake.read(name).sort("coin", "open_timestamp").equals(wanted)
    (shelf,) = (lake.root / "damaged").iterdir()
    assert shelf.name.startswith(name)
    assert sum(file.suffix == ".parquet" for file in shelf.rglob("*")) > 0
    lake.derive()
    assert_equals_oracle(lake)


def test_former_version_of_a_torn_table_can_be_read_meanwhile(lake: Lake) -> None:
    folder = lake.folder("mart_returns_1h")
    version = int(newest_commit(folder).stem)
    former = pl.read_delta(str(folder), version=version - 1)
    commit_cut_in_a_line(folder)
    assert pl.read_delta(str(folder), version=version - 1).equals(former)
