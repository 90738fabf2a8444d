"""Random markets for the tests of features and labels: candles, and the tables that are made of them, without Spark."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations

import numpy as np
import polars as pl
from pyspark.sql import DataFrame, SparkSession

from klineforge.quality import coin_figures, pair_figures
from klineforge.quality.comparison import Comparison, compared
from klineforge.quality.feature_figures import Inputs

START = datetime(2021, 12, 27, tzinfo=UTC)
COINS = ("AAAUSDT", "BTCUSDT", "CCCUSDT", "DDDUSDT")
REFERENCE = "BTCUSDT"
RENAMED = ("CCCUSDT", 150)
"""From that hour on the coin names another asset."""
MIN_OBSERVATIONS = 12


def random_candles(seed: int, hours: int, *, gaps: float = 0.02) -> pl.DataFrame:
    """``fact_1h_klines`` of four coins on one exchange and two on another.

    Coins begin at different hours; hours are missing, alone and for days; some have no trades, no taker volumes or the
    same price as before.

    Args:
        seed: Decides everything.
        hours: How many there are.
        gaps: Share of hours that are missing by themselves.
    """
    random = np.random.default_rng(seed)
    frames = []
    for exchange, coins in (("binance", COINS), ("other", COINS[:2])):
        for number, coin in enumerate(coins):
            made = _series(random, hours).with_columns(exchange=pl.lit(exchange), coin=pl.lit(coin))
            first, hole = number * 5, int(random.integers(0, hours))
            is_there = pl.Series(random.random(hours) >= gaps) & (pl.Series(range(hours)) >= first)
            is_there &= (
                ~pl.Series(range(hours)).is_between(hole, hole + 30) if number == 3 else pl.Series([True] * hours)
            )
            frames.append(made.filter(is_there))
    from_hour = START + timedelta(hours=RENAMED[1])
    renamed = (pl.col("coin") == RENAMED[0]) & (pl.col("open_timestamp") >= from_hour)
    return pl.concat(frames).with_columns(listing_seq=pl.when(renamed).then(2).otherwise(1).cast(pl.Int32))


def _series(random: np.random.Generator, hours: int) -> pl.DataFrame:
    moves = random.choice([0.0, 0.0, 1.0, -1.0, 5.0], hours) * random.normal(0, 0.01, hours)
    close = 100 * np.exp(np.cumsum(moves))
    opened = np.concatenate([[100.0], close[:-1]])
    above, below = np.exp(np.abs(random.normal(0, 0.004, (2, hours))))
    volume = random.choice([0.0, 1.0, 5.5, 400.0], hours, p=[0.2, 0.3, 0.3, 0.2])
    bought = pl.Series(volume * random.random(hours))
    told = pl.Series(random.random(hours) > 0.1)
    return pl.DataFrame(
        {
            "open_timestamp": pl.Series([START + timedelta(hours=hour) for hour in range(hours)]).cast(
                pl.Datetime("us", "UTC")
            ),
            "open_price": opened,
            "high_price": np.maximum(opened, close) * above,
            "low_price": np.minimum(opened, close) / below,
            "close_price": close,
            "volume": volume,
            "quote_volume": volume * close,
            "taker_buy_volume": pl.select(pl.when(told).then(bought)).to_series(),
        }
    )


def tables_of(candles: pl.DataFrame) -> Inputs:
    """The tables that features are made from, by code that shares nothing with the recipes."""
    fact = candles.lazy()
    returns, volume = coin_figures.returns_again(fact), coin_figures.volume_again(fact)
    pairs = [
        (exchange, *pair)
        for (exchange,), rows in candles.group_by("exchange")
        for pair in combinations(sorted(rows["coin"].unique()), 2)
    ]
    correlations = pair_figures.correlations_again(fact, pairs, MIN_OBSERVATIONS)
    breadth = pair_figures.breadth_again(returns.lazy(), volume.lazy(), correlations.lazy())
    return Inputs(
        candles=fact,
        returns=returns.lazy(),
        volume=volume.lazy(),
        indicators=indicators_of(candles).lazy(),
        correlations=correlations.lazy(),
        breadth=breadth.lazy(),
    )


def indicators_of(candles: pl.DataFrame) -> pl.DataFrame:
    """Stands for ``mart_indicators_1h``, which has tests of its own: each column a figure of its candle alone."""
    close, volume = pl.col("close_price"), pl.col("volume")
    return candles.select(
        "exchange",
        "coin",
        "open_timestamp",
        rsi_14=close % 1 * 100,
        vwap_deviation=pl.when(volume > 0).then(close % 1 - 0.5),
        share_above_vwap_24h=close % 0.5 * 2,
        vwap_observations_24h=(close % 24).cast(pl.Int32),
        trend_persistence_24h=pl.when(close % 1 > 0.2).then(close % 1),
        trend_run_hours=(close % 7).cast(pl.Int32) - 3,
        efficiency_ratio_24h=close % 1,
        volume_ratio_30d=volume / 100,
        observations_720h=(close % 720).cast(pl.Int32),
        beta_720h=close % 3 - 1,
        beta_observations_720h=(close % 720).cast(pl.Int32),
    )


def in_spark(tables: Inputs, spark: SparkSession) -> dict[str, DataFrame]:
    """The tables as Spark frames, as arguments of the transform."""
    signed = pl.selectors.unsigned_integer().cast(pl.Int32)
    return {
        name: spark.createDataFrame(table.with_columns(signed).collect().to_arrow().combine_chunks())
        for name, table in vars(tables).items()
    }


def rows_of(frame: DataFrame) -> pl.DataFrame:
    """All rows of a Spark frame, in the order of their key, without the partition's year."""
    return pl.DataFrame(frame.toArrow()).sort("exchange", "coin", "available_at").drop("year")


def require_same(name: str, found: pl.DataFrame, wanted: pl.DataFrame, by: Comparison) -> None:
    """Assert that two versions of a table are the same as far as a comparison goes."""
    wrong = [finding for finding in compared(name, wanted, found.lazy(), by) if not finding.holds]
    assert not wrong, differing_columns(found, wanted, by)


def differing_columns(found: pl.DataFrame, wanted: pl.DataFrame, by: Comparison) -> dict[str, object]:
    """The columns in which rows of the same key differ, with the first such pair, and how many keys are alone."""
    keys = list(by.key)
    both = found.join(wanted, on=keys, suffix=" wanted")
    columns = {
        name: both.filter(pl.col(name).ne_missing(pl.col(f"{name} wanted"))).select(*keys, name, f"{name} wanted")
        for name in (*by.figures, *by.exact)
    }
    alone = found.height + wanted.height - 2 * both.height
    return {"alone": alone, **{name: rows.head(2).rows() for name, rows in columns.items() if rows.height}}
