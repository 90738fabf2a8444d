"""A disk that is full and a lake that is read-only: told in words, the former version stays, the next run goes on."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from deltalake import DeltaTable
from faults.catalogue import case
from ingestion.product import plain_errors
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from lake.limits import java_children, no_room, read_only_copy
from law.lake import DERIVED, KLINES, Lake
from law.proof import assert_equals_oracle, assert_nothing_left_to_do
from law.records import Record, bronze_rows

from klineforge.cli.repairing import repair_lake
from klineforge.datasets.archive_checks import ArchiveChecksDataset
from klineforge.datasets.delta_table import Append
from klineforge.errors import ConfigurationError, EnvironmentProblem
from klineforge.exchanges.landing import LandingZone
from klineforge.hooks import LakeHooks
from klineforge.incremental import engine
from klineforge.pipelines.bronze.layout import KLINE_LAYOUT

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
COINS = ("AAAUSDT", "BBBUSDT")
HOURS = 30


def candles(hours: Iterable[int]) -> list[Record]:
    return [
        Record(coin, hour, 100 + (hour * step) % 17, 5 + hour % 7)
        for hour in hours
        for step, coin in enumerate(COINS, start=3)
    ]


@case("72")
def test_landing_without_room_is_told_and_leaves_nothing_that_counts(tmp_path: Path) -> None:
    zone = LandingZone(tmp_path / "landing")
    with no_room(), pytest.raises(ConfigurationError, match="landing zone .*File too large; free some space"):
        zone.put("klines", ["one"], {}, secrets.token_bytes(9_000))
    assert zone.units() == []
    zone.put("klines", ["one"], {}, b"bytes")
    assert [unit.kind for unit in zone.sweep()] == ["klines"]
    assert not list(zone.path.glob("*.partial"))


@case("72")
def test_bronze_append_without_room_leaves_the_former_version_to_readers(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.add(candles(range(5)))
    before, version = lake.read(KLINES), DeltaTable(lake.folder(KLINES)).version()
    more = Append(bronze_rows(candles(range(5, 300)), KLINES), "more", layout=KLINE_LAYOUT)

    with no_room():
        with pytest.raises(EnvironmentProblem, match=f"{KLINES} cannot be written: the disk is full"), plain_errors():
            lake.dataset(KLINES).save(more)
        assert lake.read(KLINES).equals(before)

    assert DeltaTable(lake.folder(KLINES)).version() == version
    assert repair_lake(lake.root, (), NOW).is_well
    lake.dataset(KLINES).save(more)
    assert lake.read(KLINES).height == before.height + 590
    assert not [file for file in lake.folder(KLINES).rglob("*") if "#" in file.name]


@case("72")
def test_note_of_looked_at_archives_without_room_is_told(tmp_path: Path) -> None:
    checks = ArchiveChecksDataset(path=str(tmp_path / "checks.json"))
    with no_room(10), pytest.raises(EnvironmentProblem, match="disk is full"), plain_errors():
        checks.save({"BTCUSDT": NOW.isoformat()})
    assert checks.load() == {}


@case("72")
def test_lake_that_is_read_only_is_told_and_can_be_read(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.add(candles(range(5)))
    before = lake.read(KLINES)
    more = Append(bronze_rows(candles([5]), KLINES), "more", layout=KLINE_LAYOUT)
    lake.dataset(KLINES).load()
    with read_only_copy(lake.root) as copy:
        hooks = LakeHooks()
        hooks._lake = copy
        with pytest.raises(EnvironmentProblem, match="cannot be written: Permission denied.*--params lake="):
            hooks.before_pipeline_run(run_params={}, pipeline=Pipeline([]), catalog=DataCatalog())
        with pytest.raises(EnvironmentProblem, match="read-only, or belongs to somebody else"), plain_errors():
            Lake(copy).dataset(KLINES).save(more)
        with pytest.raises(EnvironmentProblem, match="cannot be written: Permission denied"):
            repair_lake(copy, (), NOW)
        assert Lake(copy).read(KLINES).equals(before)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two coins over a day, every table made."""
    lake = Lake(tmp_path_factory.mktemp("lake"))
    lake.add(candles(range(HOURS)))
    lake.derive()
    return lake


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("spark")
@case("72")
@pytest.mark.parametrize(
    ("table", "way"),
    [
        ("fact_1h_klines", "increment"),
        ("mart_correlations", "stream"),
        ("mart_returns_1h", "spark"),
    ],
)
def test_derived_table_without_room_keeps_its_version_and_the_next_run_makes_it(
    made: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, way: str
) -> None:
    shutil.copytree(made.root, tmp_path / "lake")
    lake = Lake(tmp_path / "lake", list(made.held))
    lake.add(candles(range(HOURS, 3 * HOURS)))
    before = lake.read(table)
    lake.derive_only(*DERIVED[: DERIVED.index(table)])
    versions = lake.versions()
    if way != "increment":
        # More rows than are compared in memory: made anew by a stream, or by Spark's own writer.
        monkeypatch.setattr(engine, "MOST_ROWS_IN_MEMORY", 1)
    javas = java_children() if way == "spark" else ()
    assert bool(javas) == (way == "spark")

    with no_room(pids=javas):
        with pytest.raises(EnvironmentProblem, match=f"{table} cannot be written: the disk is full"), plain_errors():
            lake.dataset(table).save(lake.derivation(table))
        assert lake.read(table).equals(before)

    assert lake.versions() == versions
    monkeypatch.undo()
    assert repair_lake(lake.root, (), NOW).is_well
    lake.derive()
    assert_equals_oracle(lake)
    assert_nothing_left_to_do(lake)
