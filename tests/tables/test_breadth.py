"""Market breadth: cases by hand, random markets with gaps, real candles, and bits that no layout of rows changes."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from oracle.breadth import KEY, oracle_breadth
from oracle.comparison import assert_same_table
from oracle.correlations import oracle_correlations
from oracle.frames import hour, real_candles, to_pandas, to_spark, with_utc_microseconds
from oracle.marts import oracle_returns, oracle_volume
from pyspark.sql import SparkSession

from klineforge.contracts import contract_of
from klineforge.tables.breadth import market_breadth_1h
from klineforge.tables.correlations import correlations_1h
from klineforge.tables.returns import returns_1h
from klineforge.tables.volume import volume_metrics_1h

NOTHING = float("nan")
# exchange, coin, hour, return, close, VWAP
COINS = [
    ("binance", "UP", 0, 0.04, 12.0, 10.0),
    ("binance", "DOWN", 0, -0.02, 8.0, 10.0),
    # A close at the VWAP is not above it.
    ("binance", "FLAT", 0, 0.0, 10.0, 10.0),
    # A coin's first hour has no return but counts against the VWAP; a coin without trades the other way round.
    ("binance", "NEW", 0, NOTHING, 11.0, 10.0),
    ("binance", "QUIET", 0, 0.02, 5.0, NOTHING),
    # One coin, and it rose.
    ("binance", "UP", 1, 0.5, 20.0, 10.0),
    # Nothing to count at all.
    ("binance", "NEW", 2, NOTHING, 7.0, NOTHING),
    ("other", "DOWN", 0, -0.3, 8.0, 10.0),
]
# exchange, base, related, hour, correlation
PAIRS = [
    ("binance", "DOWN", "UP", 0, 0.5),
    ("binance", "FLAT", "UP", 0, -0.1),
    ("binance", "NEW", "UP", 0, NOTHING),
    ("other", "DOWN", "UP", 0, NOTHING),
]
Marts = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


def marts(coins: list[tuple[Any, ...]], pairs: list[tuple[Any, ...]]) -> Marts:
    """What breadth reads of the returns, the volumes and the correlations."""
    names = ["exchange", "coin", "open_timestamp", "return_pct", "close_price", "vwap_24h"]
    one = with_utc_microseconds(pd.DataFrame(coins, columns=names).assign(open_timestamp=_hours(coins)))
    names = ["exchange", "base_coin", "related_coin", "open_timestamp", "corr_24h"]
    two = with_utc_microseconds(pd.DataFrame(pairs, columns=names).assign(open_timestamp=_hours(pairs)))
    return one.drop(columns=["close_price", "vwap_24h"]), one.drop(columns="return_pct"), two


def _hours(rows: list[tuple[Any, ...]]) -> list[datetime]:
    return [hour(next(value for value in row if isinstance(value, int))) for row in rows]


def breadth(spark: SparkSession, inputs: Marts) -> pd.DataFrame:
    return to_pandas(market_breadth_1h(*(to_spark(spark, frame) for frame in inputs)))


@pytest.fixture(scope="module")
def mart(spark: SparkSession) -> pd.DataFrame:
    return breadth(spark, marts(COINS, PAIRS))


def figures(mart: pd.DataFrame, exchange: str, number: int, *names: str) -> list[Any]:
    (row,) = mart[(mart["exchange"] == exchange) & (mart["open_timestamp"] == hour(number))].to_dict("records")
    return [None if pd.isna(row[name]) else row[name] for name in names]


SIDES = ("coins_with_return", "advancers", "decliners", "unchanged", "advance_decline_ratio")
SPREAD = ("mean_return", "return_dispersion")


def test_breadth_counts_coins_by_the_sign_of_their_return(mart: pd.DataFrame) -> None:
    assert figures(mart, "binance", 0, *SIDES) == [4, 2, 1, 1, 2.0]


def test_breadth_ratio_without_decliners_is_null(mart: pd.DataFrame) -> None:
    assert figures(mart, "binance", 1, *SIDES) == [1, 1, 0, 0, None]
    assert figures(mart, "binance", 2, *SIDES) == [0, 0, 0, 0, None]
    assert figures(mart, "other", 0, *SIDES) == [1, 0, 1, 0, 0.0]


def test_breadth_spreads_returns_over_the_coins_that_have_one(mart: pd.DataFrame) -> None:
    # Around a mean of 0.01: squares of 3, 3, 1 and 1 hundredths over 3.
    assert figures(mart, "binance", 0, *SPREAD) == [pytest.approx(0.01), pytest.approx((0.0020 / 3) ** 0.5)]
    assert figures(mart, "binance", 1, *SPREAD) == [0.5, None]
    assert figures(mart, "binance", 2, *SPREAD) == [None, None]


def test_breadth_share_above_vwap_is_of_the_coins_that_have_one(mart: pd.DataFrame) -> None:
    assert figures(mart, "binance", 0, "coins_with_vwap", "share_above_vwap_24h") == [4, 0.5]
    assert figures(mart, "binance", 2, "coins_with_vwap", "share_above_vwap_24h") == [0, None]


def test_breadth_mean_correlation_leaves_out_pairs_without_one(mart: pd.DataFrame) -> None:
    assert figures(mart, "binance", 0, "pairs_with_correlation", "mean_corr_24h") == [2, pytest.approx(0.2)]
    # An hour without pairs, and one whose only pair has no correlation yet.
    assert figures(mart, "binance", 1, "pairs_with_correlation", "mean_corr_24h") == [0, None]
    assert figures(mart, "other", 0, "pairs_with_correlation", "mean_corr_24h") == [0, None]


def test_breadth_has_the_contracts_columns_and_agrees_with_the_oracle(mart: pd.DataFrame) -> None:
    assert tuple(mart.columns) == contract_of("mart_market_breadth_1h").column_names
    assert_same_table(mart, oracle_breadth(*marts(COINS, PAIRS)), KEY)


def random_marts(seed: int) -> Marts:
    """Two exchanges of nine coins over 60 hours, with missing hours, nulls, ties and a few huge returns."""
    random = np.random.default_rng(seed)
    names = [f"COIN{number}" for number in range(9)]
    coins, pairs = [], []
    for exchange in ("one", "two"):
        for number in range(60):
            here = [name for name in names if random.random() < number / 50]
            for name in here:
                change = random.choice(
                    [NOTHING, 0.0, random.normal(0, 0.02), random.normal(0, 1e3)], p=[0.1, 0.2, 0.6, 0.1]
                )
                close = random.exponential(100)
                average = random.choice([NOTHING, close, close * random.uniform(0.9, 1.1)], p=[0.1, 0.1, 0.8])
                coins.append((exchange, name, number, change, close, average))
            for base, related in combinations(here, 2):
                pairs.append((exchange, base, related, number, random.choice([NOTHING, random.uniform(-1, 1)])))
    return marts(coins, pairs)


def test_breadth_of_random_markets_agrees_with_the_oracle_on_every_row(spark: SparkSession) -> None:
    inputs = random_marts(20_221_108)
    expected = oracle_breadth(*inputs)
    assert len(expected) > 90
    # Only the ties that were put there are undecided, and those are equal to the last bit.
    assert_same_table(breadth(spark, inputs), expected.assign(undecided=False), KEY)


def test_breadth_has_the_same_bits_in_whatever_order_rows_are_laid_out(spark: SparkSession) -> None:
    inputs = random_marts(7)
    scattered = (to_spark(spark, frame.sample(frac=1, random_state=1)).repartition(5) for frame in inputs)
    one, other = (
        table.sort_values(KEY, ignore_index=True)
        for table in (breadth(spark, inputs), to_pandas(market_breadth_1h(*scattered)))
    )
    # The correlations it averages are themselves the same only within their tolerance.
    assert contract_of("mart_market_breadth_1h").columns[-1].tolerance == 1e-12
    pd.testing.assert_series_equal(one.pop("mean_corr_24h"), other.pop("mean_corr_24h"), rtol=0, atol=1e-12)
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_breadth_of_real_candles_agrees_with_the_oracle_on_every_row(spark: SparkSession, shared_data: Path) -> None:
    # SOLUSDT is listed within the first days, and four hours of the last ones have no candles.
    spans = [(datetime(2020, 8, 9, tzinfo=UTC), datetime(2020, 8, 14, tzinfo=UTC))]
    spans += [(datetime(2020, 12, 20, tzinfo=UTC), datetime(2020, 12, 23, tzinfo=UTC))]
    coins = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT")
    history = pd.concat([real_candles(shared_data, coins, *span) for span in spans], ignore_index=True)
    fact = to_spark(spark, history)
    found = to_pandas(market_breadth_1h(returns_1h(fact), volume_metrics_1h(fact), correlations_1h(fact, 12)))
    expected = oracle_breadth(oracle_returns(history), oracle_volume(history), oracle_correlations(history, 12))
    assert len(expected) == 8 * 24 - 4
    assert set(expected["coins_with_vwap"]) == {3, 4}
    assert_same_table(found, expected, KEY)
