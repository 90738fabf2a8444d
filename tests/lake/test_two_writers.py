"""Spark and delta-rs take turns writing one table; each reads what the other left, checkpoints included."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from faults.catalogue import case
from pyspark.sql import SparkSession

from klineforge.contracts.gold import DIM_TIMESTAMP
from klineforge.contracts.marts import MART_CORRELATIONS
from klineforge.domain.scope import Scope
from klineforge.errors import ContractError
from klineforge.lake.arrow import arrow_schema
from klineforge.lake.local import LocalWriter
from klineforge.lake.location import TableLocation
from klineforge.lake.log import LocalTableLog
from klineforge.lake.note import CommitNote
from klineforge.lake.writing import CHANGE, DeltaWriter, arrow_frame

NOTE = CommitNote("mart_correlations", "append")
START = datetime(2021, 12, 31, 22, tzinfo=UTC)


def rows(hours: Sequence[int], correlation: float | None = 0.5, base: str = "AAA") -> pa.Table:
    """Correlations of one pair around the turn of a year."""
    made = [
        {
            "exchange": "binance",
            "base_coin": base,
            "related_coin": "BBB",
            "open_timestamp": START + timedelta(hours=hour),
            "corr_24h": correlation,
            "observations_24h": 24,
            "correlation_regime": "Medium",
            "corr_breakdown_alerts": False,
            "year": (START + timedelta(hours=hour)).year,
        }
        for hour in hours
    ]
    return pa.Table.from_pylist(made, schema=arrow_schema(MART_CORRELATIONS, stored=True))


def marked(changes: dict[str, pa.Table]) -> pa.Table:
    return pa.concat_tables(
        table.append_column(CHANGE, pa.array([kind] * table.num_rows)) for kind, table in changes.items()
    )


@pytest.fixture
def location(spark: SparkSession, tmp_path: Path) -> TableLocation:
    """An empty table, made by Spark as every table is."""
    place = TableLocation(path=str(tmp_path / "mart_correlations"))
    DeltaWriter(MART_CORRELATIONS, place, spark).create()
    return place


def held(location: TableLocation) -> list[tuple[datetime, float]]:
    table = pl.read_delta(str(location.path)).sort("open_timestamp")
    return table.select("open_timestamp", "corr_24h").rows()


def hours_of(scope: Scope) -> list[int]:
    return [
        (span.start - START) // timedelta(hours=1) + hour for span in scope.all_spans() for hour in range(span.hours)
    ]


def expected(hours: dict[int, float]) -> list[tuple[datetime, float]]:
    return [(START + timedelta(hours=hour), value) for hour, value in sorted(hours.items())]


def test_both_write_one_table_in_turn_past_checkpoints_of_both(spark: SparkSession, location: TableLocation) -> None:
    local, remote = LocalWriter(MART_CORRELATIONS, location), DeltaWriter(MART_CORRELATIONS, location, spark)
    wanted = {}
    for hour in range(45):
        turn = remote if hour % 9 == 8 else local
        fresh = rows([hour])
        turn.append(arrow_frame(spark, fresh) if turn is remote else fresh, NOTE)  # type: ignore[arg-type]
        wanted[hour] = 0.5
    log = Path(str(location.path), "_delta_log")
    assert list(log.glob("*.checkpoint*.parquet")), "there must have been checkpoints to read past"
    assert held(location) == expected(wanted)
    in_spark = spark.read.format("delta").load(str(location.path))
    assert in_spark.count() == 45
    remote.overwrite(arrow_frame(spark, rows([1, 2, 3], 0.25)), NOTE)
    local.merge(marked({"update": rows([2], 0.75), "delete": rows([3]), "insert": rows([50], 0.1)}), NOTE)
    assert held(location) == expected({1: 0.25, 2: 0.75, 50: 0.1})
    assert spark.read.format("delta").load(str(location.path)).where("corr_24h > 0.2").count() == 2


def test_merge_tells_the_change_feed_what_changed(location: TableLocation, spark: SparkSession) -> None:
    local = LocalWriter(MART_CORRELATIONS, location)
    local.append(rows(range(10)), NOTE)
    before = LocalTableLog(location).head()
    assert before is not None
    local.merge(marked({"update": rows([4], 0.75), "delete": rows([7])}), NOTE)
    after = before.version + 1
    scope = LocalTableLog(location).changes(before.version, after, ("exchange",), "open_timestamp")
    assert hours_of(scope) == [4, 7]
    feed = spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", after)
    kinds = feed.load(str(location.path)).groupBy("_change_type").count().toArrow().to_pylist()
    assert {row["_change_type"]: row["count"] for row in kinds} == {
        "update_preimage": 1,
        "update_postimage": 1,
        "delete": 1,
    }


def test_overwriting_tells_of_the_rows_before_and_after(location: TableLocation) -> None:
    local, log = LocalWriter(MART_CORRELATIONS, location), LocalTableLog(location)
    local.append(rows(range(3)), NOTE)
    local.overwrite(rows([6]), NOTE)
    local.overwrite_ordered(rows([8]).to_reader(), NOTE)
    first, second = (log.changes(version, version + 1, ("exchange",), "open_timestamp") for version in (1, 2))
    assert hours_of(first) == [0, 1, 2, 6]
    assert hours_of(second) == [6, 8]
    assert [commit.rows_written for commit in log.commits()][:3] == [1, 1, 3]


def test_append_under_one_identity_happens_once(location: TableLocation) -> None:
    local = LocalWriter(MART_CORRELATIONS, location)
    assert local.append(rows([1]), NOTE, once_as="same")
    assert not local.append(rows([2]), NOTE, once_as="same")
    assert held(location) == expected({1: 0.5})


@case("71")
def test_writes_after_one_with_an_identity_are_not_skipped(spark: SparkSession, location: TableLocation) -> None:
    local, remote = LocalWriter(MART_CORRELATIONS, location), DeltaWriter(MART_CORRELATIONS, location, spark)
    for hour, identity in enumerate(["one", None, "two", None]):
        remote.append(arrow_frame(spark, rows([hour])), NOTE, once_as=identity)
        local.append(rows([hour + 10]), NOTE, once_as=identity and identity + " of delta-rs")
    wanted = dict.fromkeys([*range(4), *range(10, 14)], 0.5)
    assert held(location) == expected(wanted)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (rows([1], 1.5), r"CHECK constraint corr_24h_valid .* violated by row with values:\n(.*\n)* - corr_24h : 1.5"),
        (rows([1], base="ZZZ"), "CHECK constraint pair_is_ordered"),
        (rows([1]).set_column(1, "base_coin", pa.array([None], pa.string())), "NOT NULL .* base_coin"),
        (rows([1]).drop_columns(["corr_24h"]), "columns corr_24h are missing"),
    ],
)
def test_rows_that_break_the_contract_are_refused_by_name(location: TableLocation, broken: pa.Table, said: str) -> None:
    local = LocalWriter(MART_CORRELATIONS, location)
    before = LocalTableLog(location).head()
    with pytest.raises(ContractError, match=said):
        local.append(broken, NOTE)
    with pytest.raises(ContractError, match=said):
        local.merge(broken.append_column(CHANGE, pa.array(["insert"])), NOTE)
    assert LocalTableLog(location).head() == before


def test_statistics_are_those_the_table_asks_for(location: TableLocation) -> None:
    LocalWriter(MART_CORRELATIONS, location).append(rows([0, 5]), NOTE)
    files = pl.DataFrame(DeltaTable(str(location.path)).get_add_actions(flatten=True))
    assert files["num_records"].sum() == 2
    assert {name for name in files.columns if name.startswith("max.")} == {"max.exchange", "max.open_timestamp"}


def test_every_type_of_the_contracts_has_an_arrow_type() -> None:
    assert arrow_schema(DIM_TIMESTAMP, stored=True).field("date").type == pa.date32()


def test_stream_replaces_all_rows_in_one_commit(location: TableLocation, spark: SparkSession) -> None:
    local = LocalWriter(MART_CORRELATIONS, location)
    local.append(rows(range(5)), NOTE)
    before = LocalTableLog(location).head()
    local.overwrite_ordered(rows([1, 7], 0.25).to_reader(), NOTE)
    after = LocalTableLog(location).head()
    assert before is not None
    assert after is not None
    assert after.version == before.version + 1
    assert held(location) == expected({1: 0.25, 7: 0.25})
    assert spark.read.format("delta").load(str(location.path)).where("corr_24h = 0.25").count() == 2


@case("69")
@pytest.mark.parametrize("correlation", [0.25, 1.5])
def test_stream_that_breaks_off_or_breaks_the_contract_leaves_the_table_as_it_was(
    location: TableLocation, correlation: float
) -> None:
    local = LocalWriter(MART_CORRELATIONS, location)
    local.append(rows(range(5)), NOTE)
    before = LocalTableLog(location).head()

    def broken() -> Iterator[pa.RecordBatch]:
        yield from rows(range(3000), correlation).to_batches()
        if correlation <= 1:
            raise RuntimeError("no more rows")

    stream = pa.RecordBatchReader.from_batches(rows([]).schema, broken())
    with pytest.raises((ContractError, DeltaError), match="no more rows|failed validation"):
        local.overwrite_ordered(stream, NOTE)
    assert LocalTableLog(location).head() == before
    assert held(location) == expected(dict.fromkeys(range(5), 0.5))


_KILLED_WHILE_STREAMING = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import pyarrow as pa
from lake.test_two_writers import NOTE, rows
from klineforge.contracts.marts import MART_CORRELATIONS
from klineforge.lake.local import LocalWriter
from klineforge.lake.location import TableLocation

def batches():
    for number in range(40):
        yield from rows(range(number * 5000, number * 5000 + 5000), 0.25).to_batches()
    os.kill(os.getpid(), signal.SIGKILL)

stream = pa.RecordBatchReader.from_batches(rows([]).schema, batches())
LocalWriter(MART_CORRELATIONS, TableLocation(path=sys.argv[2])).overwrite_ordered(stream, NOTE)
"""


@case("69")
def test_process_killed_while_it_streams_leaves_the_table_as_it_was(location: TableLocation) -> None:
    LocalWriter(MART_CORRELATIONS, location).append(rows(range(5)), NOTE)
    before = LocalTableLog(location).head()
    tests = str(Path(__file__).resolve().parents[1])
    command = [sys.executable, "-c", _KILLED_WHILE_STREAMING, tests, str(location.path)]
    assert subprocess.run(command, check=False, timeout=120).returncode == -signal.SIGKILL
    assert LocalTableLog(location).head() == before
    assert held(location) == expected(dict.fromkeys(range(5), 0.5))
    LocalWriter(MART_CORRELATIONS, location).overwrite_ordered(rows([9]).to_reader(), NOTE)
    assert held(location) == expected({9: 0.5})
