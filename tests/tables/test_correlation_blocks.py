"""The block engine and the stream of rows against the window functions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from oracle.frames import real_candles, to_pandas, to_spark
from pyspark.sql import SparkSession

from klineforge.kernels.correlation_rows import correlation_rows
from klineforge.tables.correlation_blocks import BLOCK_HOURS, correlations_1h_blocks
from klineforge.tables.correlations import correlations_1h

KEY = ["exchange", "base_coin", "related_coin", "open_timestamp"]


def assert_engines_agree(spark: SparkSession, history: pd.DataFrame, fewest: int) -> None:
    fact = to_spark(spark, history)
    blocks = to_pandas(correlations_1h_blocks(fact, fewest)).sort_values(KEY, ignore_index=True)
    windows = to_pandas(correlations_1h(fact, fewest)).sort_values(KEY, ignore_index=True)
    stream = correlation_rows(pa.Table.from_pandas(history), fewest).read_pandas().sort_values(KEY, ignore_index=True)
    exact_columns = [*KEY, "observations_24h", "correlation_regime", "corr_breakdown_alerts", "year"]
    for found in (blocks, stream):
        pd.testing.assert_frame_equal(found[exact_columns], windows[exact_columns])
        np.testing.assert_allclose(found["corr_24h"].astype(float), windows["corr_24h"].astype(float), atol=1e-9)


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
                # In the middle of the span, which is the border of the block for one, A and C name another asset.
                "listing_seq": 1 + (np.arange(len(hours)) >= anew),
                "open_timestamp": hours,
                "close_price": 100 * np.exp(np.cumsum(generator.normal(0, 0.01, len(hours)))),
            }
        )[generator.random(len(hours)) > holes]
        for exchange in ("binance", "other")
        for coin, holes, anew in (("A", 0.0, 40), ("B", 0.2, 80), ("C", 0.5, 30), ("D", 0.0, 80))
    ]
    assert_engines_agree(spark, pd.concat(frames, ignore_index=True), 4)
