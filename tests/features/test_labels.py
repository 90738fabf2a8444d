"""Labels: cases by hand, and random markets of which every label is computed a second time by other code."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from features.market import START, in_spark, random_candles, require_same, rows_of, tables_of
from pyspark.sql import SparkSession

from klineforge.quality.label_figures import FIGURES, Barriers, labels_again
from klineforge.tables.labels import labels_1h

DAY = 24
# One volatility of 24 h, as a natural log.
WIDTH = 0.1
VOLATILITY = WIDTH / math.sqrt(DAY)
UP, DOWN = 100 * math.exp(2 * WIDTH), 100 * math.exp(-WIDTH)
HOURS = 26


def path(**closes: float) -> dict[int, float | None]:
    """Closes of 26 hours, 100 where nothing else is said; ``h3=90`` is the fourth. None is an hour without a candle."""
    return {hour: closes.get(f"h{hour}", 100.0) for hour in range(HOURS)}


# Each coin begins at 100; barriers are two widths above and one below.
PATHS: dict[str, dict[int, float | None]] = {
    "UP": path(h3=UP + 1e-9, h5=DOWN - 1),
    "DOWN": path(h4=DOWN - 1e-9, h5=UP + 1),
    # At a barrier counts as having reached it.
    "AT": path(h24=UP + 1e-9),
    # Neither within 24 hours: the 25th does not count.
    "NEITHER": path(h7=DOWN + 1, h24=101.0, h25=UP + 50),
    # It would have gone up at once, but an hour of the day is missing.
    "HOLE": path(h1=UP + 1, h9=None),
    # Another asset takes the name in the middle of the day.
    "REUSED": path(),
    # Too few returns before; the price stood still before.
    "YOUNG": path(h1=UP + 1),
    "STILL": path(h1=UP + 1),
}
BEFORE = {"YOUNG": (11, VOLATILITY), "STILL": (24, 0.0)}


def returns() -> pl.DataFrame:
    rows = [
        {
            "exchange": "binance",
            "coin": coin,
            "listing_seq": 2 if coin == "REUSED" and hour >= 20 else 1,
            "open_timestamp": START + timedelta(hours=hour),
            "close_price": close,
            "observations_24h": BEFORE.get(coin, (24, VOLATILITY))[0],
            "rolling_vol_24h": BEFORE.get(coin, (24, VOLATILITY))[1],
        }
        for coin, closes in PATHS.items()
        for hour, close in closes.items()
        if close is not None
    ]
    return pl.DataFrame(rows).with_columns(pl.col("open_timestamp").cast(pl.Datetime("us", "UTC")))


@pytest.fixture(scope="module")
def labels(spark: SparkSession) -> pl.DataFrame:
    frame = spark.createDataFrame(returns().to_arrow())
    return rows_of(labels_1h(frame, upper=2.0, lower=1.0, min_observations=12))


def first(labels: pl.DataFrame, coin: str) -> dict[str, Any]:
    """The label of a coin's first hour."""
    (row,) = labels.filter((pl.col("coin") == coin) & (pl.col("open_timestamp") == START)).to_dicts()
    return row


def after(hours: int) -> datetime:
    """When the candle closes that opened so many hours after the first."""
    return START + timedelta(hours=hours + 1)


@pytest.mark.parametrize(
    ("coin", "label", "move", "end"),
    [
        ("UP", 1, 2 * WIDTH, 3),
        ("DOWN", -1, -WIDTH, 4),
        ("AT", 1, 2 * WIDTH, 24),
        ("NEITHER", 0, math.log(1.01), 24),
    ],
)
def test_triple_barrier_ends_at_the_first_close_beyond_a_barrier(
    labels: pl.DataFrame, coin: str, label: int, move: float, end: int
) -> None:
    row = first(labels, coin)
    assert (row["triple_barrier_24h"], row["triple_barrier_end_24h"]) == (label, after(end))
    assert row["triple_barrier_return_24h"] == pytest.approx(move, abs=1e-9)
    assert row["triple_barrier_width_24h"] == pytest.approx(WIDTH)


@pytest.mark.parametrize("coin", ["HOLE", "REUSED", "YOUNG", "STILL"])
def test_triple_barrier_of_a_path_that_is_not_known_is_null(labels: pl.DataFrame, coin: str) -> None:
    row = first(labels, coin)
    assert [row[f"triple_barrier{what}_24h"] for what in ("", "_return", "_end")] == [None] * 3
    assert (row["triple_barrier_width_24h"] is None) == (coin in BEFORE)


def test_forward_return_is_null_until_its_hour_has_closed(labels: pl.DataFrame) -> None:
    row = first(labels, "NEITHER")
    assert row["forward_return_24h"] == pytest.approx(math.log(1.01))
    assert row["forward_end_24h"] == after(24)
    assert (row["forward_return_168h"], row["forward_end_168h"]) == (None, None)
    # The last two hours of all have no whole day after them.
    last = labels.filter(pl.col("coin") == "NEITHER")["triple_barrier_24h"].tail(DAY)
    assert last.to_list() == [None] * DAY


def test_forward_return_leads_from_close_to_close_and_never_across_a_hole_or_a_listing(labels: pl.DataFrame) -> None:
    assert first(labels, "UP")["forward_return_1h"] == 0.0
    assert first(labels, "HOLE")["forward_return_1h"] == pytest.approx(math.log((UP + 1) / 100))
    hole = labels.filter((pl.col("coin") == "HOLE") & (pl.col("open_timestamp") == START + timedelta(hours=3)))
    assert hole["forward_return_6h"].to_list() == [None]
    reused = labels.filter((pl.col("coin") == "REUSED") & (pl.col("open_timestamp") == START + timedelta(hours=19)))
    assert reused["forward_return_1h"].to_list() == [None]


def test_labels_of_random_markets_agree_with_a_second_computation(spark: SparkSession) -> None:
    tables = tables_of(random_candles(5, 300))
    found = rows_of(labels_1h(in_spark(tables, spark)["returns"], upper=1.5, lower=0.5, min_observations=12))
    require_same("labels_1h", found, labels_again(tables.returns, Barriers(1.5, 0.5)), FIGURES)
    assert set(found["triple_barrier_24h"]) == {-1, 0, 1, None}
    assert found["forward_return_168h"].null_count() < found.height
