"""Correlations: cases by hand, numerical torture, and independence from older history."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from oracle.comparison import assert_same_table
from oracle.correlations import KEY, oracle_correlations
from oracle.frames import candles, hour, to_pandas, to_spark
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from klineforge.contracts import contract_of
from klineforge.tables.correlations import correlations_1h

FEW = 3


def prices(start: float, returns: list[float]) -> dict[int, float]:
    """Closes of consecutive hours that have the returns, up to rounding."""
    return dict(enumerate(float(close) for close in start * np.cumprod([1.0, *(1 + change for change in returns)])))


def cases() -> pd.DataFrame:
    base = [0.1, -0.1, 0.2, 0.05, -0.05, 0.1]
    together = {
        # The same moves at another price, and the opposite moves.
        "same": {"A": prices(100, base), "B": prices(3, base), "C": prices(8, [-change for change in base])},
        # B does not move at all, C doubles every hour: neither varies.
        "flat": {"A": prices(100, base), "B": prices(7, [0] * 6), "C": prices(1, [1] * 6)},
        # B lacks hour 2, so hours 2 and 3 have no return of B, and hour 2 has no row.
        "hole": {"A": prices(100, base), "B": {n: close for n, close in prices(50, base).items() if n != 2}},
        # Together for four hours, then far apart: the correlation falls from 1 to less than a half.
        "break": {"A": prices(100, [*base[:4], 0.5]), "B": prices(100, [*base[:4], -0.5])},
    }
    return pd.concat([candles(coins).assign(exchange=name) for name, coins in together.items()], ignore_index=True)


@pytest.fixture(scope="module")
def mart(spark: SparkSession) -> pd.DataFrame:
    return to_pandas(correlations_1h(to_spark(spark, cases()), FEW))


def column(mart: pd.DataFrame, case: str, pair: str, name: str) -> list[Any]:
    rows = mart[(mart["exchange"] == case) & (mart["base_coin"] + mart["related_coin"] == pair)]
    return [None if pd.isna(value) else value for value in rows.sort_values("open_timestamp")[name]]


def test_correlation_of_equal_and_opposite_moves_is_one_and_minus_one(mart: pd.DataFrame) -> None:
    assert column(mart, "same", "AB", "corr_24h") == [None, None, None, *[pytest.approx(1)] * 4]
    assert column(mart, "same", "AC", "corr_24h") == [None, None, None, *[pytest.approx(-1)] * 4]
    assert column(mart, "same", "AC", "correlation_regime")[-1] == "High"
    assert mart["corr_24h"].abs().max() <= 1


def test_correlation_below_the_minimum_is_null_but_counted(mart: pd.DataFrame) -> None:
    assert column(mart, "same", "AB", "observations_24h") == [0, 1, 2, 3, 4, 5, 6]
    assert column(mart, "same", "AB", "correlation_regime")[:3] == [None, None, None]


@pytest.mark.parametrize("pair", ["AB", "AC", "BC"])
def test_correlation_with_a_side_that_does_not_vary_is_null(mart: pd.DataFrame, pair: str) -> None:
    assert column(mart, "flat", pair, "corr_24h") == [None] * 7
    assert column(mart, "flat", pair, "corr_breakdown_alerts") == [False] * 7


def test_pair_has_rows_only_where_both_coins_have_candles(mart: pd.DataFrame) -> None:
    hours = [stamp.to_pydatetime() for stamp in column(mart, "hole", "AB", "open_timestamp")]
    assert hours == [hour(n) for n in (0, 1, 3, 4, 5, 6)]
    # Hour 3 has a candle of B but no return.
    assert column(mart, "hole", "AB", "observations_24h") == [0, 1, 1, 2, 3, 4]


def test_alert_is_raised_when_a_correlation_changes_by_more_than_a_half(mart: pd.DataFrame) -> None:
    assert column(mart, "break", "AB", "corr_breakdown_alerts") == [False, False, False, False, False, True]


def test_pairs_of_different_exchanges_do_not_exist(mart: pd.DataFrame) -> None:
    assert set(mart["base_coin"] + mart["related_coin"]) == {"AB", "AC", "BC"}
    assert (mart["base_coin"] < mart["related_coin"]).all()


def test_correlations_have_the_contracts_columns_and_agree_with_the_oracle(mart: pd.DataFrame) -> None:
    assert tuple(mart.columns) == contract_of("mart_correlations").column_names
    assert_same_table(mart, oracle_correlations(cases(), FEW), KEY)


def torture() -> pd.DataFrame:
    noise = np.random.default_rng(20_200_312).normal(size=(4, 90))
    quiet, other, third, fourth = (1e-6 * row for row in noise)
    together = {
        # A rise to the millionfold, then hours that move by a millionth, in and out of the window.
        "huge": {
            "A": prices(1e-4, [*other[:9], 1e6, *quiet[:60]]),
            "B": prices(50, [*fourth[:9], *(third[:61] + quiet[:61])]),
        },
        # Two thousandfold rises in the same hour, quiet before and after.
        "shock": {"A": prices(1, [*quiet[:30], 1e3, *quiet[30:60]]), "B": prices(9, [*third[:30], 1e3, *other[:30]])},
        # A steady rise of one per cent with a wobble ten thousand times smaller.
        "nearly_flat": {
            "A": prices(10, list(0.01 + quiet[:60])),
            "B": prices(10, list(0.01 + quiet[:60] + third[:60])),
        },
        # The same with a wobble a million times smaller.
        "flatter": {"A": prices(10, list(0.01 + quiet[:60] / 100)), "B": prices(9, list(0.01 + third[:60] / 100))},
        # Dead for a day, one tick, dead again.
        "tick": {
            "A": prices(3, [*[0.0] * 30, 1e-8, *[0.0] * 29]),
            "B": prices(5, [*[0.0] * 28, 1e-8, 0.0, 2e-8, *[0.0] * 29]),
        },
    }
    return pd.concat([candles(coins).assign(exchange=name) for name, coins in together.items()], ignore_index=True)


def test_correlations_of_tortured_series_agree_with_two_passes_on_every_row(spark: SparkSession) -> None:
    tortured = torture()
    expected = oracle_correlations(tortured)
    assert expected["corr_24h"].notna().groupby(expected["exchange"]).sum().min() > 20
    assert_same_table(to_pandas(correlations_1h(to_spark(spark, tortured), 12)), expected, KEY)


def test_correlations_from_twenty_five_hours_equal_those_from_all_history(spark: SparkSession) -> None:
    everything = to_spark(spark, torture())
    needed = everything.where(F.col("open_timestamp") >= F.lit(hour(50 - 25)))
    wanted = F.col("open_timestamp") >= F.lit(hour(50))
    rebuilt, increment = (to_pandas(correlations_1h(rows, 12).where(wanted)) for rows in (everything, needed))
    pd.testing.assert_frame_equal(
        *(table.sort_values(KEY, ignore_index=True) for table in (rebuilt, increment)), check_exact=True
    )
