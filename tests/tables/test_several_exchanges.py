"""Every mart of two exchanges' candles holds for each exchange exactly the rows it would hold for that one alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import pandas as pd
import pytest
from oracle.frames import candles, to_pandas, to_spark
from pyspark.sql import DataFrame, SparkSession

from klineforge.contracts import contract_of
from klineforge.kernels.correlation_rows import correlation_rows
from klineforge.tables.breadth import market_breadth_1h
from klineforge.tables.correlation_blocks import correlations_1h_blocks
from klineforge.tables.correlations import correlations_1h
from klineforge.tables.movers import top_movers
from klineforge.tables.returns import returns_1h
from klineforge.tables.volume import volume_metrics_1h

HOURS = 60
# Two coins are listed on both, at prices a thousandfold apart, with other hours missing.
EXCHANGES = {"one": (("AAA", "BBB", "CCC"), 1e3), "two": (("AAA", "BBB", "DDD"), 1.0)}


def streamed(candles: DataFrame) -> DataFrame:
    """The correlations by the engine that needs no Spark."""
    return candles.sparkSession.createDataFrame(correlation_rows(candles.toArrow(), 6).read_all())


# Name of the mart or of its engine: its transform and the tables that are its arguments.
MARTS: dict[str, tuple[Callable[..., DataFrame], tuple[str, ...]]] = {
    "mart_returns_1h": (returns_1h, ("fact",)),
    "mart_volume_metrics_1h": (volume_metrics_1h, ("fact",)),
    "mart_top_movers": (top_movers, ("mart_returns_1h", "mart_volume_metrics_1h")),
    "mart_correlations": (partial(correlations_1h, min_observations=6), ("fact",)),
    "mart_correlations in blocks": (partial(correlations_1h_blocks, min_observations=6), ("fact",)),
    "mart_correlations as a stream": (streamed, ("fact",)),
    "mart_market_breadth_1h": (
        market_breadth_1h,
        ("mart_returns_1h", "mart_volume_metrics_1h", "mart_correlations"),
    ),
}
Tables = Mapping[str, pd.DataFrame]


def fact() -> pd.DataFrame:
    """Candles of both exchanges in no order."""
    random = np.random.default_rng(20_211_110)
    parts = []
    for exchange, (coins, price) in EXCHANGES.items():
        closes, volumes = {}, {}
        for coin in coins:
            walk = price * np.exp(np.cumsum(random.normal(0, 0.02, HOURS)))
            closes[coin] = {n: close for n, close in enumerate(walk) if random.random() < 0.85}
            volumes[coin] = {n: price * random.exponential() for n in closes[coin]}
        parts.append(candles(closes, volumes).assign(exchange=exchange))
    return pd.concat(parts).sample(frac=1, random_state=1)


def marts(spark: SparkSession, history: pd.DataFrame) -> Tables:
    """Every mart of a history."""
    frames, tables = {"fact": to_spark(spark, history)}, {}
    for name, (transform, inputs) in MARTS.items():
        tables[name] = to_pandas(transform(*(frames[table] for table in inputs)))
        # Held in memory, so that the next mart's query does not compute this one again.
        frames[name] = to_spark(spark, tables[name])
    return tables


@pytest.fixture(scope="module")
def together(spark: SparkSession) -> Tables:
    return marts(spark, fact())


@pytest.fixture(scope="module")
def alone(spark: SparkSession) -> dict[str, Tables]:
    history = fact()
    return {exchange: marts(spark, history[history["exchange"] == exchange]) for exchange in EXCHANGES}


@pytest.mark.parametrize("mart", MARTS)
@pytest.mark.parametrize("exchange", EXCHANGES)
def test_exchange_beside_another_has_the_rows_it_has_alone(
    together: Tables, alone: dict[str, Tables], mart: str, exchange: str
) -> None:
    key = list(contract_of(mart.partition(" ")[0]).grain)
    mixed = together[mart]
    found = mixed[mixed["exchange"] == exchange].sort_values(key, ignore_index=True)
    expected = alone[exchange][mart].sort_values(key, ignore_index=True)
    assert len(expected) >= HOURS - 5
    if "mean_corr_24h" in expected:
        # A mean over rows in no order: its last bits are not part of the promise.
        pd.testing.assert_series_equal(found.pop("mean_corr_24h"), expected.pop("mean_corr_24h"), rtol=0, atol=1e-12)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


@pytest.mark.parametrize("mart", MARTS)
def test_exchanges_together_have_no_rows_besides_those_of_each(
    together: Tables, alone: dict[str, Tables], mart: str
) -> None:
    assert len(together[mart]) == sum(len(tables[mart]) for tables in alone.values())
