"""A lake that is maintained stays under the law, and its increments stay increments."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from faults.catalogue import case
from lake.tables import PRICES, append, contents, correct, feed, make_table, read
from law.lake import DERIVED, Lake
from law.proof import assert_equals_oracle, assert_nothing_left_to_do
from law.records import Record
from pyspark.sql import SparkSession

from klineforge.contracts import CONTRACTS
from klineforge.lake.compaction import Sizes
from klineforge.lake.ddl import create_table
from klineforge.lake.location import TableLocation
from klineforge.lake.log import LocalTableLog
from klineforge.lake.maintenance import Policy, Upkeep, maintain
from klineforge.lake.memory import Reader, readers_of
from klineforge.lake.note import CommitNote

COINS = ("AAAUSDT", "BBBUSDT", "CCCUSDT")
HOURS = 72
POLICY = Policy(sizes=Sizes(many=1), commits=2)
LAYERS = ("silver", "gold", "marts")


def candles(hours: Iterable[int]) -> list[Record]:
    return [
        Record(coin, hour, 100 + (hour * step) % 17, 5 + hour % 7)
        for hour in hours
        for step, coin in enumerate(COINS, start=3)
    ]


def corrections(hour: int, sequence: int) -> list[Record]:
    return [Record("AAAUSDT", hour, 108.0, 9.0, sequence=sequence)]


def maintain_all(lake: Lake, *, days: float) -> dict[str, Upkeep]:
    """Maintain every table of a lake so many days from now."""
    readers = readers_of(lake.root)
    made = [contract for contract in CONTRACTS.values() if (lake.root / contract.layer / contract.name).is_dir()]
    return {
        contract.name: maintain(
            lake.root / contract.layer / contract.name,
            contract,
            readers.get(contract.name, ()),
            now=datetime.now(UTC) + timedelta(days=days),
            policy=POLICY,
        )
        for contract in made
    }


def rows_of(lake: Lake) -> dict[str, pl.DataFrame]:
    return {name: lake.read(name).sort(CONTRACTS[name].grain) for name in DERIVED}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Three coins over three days, then an hour at a time, one of them with a late correction."""
    lake = Lake(tmp_path_factory.mktemp("lake"))
    lake.add(candles(range(HOURS)))
    lake.derive()
    for run in range(2):
        lake.add(candles([HOURS + run]) + corrections(40 + run, run + 1) * run)
        lake.derive()
    return lake


@pytest.fixture
def lived_in(made: Lake, tmp_path: Path) -> Lake:
    """A lake of a test's own that has been written to for a while."""
    shutil.copytree(made.root, tmp_path / "lake")
    return Lake(tmp_path / "lake", list(made.held))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_increments_stay_increments_and_obey_the_law_after_maintenance(lived_in: Lake, spark: SparkSession) -> None:
    rows = rows_of(lived_in)
    done = maintain_all(lived_in, days=0)
    assert done["mart_returns_1h"].after.files < done["mart_returns_1h"].before.files
    assert [name for name, now in rows_of(lived_in).items() if not now.equals(rows[name])] == []
    assert_nothing_left_to_do(lived_in)

    lived_in.add(candles([HOURS + 2]) + corrections(50, 9))
    first = lived_in.derive()
    # Everything older than this run goes: joined files, change data that was read, log entries before a checkpoint.
    gone = maintain_all(lived_in, days=31)
    assert gone["fact_1h_klines"].reclaimed > 0
    assert gone["fact_1h_klines"].after.log_entries < gone["fact_1h_klines"].before.log_entries
    lived_in.add(candles([HOURS + 3]) + corrections(60, 10))
    second = lived_in.derive()

    rebuilt = [(outcome.table, outcome.reason) for run in (first, second) for outcome in run.values() if outcome.reason]
    assert rebuilt == []
    assert second["mart_returns_1h"].counts.updated > 0
    assert_equals_oracle(lived_in)
    table = lived_in.dataset("fact_1h_klines").location.sql
    assert spark.sql(f"SELECT * FROM {table}").count() == lived_in.read("fact_1h_klines").height  # noqa: S608  a folder


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("spark")
def test_tables_that_have_not_read_yet_still_read_their_changes_after_months(lived_in: Lake) -> None:
    lived_in.add(candles([HOURS + 2]) + corrections(50, 9))
    lived_in.derive_only("stage_binance_klines", "fact_1h_klines")
    lived_in.add([Record("BBBUSDT", 30, 101.0, 9.0, sequence=11, flaw="high below close")])
    lived_in.derive_only("stage_binance_klines", "fact_1h_klines")

    done = maintain_all(lived_in, days=100)

    assert "mart_returns_1h" in done["fact_1h_klines"].remarks[-1]
    assert "quarantine_klines" in done["stage_binance_klines"].remarks[-1]
    outcomes = lived_in.derive()
    assert {name: outcome.reason for name, outcome in outcomes.items() if outcome.reason} == {}
    assert outcomes["mart_returns_1h"].counts.deleted == 1
    assert_equals_oracle(lived_in)
    assert maintain_all(lived_in, days=100)["fact_1h_klines"].remarks == ()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_spark_sees_no_change_in_files_that_were_joined(lived_in: Lake, spark: SparkSession) -> None:
    location = lived_in.dataset("fact_1h_klines").location
    before = DeltaTable(str(location.path)).version()

    maintain_all(lived_in, days=0)

    changes = spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", before + 1)
    assert changes.load(str(location.path)).count() == 0
    history = [row["operation"] for row in spark.sql(f"DESCRIBE HISTORY {location.sql} LIMIT 1").collect()]
    assert history == ["WRITE"], "the newest commit is the one that joined files"
    assert DeltaTable(str(location.path)).version() == before + 1


