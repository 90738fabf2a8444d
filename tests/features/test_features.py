"""Features: cases by hand, and random markets of which every figure is computed a second time by other code."""

from __future__ import annotations

import pytest
from features.market import REFERENCE, in_spark, random_candles, require_same, rows_of, tables_of
from pyspark.sql import SparkSession

from klineforge.quality.feature_figures import FIGURES, features_again
from klineforge.tables.features import features_1h

HOURS = 400


@pytest.mark.parametrize("seed", [1])
def test_features_of_random_markets_agree_with_a_second_computation(spark: SparkSession, seed: int) -> None:
    tables = tables_of(random_candles(seed, HOURS))
    found = rows_of(features_1h(**in_spark(tables, spark), reference_coin=REFERENCE))
    require_same("features_1h", found, features_again(tables, REFERENCE), FIGURES)
