"""The law in single steps: what one change of bronze does to each table, and what sends a table back to a rebuild."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from faults.catalogue import case
from law.lake import DERIVED, Lake
from law.proof import assert_equals_oracle, assert_equals_rebuild, assert_nothing_left_to_do
from law.records import START, Record
from law.trouble import lose_change_data
from pyspark.sql import SparkSession

from klineforge.contracts import CONTRACTS
from klineforge.incremental import engine, reading

COINS = ("AAAUSDT", "BBBUSDT", "CCCUSDT")
HOURS = 144
CORRECTED = 70


@pytest.fixture(scope="module")
def derived_week(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Three coins over six days without gaps, derived once. The highest closes are reached on the first day."""
    lake = Lake(tmp_path_factory.mktemp("week"))
    lake.add(
        Record(coin, hour, 100 + (hour * step) % 17, 5 + hour % 7)
        for step, coin in enumerate(COINS, start=3)
        for hour in range(HOURS)
    )
    lake.derive()
    return lake


@pytest.fixture
def week(derived_week: Lake, tmp_path: Path) -> Lake:
    """A copy of the week to change."""
    shutil.copytree(derived_week.root, tmp_path / "lake")
    return Lake(tmp_path / "lake", list(derived_week.held))


def test_run_with_nothing_new_commits_nothing(week: Lake) -> None:
    assert_nothing_left_to_do(week)


# How long a candle can be seen, in hours from its own on: returns read the hour before, everything else
# the trailing day of those; a regime reads the day of volatilities, an alert the hour before.
_COIN_HOURS = {"mart_volume_metrics_1h": 24, "mart_returns_1h": 48}
_EXCHANGE_HOURS = {"mart_top_movers": 25, "mart_correlations": 26, "mart_market_breadth_1h": 25}
# Windows of 168 hours reach to the end; labels look at the day ahead, and their barriers at the day before.
_AFTER, _AROUND = HOURS - CORRECTED, 24 + 1 + 24
# Rows that may change at most: two pairs have the coin; of the other two coins only ranks can change, for a day.
_MOST_ROWS = {
    "stage_binance_klines": 1,
    "fact_1h_klines": 1,
    "mart_returns_1h": 48,
    "mart_volume_metrics_1h": 24,
    "mart_top_movers": 25 + 2 * 24,
    "mart_correlations": 2 * 26,
    "mart_market_breadth_1h": 25,
    # To the end: its long windows are longer than the lake.
    "mart_indicators_1h": HOURS - CORRECTED,
    "features_1h": 3 * _AFTER,
    "labels_1h": _AROUND,
}


def test_late_correction_changes_only_rows_that_depend_on_it(week: Lake, spark: SparkSession) -> None:
    before = {name: week.read(name) for name in DERIVED}
    week.add([Record("AAAUSDT", CORRECTED, 108.0, 9.0, sequence=3)])
    outcomes = week.derive()
    assert_equals_rebuild(week, spark)
    assert_equals_oracle(week)
    changed = {name: _changed(before[name], week.read(name), name) for name in DERIVED}
    counts = {name: rows.height for name, rows in changed.items()}
    # Nothing but what differs was written, and nothing differs that cannot depend on the candle.
    assert {name: outcome.counts.changed for name, outcome in outcomes.items()} == counts
    assert all(counts[name] <= _MOST_ROWS.get(name, 0) for name in DERIVED), counts
    assert counts["fact_1h_klines"] == 1
    assert counts["mart_volume_metrics_1h"] == 24, "every sum over the candle's volume"
    assert counts["mart_returns_1h"] >= 25, "the volatility of each hour that has one of the two returns in its day"
    for name, hours in (_COIN_HOURS | _EXCHANGE_HOURS).items():
        times = changed[name]["open_timestamp"]
        assert times.min() == _at(CORRECTED), name
        assert times.max() < _at(CORRECTED + hours), name
    for name in _COIN_HOURS:
        assert changed[name]["coin"].unique().to_list() == ["AAAUSDT"]
    known = changed["features_1h"]["available_at"]
    assert (known.min(), known.max()) == (_at(CORRECTED + 1), _at(HOURS)), "not known before the candle has closed"
    labelled = changed["labels_1h"]
    assert labelled["coin"].unique().to_list() == ["AAAUSDT"]
    assert labelled["available_at"].min() == _at(CORRECTED + 1 - 24), "the day's return that leads to the candle"
    assert labelled["available_at"].max() <= _at(CORRECTED + 1 + 24), "barriers that have it in the day before"
    pairs = changed["mart_correlations"].select("base_coin").unique()
    assert pairs["base_coin"].to_list() == ["AAAUSDT"]


def test_new_peak_reaches_to_the_end_of_its_coin_and_to_no_other(week: Lake) -> None:
    before = week.read("mart_returns_1h")
    week.add([Record("BBBUSDT", CORRECTED, 5000.0, 5 + CORRECTED % 7, sequence=3)])
    outcomes = week.derive()
    assert_equals_oracle(week)
    changed = _changed(before, week.read("mart_returns_1h"), "mart_returns_1h")
    assert set(changed["coin"]) == {"BBBUSDT"}
    assert sorted(changed["open_timestamp"]) == [_at(hour) for hour in range(CORRECTED, HOURS)]
    assert outcomes["mart_correlations"].counts.changed <= 2 * 26
    assert outcomes["mart_market_breadth_1h"].counts.changed <= 25


