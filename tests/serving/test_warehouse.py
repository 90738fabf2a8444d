"""Reading a lake while others write to it, break it and take it away."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from small_lake.lake import write
from small_lake.market import COINS, END, EXCHANGE, HOUR, START

from klineforge.serving import UnavailableError, Warehouse

RETURNS = "mart_returns_1h"
COLUMNS = ("coin", "open_timestamp", "close_price")


@pytest.fixture
def lake(small_lake: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_lake, tmp_path / "lake"))


@pytest.fixture
def warehouse(lake: Path) -> Warehouse:
    return Warehouse(lake)


def test_read_range_and_coins_gives_those_rows_in_the_order_of_the_grain(warehouse: Warehouse, lake: Path) -> None:
    start, end = END - timedelta(hours=5), END - timedelta(hours=2)

    rows = warehouse.read(RETURNS, COLUMNS, exchange=EXCHANGE, coins=("XRPUSDT", "BTCUSDT"), start=start, end=end)

    everything = pl.read_delta(str(lake / "marts" / RETURNS)).select(COLUMNS)
    inside = pl.col("open_timestamp").is_between(start, end, closed="left")
    expected = everything.filter(pl.col("coin").is_in(["BTCUSDT", "XRPUSDT"]), inside).sort("coin", "open_timestamp")
    assert rows.equals(expected)
    assert rows.height == 6


def test_read_over_the_turn_of_the_year_reads_both_years(warehouse: Warehouse) -> None:
    # The small market begins in December.
    midnight = datetime(END.year, 1, 1, tzinfo=UTC)
    rows = warehouse.read(RETURNS, COLUMNS, coins=("BTCUSDT",), start=midnight - HOUR, end=midnight + HOUR)

    assert rows["open_timestamp"].to_list() == [midnight - HOUR, midnight]


def test_read_pairs_of_named_coins_gives_only_pairs_among_them(warehouse: Warehouse) -> None:
    pairs = warehouse.read("mart_correlations", ("base_coin", "related_coin"), coins=("BTCUSDT", "XRPUSDT"))

    assert set(pairs.unique().iter_rows()) == {("BTCUSDT", "XRPUSDT")}


def test_read_again_gives_the_same_frame_until_a_commit_and_then_the_new_rows(warehouse: Warehouse, lake: Path) -> None:
    first = warehouse.read(RETURNS, COLUMNS)
    assert warehouse.read(RETURNS, COLUMNS) is first

    known = pl.read_delta(str(lake / "marts" / RETURNS)).drop("year")
    newest = known.filter(pl.col("open_timestamp") == END - HOUR).with_columns(pl.col("open_timestamp") + HOUR)
    write(lake, RETURNS, newest, mode="append")

    again = warehouse.read(RETURNS, COLUMNS)
    assert again.height == first.height + len(COINS)
    assert warehouse.newest_hour(RETURNS) == END


def test_read_table_that_was_made_anew_under_the_same_version_gives_the_new_rows(
    warehouse: Warehouse, lake: Path
) -> None:
    before = warehouse.read(RETURNS, COLUMNS)
    known = pl.read_delta(str(lake / "marts" / RETURNS)).drop("year")
    shutil.rmtree(lake / "marts" / RETURNS)
    write(lake, RETURNS, known.head(10))
    assert DeltaTable(lake / "marts" / RETURNS).version() == 0

    assert before.height > 10
    assert warehouse.read(RETURNS, COLUMNS).height == 10


def test_cache_full_lets_go_of_what_was_used_longest_ago(lake: Path) -> None:
    warehouse = Warehouse(lake, memory=150_000)

    for coin in COINS:
        warehouse.read(RETURNS, COLUMNS, coins=(coin,))

    assert 0 < warehouse.kept_bytes <= 150_000
    assert warehouse.read(RETURNS, COLUMNS, coins=(COINS[-1],)) is warehouse.read(RETURNS, COLUMNS, coins=(COINS[-1],))


def test_read_by_many_threads_reads_once_and_gives_all_the_same(warehouse: Warehouse) -> None:
    made = []

    def query(rows: pl.LazyFrame) -> pl.LazyFrame:
        made.append(1)
        return rows.select(pl.len())

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: warehouse.aggregate(RETURNS, "count", query), range(32)))

    assert len(made) == 1
    assert all(frame is found[0] for frame in found)


def test_derived_is_made_anew_when_one_of_its_tables_moves_on(warehouse: Warehouse, lake: Path) -> None:
    calls: list[int] = []

    def make() -> int:
        calls.append(1)
        return len(calls)

    assert [warehouse.derived((RETURNS, "dim_coins"), "key", make) for _ in range(2)] == [1, 1]
    write(lake, "dim_coins", pl.read_delta(str(lake / "gold" / "dim_coins")))
    assert warehouse.derived((RETURNS, "dim_coins"), "key", make) == 2


def _remove_lake(lake: Path) -> None:
    shutil.rmtree(lake)


def _remove_table(lake: Path) -> None:
    shutil.rmtree(lake / "marts" / RETURNS)


def _empty_table(lake: Path) -> None:
    DeltaTable(lake / "marts" / RETURNS).delete()


def _cut_file(lake: Path) -> None:
    for file in (lake / "marts" / RETURNS).rglob("*.parquet"):
        file.write_bytes(file.read_bytes()[:100])


def _remove_files(lake: Path) -> None:
    for file in (lake / "marts" / RETURNS).rglob("*.parquet"):
        file.unlink()


def _cut_log(lake: Path) -> None:
    commit = lake / "marts" / RETURNS / "_delta_log" / f"{0:020d}.json"
    commit.write_bytes(commit.read_bytes()[:300])


def _make_log_garbage(lake: Path) -> None:
    (lake / "marts" / RETURNS / "_delta_log" / f"{1:020d}.json").write_text("not a commit")


@pytest.mark.parametrize(
    ("harm", "reason", "told"),
    [
        (_remove_lake, "no_lake", "make demo"),
        (_remove_table, "absent", "kedro run"),
        (_empty_table, "empty", "kedro klineforge status"),
        (_cut_file, "damaged", "kedro klineforge repair"),
        (_remove_files, "damaged", "is missing"),
        (_cut_log, "damaged", "cut off"),
        (_make_log_garbage, "damaged", "kedro klineforge repair"),
    ],
)
@pytest.mark.parametrize("is_open", [False, True], ids=["first look", "while open"])
def test_read_lake_that_was_harmed_explains(
    lake: Path, *, is_open: bool, harm: Callable[[Path], None], reason: str, told: str
) -> None:
    warehouse = Warehouse(lake)
    if is_open:
        warehouse.read(RETURNS, ("coin",), coins=("BTCUSDT",))
    harm(lake)

    with pytest.raises(UnavailableError, match=told) as caught:
        warehouse.require(warehouse.read(RETURNS, COLUMNS), RETURNS, "all coins")

    assert caught.value.explanation.reason == reason
    assert "Traceback" not in str(caught.value)


def test_read_table_that_was_harmed_and_mended_gives_its_rows_again(lake: Path, small_lake: Path) -> None:
    warehouse = Warehouse(lake)
    _cut_file(lake)
    with pytest.raises(UnavailableError, match="cannot be read"):
        warehouse.read(RETURNS, COLUMNS)

    shutil.rmtree(lake / "marts" / RETURNS)
    shutil.copytree(small_lake / "marts" / RETURNS, lake / "marts" / RETURNS)

    assert warehouse.read(RETURNS, COLUMNS).height > 0


def test_read_table_of_another_version_names_the_columns_it_lacks(lake: Path) -> None:
    path = lake / "marts" / RETURNS
    old = pl.read_delta(str(path)).drop("drawdown_pct")
    shutil.rmtree(path)
    old.write_delta(path, delta_write_options={"partition_by": ["year"]})

    with pytest.raises(UnavailableError, match=r"lacks the columns drawdown_pct.*rebuild mart_returns_1h"):
        Warehouse(lake).read(RETURNS, ("coin", "drawdown_pct"))


def test_read_column_that_no_contract_promises_is_a_fault_of_the_program(warehouse: Warehouse) -> None:
    with pytest.raises(KeyError, match="has no column profit"):
        warehouse.read(RETURNS, ("profit",))


def test_require_nothing_selected_says_so(warehouse: Warehouse) -> None:
    rows = warehouse.read(RETURNS, COLUMNS, coins=("SOLUSDT",), end=START + HOUR)

    with pytest.raises(UnavailableError, match="nothing to show for SOLUSDT in January"):
        warehouse.require(rows, RETURNS, "SOLUSDT in January")
