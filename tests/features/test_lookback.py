"""What the catalogue says of how far a feature reads is enough: older candles may go without changing it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest
from features.market import REFERENCE, START, random_candles, tables_of

from klineforge.contracts.feature_catalogue import FEATURES
from klineforge.contracts.feature_spec import FeatureSpec
from klineforge.quality.feature_figures import features_again
from klineforge.quality.indicator_figures import indicators_again

HOURS, FORGOTTEN, NEEDED = 1700, 200, 24
KEY = ["exchange", "coin", "available_at"]
LIMITED = [spec for spec in FEATURES if spec.lookback_hours is not None]


def made_of(candles: pl.DataFrame) -> pl.DataFrame:
    """Features of candles, by code that shares nothing with the recipes."""
    tables = tables_of(candles)
    indicators = indicators_again(tables.returns, tables.volume, REFERENCE, NEEDED)
    return features_again(replace(tables, indicators=indicators.lazy()), REFERENCE)


@pytest.fixture(scope="module")
def both() -> pl.DataFrame:
    """Features of all candles beside those of candles whose first hours are forgotten."""
    candles = random_candles(4, HOURS)
    kept = candles.filter(pl.col("open_timestamp") >= START + timedelta(hours=FORGOTTEN))
    return made_of(candles).join(made_of(kept), on=KEY, suffix=" forgetful", how="inner").sort(KEY)


def differing(both: pl.DataFrame, name: str, lookback: int) -> int:
    """Rows with as much history as a feature reads in which it is another one all the same."""
    reached = both.filter(pl.col("open_timestamp") >= START + timedelta(hours=FORGOTTEN + lookback))
    assert reached[name].null_count() < reached.height
    one, other = reached[name], reached[f"{name} forgetful"]
    if one.dtype.is_float():
        is_other = (one.is_null() != other.is_null()) | ((one - other).abs() > 1e-9).fill_null(value=False)
        return int(is_other.sum())
    return int(one.ne_missing(other).sum())


@pytest.mark.parametrize("spec", LIMITED, ids=lambda spec: spec.name)
def test_candles_older_than_the_lookback_do_not_matter(both: pl.DataFrame, spec: FeatureSpec) -> None:
    assert differing(both, spec.name, int(spec.lookback_hours or 0)) == 0


@pytest.mark.parametrize("name", ["log_return_24h", "volatility_168h", "share_above_vwap_24h", "beta_720h", "rsi_14"])
def test_lookback_that_is_too_short_is_found(both: pl.DataFrame, name: str) -> None:
    window = {spec.name: spec.window_hours for spec in FEATURES}[name]
    assert differing(both, name, int(window or 0) - 2) > 0