def test_candle_that_becomes_invalid_leaves_every_mart_and_comes_back(week: Lake) -> None:
    marts = ("fact_1h_klines", "mart_returns_1h", "mart_volume_metrics_1h", "mart_top_movers")
    week.add([Record("BBBUSDT", 100, 101.0, 9.0, sequence=3, flaw="high below close")])
    outcomes = week.derive()
    assert_equals_oracle(week)
    assert {name: outcomes[name].counts.deleted for name in marts} == dict.fromkeys(marts, 1)
    assert outcomes["mart_correlations"].counts.deleted == 2
    assert outcomes["quarantine_klines"].counts.inserted == 1
    assert outcomes["kline_gaps"].counts.inserted == 1
    week.add([Record("BBBUSDT", 100, 102.0, 9.0, sequence=4)])
    outcomes = week.derive()
    assert_equals_oracle(week)
    assert {name: outcomes[name].counts.inserted for name in marts} == dict.fromkeys(marts, 1)
    assert outcomes["quarantine_klines"].counts.deleted == 1
    assert outcomes["kline_gaps"].counts.deleted == 1


@case("74")
def test_table_changed_by_hand_is_made_anew(week: Lake, spark: SparkSession) -> None:
    table = week.dataset("mart_returns_1h").location.sql
    spark.sql(f"DELETE FROM {table} WHERE coin = 'AAAUSDT'")  # noqa: S608  a folder of the test's own
    outcomes = week.derive()
    assert outcomes["mart_returns_1h"].action == "rebuild"
    assert "not written by KlineForge" in outcomes["mart_returns_1h"].reason
    assert_equals_oracle(week)


@case("76")
def test_change_feed_that_is_gone_leads_to_a_rebuild(week: Lake) -> None:
    week.add([Record("AAAUSDT", 150, 108.0), Record("AAAUSDT", 20, 109.0, sequence=5)])
    week.derive_only("stage_binance_klines", "fact_1h_klines")
    folder = week.folder("fact_1h_klines")
    assert list(folder.glob("_change_data/**/*.parquet")), "the correction must have left change data to lose"
    lose_change_data(folder)
    outcomes = week.derive()
    assert outcomes["mart_returns_1h"].action == "rebuild"
    assert "change feed" in outcomes["mart_returns_1h"].reason
    assert_equals_oracle(week)


def test_tables_that_memory_does_not_hold_obey_too(week: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    # What Spark reads and writes by itself at millions of rows, it does here from forty on.
    monkeypatch.setattr(engine, "MOST_ROWS_IN_MEMORY", 40)
    monkeypatch.setattr(reading, "MOST_ROWS_HANDED_OVER", 40)
    names = ("stage_binance_klines", "fact_1h_klines", "mart_returns_1h", "mart_volume_metrics_1h")
    week.add([Record(coin, HOURS + hour, 99.0 + hour) for coin in COINS for hour in range(14)])
    outcomes = week.derive_only(*names)
    assert outcomes["fact_1h_klines"].action == "append"
    assert outcomes["mart_returns_1h"].action == "append"
    assert_equals_oracle(week, names)
    week.add([Record("AAAUSDT", 3, 5000.0, sequence=2), Record("BBBUSDT", 90, 1.0, sequence=2, flaw="no number")])
    outcomes = week.derive_only(*names)
    assert outcomes["mart_returns_1h"].action == "rebuild"
    assert_equals_oracle(week, names)


def test_regime_of_a_correlation_on_a_threshold_is_that_of_a_rebuild(tmp_path: Path) -> None:
    one = _doubling_and_halving("AAAUSDT", (1, 0.5, 1, 2, 0.5))
    other = _doubling_and_halving("BBBUSDT", (1, 2, 1, 0.5, 0.5))
    needed = ("stage_binance_klines", "fact_1h_klines", "mart_correlations")
    grown, rebuilt = Lake(tmp_path / "grown"), Lake(tmp_path / "rebuilt")
    for records in ([*one[:5], *other[:5]], [one[5], other[5]]):
        grown.add(records)
        grown.derive_only(*needed)
    rebuilt.add([*one, *other])
    rebuilt.derive_only(*needed)
    regimes = [lake.read("mart_correlations").sort("open_timestamp")["correlation_regime"] for lake in (grown, rebuilt)]
    assert regimes[0].to_list() == regimes[1].to_list()


def _doubling_and_halving(coin: str, moves: Iterable[float]) -> list[Record]:
    closes = [64.0]
    for move in moves:
        closes.append(closes[-1] * move)
    return [Record(coin, hour, close) for hour, close in enumerate(closes)]


def _changed(before: pl.DataFrame, after: pl.DataFrame, name: str) -> pl.DataFrame:
    """Keys of the rows that one of two versions of a table has and the other has not."""
    keys = list(CONTRACTS[name].grain)
    gone = before.join(after, on=after.columns, how="anti", nulls_equal=True)
    come = after.join(before, on=after.columns, how="anti", nulls_equal=True)
    return pl.concat([gone, come]).select(keys).unique()


def _at(hour: int) -> object:
    return START + timedelta(hours=hour)