@pytest.mark.slow
def test_table_made_by_spark_keeps_deltas_own_cleanup_rather_than_become_unreadable(
    tmp_path: Path, spark: SparkSession
) -> None:
    contract, location = CONTRACTS["fact_1h_klines"], TableLocation(path=str(tmp_path / "fact"))
    spark.sql(create_table(contract, location))
    LocalTableLog(location).acknowledge(CommitNote(contract.name, "acknowledge"), ["year"])
    before = DeltaTable(str(location.path))
    assert before.protocol().writer_features is not None

    maintain(tmp_path / "fact", contract, (), now=datetime.now(UTC))

    assert DeltaTable(str(location.path)).version() == before.version()
    assert DeltaTable(str(location.path)).protocol().min_reader_version == 1


class KilledError(BaseException):
    """What SIGKILL leaves undone, so does this: nothing in the code may catch it."""


def killed_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """End the process, as it were, before the step-th change of the file system."""
    left = [step]

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*arguments: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise KilledError
            return call(*arguments, **options)

        return counting

    monkeypatch.setattr(pq, "write_table", counted(pq.write_table))
    monkeypatch.setattr(Path, "unlink", counted(Path.unlink))
    for name in ("create_write_transaction", "create_checkpoint"):
        monkeypatch.setattr(DeltaTable, name, counted(getattr(DeltaTable, name)))


@case("69")
def test_killed_anywhere_the_table_and_what_a_reader_needs_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_table(tmp_path / "prices", 14)
    correct(path, 2, 2.0)
    maintain(path, PRICES, (), now=datetime.now(UTC), policy=POLICY)
    append(path, 14, 15, 16)
    rows, unread = read(path), feed(path, 17)
    readers, later = (Reader("mart", 17),), datetime.now(UTC) + timedelta(days=40)
    kills = 0
    while True:
        with monkeypatch.context() as patched:
            killed_at(patched, kills % 7)
            try:
                done = maintain(path, PRICES, readers, now=later, policy=POLICY)
            except KilledError:
                kills += 1
            else:
                break
        assert read(path).equals(rows)
        assert feed(path, 17).equals(unread)
    assert kills > 7
    assert done.after.files == 2
    clean = contents(path)
    assert maintain(path, PRICES, readers, now=later, policy=POLICY).reclaimed == 0
    assert contents(path) == clean
    assert feed(path, 17).equals(unread)
    assert pl.read_delta(str(path)).height == rows.height
