"""The proof that a lake obeys the law: every table against the oracle, or against a rebuild, and nothing left to do."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl
from law.comparison import differences
from law.expected import candles_for_oracles, canonical, expected_silver_and_gold
from law.lake import DERIVED, KLINES, MIN_OBSERVATIONS, REFERENCE_COIN, Lake, from_scratch
from oracle import breadth
from oracle import correlations as pairs
from oracle import marts as singles
from oracle.comparison import assert_same_table
from oracle.indicators import oracle_indicators
from pyspark.sql import SparkSession


def assert_equals_rebuild(lake: Lake, spark: SparkSession) -> None:
    """Every derived table, every row and column, equals the same formulas applied to the whole of bronze at once."""
    wanted = from_scratch(lake, spark)
    wrong = [line for name in DERIVED for line in differences(lake.read(name), wanted[name], name)]
    assert not wrong, "\n".join(wrong)


def assert_equals_oracle(lake: Lake, names: Collection[str] = DERIVED) -> None:
    """Derived tables equal what plain Python makes of the records that bronze was given; starts no query."""
    assert lake.read(KLINES).height == len(lake.held), "bronze lost a record or holds one twice"
    wanted = expected_silver_and_gold(lake.held, lake.symbols)
    wrong = [
        line
        for name, rows in wanted.items()
        if name in names
        for line in differences(_comparable(lake.read(name), name), rows, name)
    ]
    assert not wrong, "\n".join(wrong)
    candles = candles_for_oracles(wanted["fact_1h_klines"])
    returns, volume = singles.oracle_returns(candles), singles.oracle_volume(candles)
    correlations = pairs.oracle_correlations(candles, MIN_OBSERVATIONS)
    marts = {
        "mart_returns_1h": (returns, singles.KEY),
        "mart_volume_metrics_1h": (volume, singles.KEY),
        "mart_top_movers": (singles.oracle_movers(returns, volume), singles.KEY),
        "mart_correlations": (correlations, pairs.KEY),
        "mart_market_breadth_1h": (breadth.oracle_breadth(returns, volume, correlations), breadth.KEY),
        "mart_indicators_1h": (
            oracle_indicators(returns, volume, REFERENCE_COIN, MIN_OBSERVATIONS),
            singles.KEY,
        ),
    }
    for name in marts.keys() & set(names):
        assert_same_table(lake.read(name).to_pandas(), *marts[name])


def assert_nothing_left_to_do(lake: Lake) -> None:
    """A run with nothing new commits nothing."""
    before = lake.versions()
    outcomes = lake.derive()
    assert {name: outcome.action for name, outcome in outcomes.items()} == dict.fromkeys(DERIVED, "unchanged")
    assert lake.versions() == before


def _comparable(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    if name != "quarantine_klines":
        return rows
    record = pl.col("record").map_elements(canonical, return_dtype=pl.String)
    return rows.with_columns(pl.col("reasons").list.sort(), record)
