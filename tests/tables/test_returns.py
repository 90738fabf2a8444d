"""Returns, volatility and drawdown: cases by hand, and independence from older history."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pytest
from oracle.comparison import assert_same_table
from oracle.frames import candles, hour, to_pandas, to_spark
from oracle.marts import KEY, oracle_returns
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from klineforge.contracts import contract_of
from klineforge.formulas.windows import SERIES
from klineforge.incremental.stand_in import Highest
from klineforge.tables.returns import returns_1h

CASES = candles(
    {
        # Up and down a tenth, then unchanged.
        "STEPS": {0: 100, 1: 110, 2: 99, 3: 99},
        # Hour 1 is missing, so hour 2 has nothing to compare with.
        "GAP": {0: 100, 2: 110, 3: 121},
        # The return of hour 1 is inside the window of hour 24 and outside that of hour 25.
        "EDGE": {0: 100, 1: 110, 23: 100, 24: 120, 25: 120},
        # Volatilities 0, 0 and 0.5: three times their mean.
        "WAKES": {0: 100, 1: 100, 2: 100, 3: 100, 4: 200},
        # Volatilities 0.0707 and 0.1: 1.17 times their mean.
        "GROWS": {0: 100, 1: 100, 2: 110, 3: 99},
        # Nothing moves.
        "CONSTANT": {0: 7.3, 1: 7.3, 2: 7.3, 3: 7.3},
        # Moves by the same factor every hour.
        "DOUBLES": {0: 1, 1: 2, 2: 4, 3: 8},
        # One candle.
        "ALONE": {5: 3},
    }
)


@pytest.fixture(scope="module")
def mart(spark: SparkSession) -> pd.DataFrame:
    return to_pandas(returns_1h(to_spark(spark, CASES)))


def column(mart: pd.DataFrame, coin: str, name: str) -> list[Any]:
    values = mart[mart["coin"] == coin].sort_values("open_timestamp")[name]
    return [None if pd.isna(value) else value for value in values]


def test_returns_by_hand_are_the_fraction_since_the_hour_before(mart: pd.DataFrame) -> None:
    assert column(mart, "STEPS", "prev_close") == [None, 100, 110, 99]
    assert column(mart, "STEPS", "return_pct") == [None, pytest.approx(0.1), pytest.approx(-0.1), 0.0]
    assert column(mart, "STEPS", "log_return")[1] == pytest.approx(0.0953101798043249)


def test_returns_after_a_missing_hour_are_null(mart: pd.DataFrame) -> None:
    assert column(mart, "GAP", "prev_close") == [None, None, 110]
    assert column(mart, "GAP", "return_pct") == [None, None, pytest.approx(0.1)]
    assert column(mart, "GAP", "observations_24h") == [0, 0, 1]


def test_volatility_of_two_returns_is_their_sample_deviation(mart: pd.DataFrame) -> None:
    # Two returns of +0.1 and -0.1: sqrt(0.02); a third of 0 brings it to 0.1.
    expected = [None, None, pytest.approx(0.1414213562373095), pytest.approx(0.1)]
    assert column(mart, "STEPS", "rolling_vol_24h") == expected
    assert column(mart, "STEPS", "observations_24h") == [0, 1, 2, 3]


def test_window_is_open_at_its_far_end(mart: pd.DataFrame) -> None:
    # Hour 24 sees 0.1 and 0.2, hour 25 sees 0.2 and 0.
    assert column(mart, "EDGE", "observations_24h") == [0, 1, 1, 2, 2]
    assert column(mart, "EDGE", "rolling_vol_24h")[3:] == [pytest.approx(0.0707106781), pytest.approx(0.1414213562)]


def test_regime_compares_with_the_mean_of_the_window(mart: pd.DataFrame) -> None:
    assert column(mart, "WAKES", "volatility_regime") == [None, None, "Low", "Low", "High"]
    assert column(mart, "GROWS", "volatility_regime") == [None, None, "Low", "Medium"]


@pytest.mark.parametrize("coin", ["CONSTANT", "DOUBLES"])
def test_volatility_of_equal_returns_is_exactly_zero(mart: pd.DataFrame, coin: str) -> None:
    assert column(mart, coin, "rolling_vol_24h") == [None, None, 0.0, 0.0]
    assert column(mart, coin, "volatility_regime") == [None, None, "Low", "Low"]


def test_drawdown_is_measured_from_the_highest_close_so_far(mart: pd.DataFrame) -> None:
    assert column(mart, "STEPS", "running_peak_price") == [100, 110, 110, 110]
    assert column(mart, "STEPS", "drawdown_pct") == [0, 0, pytest.approx(-0.1), pytest.approx(-0.1)]
    assert column(mart, "ALONE", "drawdown_pct") == [0]


def test_returns_have_the_contracts_columns_and_agree_with_the_oracle(mart: pd.DataFrame) -> None:
    assert tuple(mart.columns) == contract_of("mart_returns_1h").column_names
    assert_same_table(mart, oracle_returns(CASES), KEY)


PEAK = Highest("close_price", by=SERIES, time="open_timestamp")


def test_highest_keeps_the_earliest_of_equal_candles_in_spark_and_in_polars(spark: SparkSession) -> None:
    older = candles({"A": {0: 5, 1: 9, 2: 9, 3: 1}, "B": {0: 2, 1: 1}})
    in_spark = to_pandas(PEAK.of_frame(to_spark(spark, older)))
    in_polars = PEAK.of_scan(pl.from_pandas(older).lazy()).collect().to_pandas()
    for kept in (in_spark.sort_values("coin"), in_polars.sort_values("coin")):
        assert list(kept.columns) == list(older.columns)
        assert [*zip(kept["coin"], kept["open_timestamp"], kept["close_price"], strict=True)] == [
            ("A", hour(1), 9.0),
            ("B", hour(0), 2.0),
        ]


def test_returns_from_two_days_and_the_old_peak_equal_those_from_all_history(spark: SparkSession) -> None:
    generated = candles({"A": {n: 100 + (n * 7919 % 31) / 7 for n in range(120) if n % 17}})
    everything = to_spark(spark, generated)
    first_wanted, first_read = F.lit(hour(90)), F.lit(hour(90 - 47))
    older = everything.where(F.col("open_timestamp") < first_read)
    needed = everything.where(F.col("open_timestamp") >= first_read).unionByName(PEAK.of_frame(older))
    wanted = F.col("open_timestamp") >= first_wanted
    rebuilt, increment = (to_pandas(returns_1h(rows).where(wanted)) for rows in (everything, needed))
    pd.testing.assert_frame_equal(
        *(table.sort_values(KEY, ignore_index=True) for table in (rebuilt, increment)), check_exact=True
    )
