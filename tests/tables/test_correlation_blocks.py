"""The block engine against the window functions and against two passes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.frames import real_candles, to_pandas, to_spark
from pyspark.sql import SparkSession

from klineforge.kernels.correlation import WINDOW, exact, hourly_returns, rolling_correlations
from klineforge.tables.correlation_blocks import BLOCK_HOURS, correlations_1h_blocks
from klineforge.tables.correlations import correlations_1h

KEY = ["exchange", "base_coin", "related_coin", "open_timestamp"]


def assert_engines_agree(spark: SparkSession, history: pd.DataFrame, fewest: int) -> None:
    fact = to_spark(spark, history)
    blocks = to_pandas(correlations_1h_blocks(fact, fewest)).sort_values(KEY, ignore_index=True)
    windows = to_pandas(correlations_1h(fact, fewest)).sort_values(KEY, ignore_index=True)
    exact_columns = [*KEY, "observations_24h", "correlation_regime", "corr_breakdown_alerts", "year"]
    pd.testing.assert_frame_equal(blocks[exact_columns], windows[exact_columns])
    np.testing.assert_allclose(blocks["corr_24h"].astype(float), windows["corr_24h"].astype(float), atol=1e-9)


def test_engines_agree_on_real_candles_with_outages_and_late_listings(spark: SparkSession, shared_data: Path) -> None:
    coins = ("BTCUSDT", "ETHUSDT", "DOGEUSDT", "SOLUSDT", "AVAXUSDT")
    history = real_candles(shared_data, coins, datetime(2020, 8, 1, tzinfo=UTC), datetime(2021, 1, 10, tzinfo=UTC))
    assert_engines_agree(spark, history, 12)


def test_engines_agree_across_the_border_of_a_block(spark: SparkSession) -> None:
    generator = np.random.default_rng(5)
    border = datetime.fromtimestamp(650 * BLOCK_HOURS * 3600, tz=UTC)
    hours = pd.date_range(border - pd.Timedelta(hours=40), periods=80, freq="h", unit="us")
    frames = [
        pd.DataFrame(
            {
                "exchange": exchange,
                "coin": coin,
                "open_timestamp": hours,
                "close_price": 100 * np.exp(np.cumsum(generator.normal(0, 0.01, len(hours)))),
            }
        )[generator.random(len(hours)) > holes]
        for exchange in ("binance", "other")
        for coin, holes in (("A", 0.0), ("B", 0.2), ("C", 0.5))
    ]
    assert_engines_agree(spark, pd.concat(frames, ignore_index=True), 4)


SERIES = st.lists(
    st.one_of(
        st.sampled_from([0.0, 0.01, -0.01, 0.5, -0.9, 1e-12]),
        # No return of a market is smaller; squares of much smaller numbers underflow in any method.
        st.floats(-0.1, 0.1).map(lambda value: round(value, 12)),
        st.just(float("nan")),
    ),
    min_size=WINDOW + 6,
    max_size=WINDOW + 6,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(SERIES, min_size=3, max_size=3), st.integers(2, 24))
def test_kernel_equals_two_passes_for_every_pair_and_hour(series: list[list[float]], fewest: int) -> None:
    returns = np.array(series).T
    found = rolling_correlations(returns, fewest)
    for hour in range(returns.shape[0] - WINDOW + 1):
        window = returns[hour : hour + WINDOW]
        for one in range(3):
            for two in range(one + 1, 3):
                count = int((~np.isnan(window[:, one]) & ~np.isnan(window[:, two])).sum())
                assert found.observations[hour, one, two] == count
                wanted = exact(window[:, one], window[:, two]) if count >= fewest else float("nan")
                value = found.correlation[hour, one, two]
                assert np.isnan(value) == np.isnan(wanted)
                assert np.isnan(wanted) or value == pytest.approx(wanted, abs=1e-9)


def test_returns_of_the_grid_are_missing_where_a_close_is() -> None:
    close = np.array([[1.0], [2.0], [np.nan], [4.0], [6.0]])
    np.testing.assert_array_equal(hourly_returns(close)[:, 0], [np.nan, 1.0, np.nan, np.nan, 0.5])
