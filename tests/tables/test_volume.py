"""Volume metrics: cases by hand, and independence from older history."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from oracle.comparison import assert_same_table
from oracle.frames import candles, hour, to_pandas, to_spark
from oracle.marts import KEY, oracle_volume
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from klineforge.contracts import contract_of
from klineforge.tables.volume import volume_metrics_1h

CASES = candles(
    {
        # Price 10 then 20: three quarters of the volume at the higher one.
        "TWO": {0: 10, 1: 20},
        # Nothing traded at first, then something.
        "QUIET": {0: 5, 1: 5, 2: 5},
        # Hour 0 is inside the window of hour 23 and outside that of hour 24.
        "EDGE": {0: 1, 23: 1, 24: 1},
        # Twice the mean is not a spike, more is: 3 of mean 1.5, then 9 of mean 4.
        "SPIKE": {0: 1, 1: 1, 2: 1},
    },
    {
        "TWO": {0: 1, 1: 3},
        "QUIET": {0: 0, 1: 0, 2: 4},
        "EDGE": {0: 100, 23: 10, 24: 20},
        "SPIKE": {0: 0, 1: 3, 2: 9},
    },
)


@pytest.fixture(scope="module")
def mart(spark: SparkSession) -> pd.DataFrame:
    return to_pandas(volume_metrics_1h(to_spark(spark, CASES)))


def column(mart: pd.DataFrame, coin: str, name: str) -> list[Any]:
    values = mart[mart["coin"] == coin].sort_values("open_timestamp")[name]
    return [None if pd.isna(value) else value for value in values]


def test_vwap_weighs_prices_by_volume(mart: pd.DataFrame) -> None:
    # (1 x 10 + 3 x 20) / 4
    assert column(mart, "TWO", "vwap_24h") == [10, 17.5]
    assert column(mart, "TWO", "rolling_volume_24h") == [1, 4]
    assert column(mart, "TWO", "avg_volume_24h") == [1, 2]
    assert column(mart, "TWO", "volume_spike_ratio") == [1, 1.5]


def test_ratios_of_a_window_without_trades_are_null(mart: pd.DataFrame) -> None:
    assert column(mart, "QUIET", "volume_spike_ratio") == [None, None, pytest.approx(3)]
    assert column(mart, "QUIET", "vwap_24h") == [None, None, 5]
    assert column(mart, "QUIET", "is_volume_spike") == [False, False, True]


def test_window_counts_hours_not_rows(mart: pd.DataFrame) -> None:
    assert column(mart, "EDGE", "rolling_volume_24h") == [100, 110, 30]
    assert column(mart, "EDGE", "observations_24h") == [1, 2, 2]


def test_spike_is_more_than_twice_the_mean(mart: pd.DataFrame) -> None:
    assert column(mart, "SPIKE", "is_volume_spike") == [False, False, True]


def test_volume_has_the_contracts_columns_and_agrees_with_the_oracle(mart: pd.DataFrame) -> None:
    assert tuple(mart.columns) == contract_of("mart_volume_metrics_1h").column_names
    assert_same_table(mart, oracle_volume(CASES), KEY)


def test_volume_from_one_day_equals_that_from_all_history(spark: SparkSession) -> None:
    closes = {n: 100 + (n * 7919 % 31) / 7 for n in range(80) if n % 17}
    generated = candles({"A": closes}, {"A": {n: (n * 104729 % 97) / 13 for n in closes}})
    everything = to_spark(spark, generated)
    needed = everything.where(F.col("open_timestamp") >= F.lit(hour(60 - 23)))
    wanted = F.col("open_timestamp") >= F.lit(hour(60))
    rebuilt, increment = (to_pandas(volume_metrics_1h(rows).where(wanted)) for rows in (everything, needed))
    pd.testing.assert_frame_equal(
        *(table.sort_values(KEY, ignore_index=True) for table in (rebuilt, increment)), check_exact=True
    )
