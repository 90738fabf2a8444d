"""The law: however bronze rows are cut into runs and in whatever order they arrive, the tables equal a rebuild."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from law.lake import DERIVED, Lake, Record, differences, from_scratch
from pyspark.sql import SparkSession

HOURS = 60
COINS = ("AAAUSDT", "BBBUSDT", "CCCUSDT")
YEARS_LATER = 24 * 365


def assert_equals_rebuild(lake: Lake, spark: SparkSession) -> None:
    wanted = from_scratch(lake, spark)
    wrong = [line for name in DERIVED for line in differences(lake.read(name), wanted[name], name)]
    assert not wrong, "\n".join(wrong)


@st.composite
def histories(draw: st.DrawFn) -> list[list[Record]]:
    """Bronze rows of several coins, cut into runs in any order.

    Gaps, late hours, corrections, duplicates across sources, corrections that make a candle invalid or valid again,
    candles off the hour, malformed records, and a coin that starts a year later.
    """
    records: list[Record] = []
    for coin in COINS:
        present = draw(st.lists(st.booleans() | st.just(value=True), min_size=HOURS, max_size=HOURS))
        moves = draw(st.lists(st.sampled_from([-0.2, -0.01, 0.0, 0.0, 0.02, 0.3]), min_size=HOURS, max_size=HOURS))
        prices = list(accumulate(moves, lambda price, move: max(0.01, price * (1 + move)), initial=100.0))[1:]
        records += [
            Record(coin, hour, price, float(hour % 5))
            for hour, (price, here) in enumerate(zip(prices, present, strict=True))
            if here
        ]
    for number in range(draw(st.integers(2, 8))):
        records.append(
            Record(
                draw(st.sampled_from(COINS)),
                draw(st.integers(0, HOURS - 1)),
                close=draw(st.sampled_from([1.0, 50.0, 101.0, 5000.0])),
                volume=draw(st.sampled_from([0.0, 3.0, 1e6])),
                source_kind=draw(st.sampled_from(["rest", "daily_archive", "monthly_archive"])),
                sequence=number + 1,
                valid=draw(st.sampled_from([True, True, False])),
                minutes_off=draw(st.sampled_from([0, 0, 0, 28])),
                malformed=draw(st.sampled_from([False, False, False, True])),
            )
        )
    records += [Record("DDDUSDT", YEARS_LATER + hour, 7.0 + hour % 3) for hour in range(draw(st.integers(0, 30)))]
    runs = draw(st.integers(2, 3))
    # Mostly in the order of time, as exchanges deliver, with stragglers in any run.
    home = [min(runs - 1, record.hour * runs // (HOURS + 1)) for record in records]
    stray = draw(st.lists(st.integers(0, 19), min_size=len(records), max_size=len(records)))
    chosen = [where if luck > 1 else (where + luck + 1) % runs for where, luck in zip(home, stray, strict=True)]
    return [[r for r, run in zip(records, chosen, strict=True) if run == number] for number in range(runs)]


@settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(runs=histories())
def test_increments_in_any_cut_equal_a_rebuild(spark: SparkSession, runs: Sequence[Sequence[Record]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder))
        for records in runs:
            if records:
                lake.add(records)
                lake.derive()
                assert_equals_rebuild(lake, spark)


@pytest.fixture
def week(tmp_path: Path) -> Lake:
    """Three coins over six days without gaps, derived once."""
    lake = Lake(tmp_path)
    lake.add(
        Record(coin, hour, 100 + (hour * step) % 17, 5 + hour % 7)
        for step, coin in enumerate(COINS, start=3)
        for hour in range(144)
    )
    lake.derive()
    return lake


def test_run_with_nothing_new_commits_nothing(week: Lake) -> None:
    before = week.versions()
    outcomes = week.derive()
    assert week.versions() == before
    assert {outcome.action for outcome in outcomes.values()} == {"unchanged"}


def test_late_correction_changes_only_rows_that_depend_on_it(week: Lake, spark: SparkSession) -> None:
    week.add([Record("AAAUSDT", 70, 108.0, 9.0, sequence=3)])
    outcomes = week.derive()
    assert_equals_rebuild(week, spark)
    assert outcomes["fact_1h_klines"].counts.updated == 1
    assert outcomes["mart_volume_metrics_1h"].counts.changed <= 24
    assert 0 < outcomes["mart_returns_1h"].counts.changed <= 48
    assert 0 < outcomes["mart_correlations"].counts.changed <= 2 * 26
    assert outcomes["dim_timestamp"].action == "unchanged"


def test_candle_that_becomes_invalid_leaves_the_fact_and_every_mart(week: Lake, spark: SparkSession) -> None:
    week.add([Record("BBBUSDT", 100, 101.0, 9.0, sequence=3, valid=False)])
    outcomes = week.derive()
    assert_equals_rebuild(week, spark)
    assert outcomes["fact_1h_klines"].counts.deleted == 1
    assert outcomes["mart_returns_1h"].counts.deleted == 1
    assert outcomes["quarantine_klines"].counts.inserted == 1
    week.add([Record("BBBUSDT", 100, 102.0, 9.0, sequence=4)])
    outcomes = week.derive()
    assert_equals_rebuild(week, spark)
    assert outcomes["quarantine_klines"].counts.deleted == 1


def test_table_changed_by_hand_is_made_anew(week: Lake, spark: SparkSession) -> None:
    table = week.dataset("mart_returns_1h").location.sql
    spark.sql(f"DELETE FROM {table} WHERE coin = 'AAAUSDT'")  # noqa: S608  a folder of the test's own
    outcomes = week.derive()
    assert outcomes["mart_returns_1h"].action == "rebuild"
    assert "not written by KlineForge" in outcomes["mart_returns_1h"].reason
    assert_equals_rebuild(week, spark)


def test_change_feed_that_is_gone_leads_to_a_rebuild(week: Lake, spark: SparkSession) -> None:
    week.add([Record("AAAUSDT", 150, 108.0), Record("AAAUSDT", 20, 109.0, sequence=5)])
    week.derive_only("stage_binance_klines", "fact_1h_klines")
    change_data = list(Path(str(week.dataset("fact_1h_klines").location.path)).rglob("_change_data/**/*.parquet"))
    assert change_data, "the correction must have left change data to lose"
    for file in change_data:
        file.unlink()
    outcomes = week.derive()
    assert outcomes["mart_returns_1h"].action == "rebuild"
    assert "change feed" in outcomes["mart_returns_1h"].reason
    assert_equals_rebuild(week, spark)
