"""Every mart against the oracle on real candles with real gaps, and on generated ones."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracle import correlations as pairs
from oracle import marts as singles
from oracle.comparison import assert_same_table
from oracle.frames import candles, real_candles, to_pandas, to_spark
from pyspark.sql import SparkSession

from klineforge.tables.correlations import correlations_1h
from klineforge.tables.movers import top_movers
from klineforge.tables.returns import returns_1h
from klineforge.tables.volume import volume_metrics_1h


def assert_marts_agree(spark: SparkSession, history: pd.DataFrame, min_observations: int = 12) -> None:
    fact = to_spark(spark, history)
    returns, volume = singles.oracle_returns(history), singles.oracle_volume(history)
    assert_same_table(to_pandas(returns_1h(fact)), returns, singles.KEY)
    assert_same_table(to_pandas(volume_metrics_1h(fact)), volume, singles.KEY)
    found = to_pandas(top_movers(returns_1h(fact), volume_metrics_1h(fact)))
    assert_same_table(found, singles.oracle_movers(returns, volume), singles.KEY)
    expected = pairs.oracle_correlations(history, min_observations)
    assert_same_table(to_pandas(correlations_1h(fact, min_observations)), expected, pairs.KEY)


def test_marts_of_real_candles_agree_with_the_oracle_on_every_row(spark: SparkSession, shared_data: Path) -> None:
    # SOLUSDT and AVAXUSDT are listed within the span, and the exchange is out three times.
    coins = ("BTCUSDT", "ETHUSDT", "DOGEUSDT", "SOLUSDT", "AVAXUSDT")
    history = real_candles(shared_data, coins, datetime(2020, 6, 15, tzinfo=UTC), datetime(2020, 12, 31, tzinfo=UTC))
    assert history.groupby("coin").size().nunique() == 3
    assert_marts_agree(spark, history)


PRICES = st.sampled_from(["walk", "ticks", "steps", "constant", "crash"])
COIN = st.tuples(st.integers(0, 2**32 - 1), PRICES, st.floats(0, 0.6), st.integers(1, 70))


@settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(market=st.lists(st.lists(COIN, min_size=1, max_size=3), min_size=8, max_size=8), fewest=st.integers(2, 24))
def test_marts_of_generated_candles_agree_with_the_oracle_on_every_row(
    spark: SparkSession, market: list[list[tuple[int, str, float, int]]], fewest: int
) -> None:
    exchanges = [
        generated({f"COIN{position}": coin for position, coin in enumerate(coins)}).assign(exchange=f"exchange{number}")
        for number, coins in enumerate(market)
    ]
    assert_marts_agree(spark, pd.concat(exchanges, ignore_index=True), fewest)


def generated(coins: dict[str, tuple[int, str, float, int]]) -> pd.DataFrame:
    """Candles of coins given by seed, kind of price, share of missing hours, and length."""
    closes, volumes = {}, {}
    for name, (seed, kind, missing, length) in coins.items():
        random = np.random.default_rng(seed)
        present = [n for n in range(length) if random.random() >= missing] or [0]
        series = _prices(random, kind, length)
        closes[name] = {n: series[n] for n in present}
        volumes[name] = {n: float(random.choice([0, 1, 2, random.exponential(1e6)])) for n in present}
    return candles(closes, volumes)


def _prices(random: np.random.Generator, kind: str, length: int) -> list[float]:
    if kind == "walk":
        return list(np.exp(np.cumsum(random.normal(0, 0.02, length))) * 100)
    if kind == "ticks":
        return list(1 + 0.0001 * random.integers(-2, 3, length))
    if kind == "steps":
        return list(2.0 ** np.cumsum(random.integers(-1, 2, length)))
    if kind == "crash":
        return [1e6 if n < length // 2 else 1e-6 * (1 + 0.01 * random.random()) for n in range(length)]
    return [3.7] * length
