"""The proof that a lake obeys the law: every table against the oracle, or against a rebuild, and nothing left to do."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd
import polars as pl
from law.comparison import differences
from law.expected import candles_for_oracles, canonical, expected_silver_and_gold
from law.lake import BARRIERS, DERIVED, FEATURES_READ, KLINES, MIN_OBSERVATIONS, REFERENCE_COIN, Lake, from_scratch
from oracle import breadth
from oracle import correlations as pairs
from oracle import marts as singles
from oracle.comparison import assert_same_table
from oracle.indicators import oracle_indicators
from pyspark.sql import SparkSession

from klineforge.contracts.catalogue_rows import catalogue_rows
from klineforge.quality import feature_figures, label_figures
from klineforge.quality.comparison import compared


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
    _assert_features_again(lake, names, wanted["fact_1h_klines"], {name: table for name, (table, _) in marts.items()})


def _assert_features_again(
    lake: Lake, names: Collection[str], fact: pl.DataFrame, marts: Mapping[str, pd.DataFrame]
) -> None:
    """The tables for models equal what polars makes of the oracles' marts."""
    tables = {name: pl.from_pandas(rows.drop(columns="undecided", errors="ignore")) for name, rows in marts.items()}
    # Tables that have no oracle of their own here are taken as the lake has them.
    tables = {table: lake.read(table) for table in FEATURES_READ.values() if table not in tables} | tables
    read = {argument: tables[table] for argument, table in FEATURES_READ.items()}
    again = {
        "features_1h": (lambda: features_of(**(read | {"candles": fact})), feature_figures.FIGURES),
        "labels_1h": (lambda: labels_of(tables["mart_returns_1h"]), label_figures.FIGURES),
    }
    for name in again.keys() & set(names):
        made, by = again[name]
        wrong = [found for found in compared(name, made(), lake.read(name).lazy(), by) if not found.holds]
        assert not wrong, wrong
    if "feature_catalogue" in names:
        assert lake.read("feature_catalogue").to_dicts() == catalogue_rows()


def features_of(**tables: pl.DataFrame) -> pl.DataFrame:
    """``features_1h`` by polars."""
    inputs = feature_figures.Inputs(**{name: table.lazy() for name, table in tables.items()})
    return feature_figures.features_again(inputs, REFERENCE_COIN)


def labels_of(returns: pl.DataFrame) -> pl.DataFrame:
    """``labels_1h`` by polars."""
    return label_figures.labels_again(returns.lazy(), label_figures.Barriers(*BARRIERS, MIN_OBSERVATIONS))


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
