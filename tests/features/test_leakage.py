"""No leakage, proved: whatever candles after an instant are changed to, no feature known by then changes by a bit.

Exchanges share nothing, so each scenario of an example is an exchange of its own, and all are computed in one go: the
marts and the features by the same transforms that the pipelines use.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from features.market import MIN_OBSERVATIONS, REFERENCE, START, random_candles, rows_of
from hypothesis import given
from hypothesis import strategies as st
from law.effort import effort
from pyspark.sql import DataFrame, SparkSession

from klineforge.contracts.feature_catalogue import FEATURES
from klineforge.contracts.label_catalogue import LABELS
from klineforge.tables.breadth import market_breadth_1h
from klineforge.tables.correlations import correlations_1h
from klineforge.tables.features import features_1h
from klineforge.tables.indicators import indicators_1h
from klineforge.tables.labels import labels_1h
from klineforge.tables.returns import returns_1h
from klineforge.tables.volume import volume_metrics_1h

HOURS = 200
KEY = ["exchange", "coin", "available_at"]
# What the clock says is known before any candle.
CALENDAR = {spec.name for spec in FEATURES if spec.source == "available_at"}
TOLERANCES = {spec.name: spec.tolerance for spec in FEATURES if spec.tolerance is not None}
PRICES = ("open_price", "high_price", "low_price", "close_price")
NUMBERS = (*PRICES, "volume", "quote_volume", "taker_buy_volume")


@dataclass(frozen=True)
class Scenario:
    """What becomes of the candles from an hour on.

    Args:
        hour: Candles that open then or later are changed.
        share: Share of them that is: one at least.
        removed: Whether they go, instead of having other numbers.
        seed: Chooses and changes.
    """

    hour: int
    share: float
    removed: bool
    seed: int

    @property
    def name(self) -> str:
        """The exchange that stands for it."""
        return f"after-{self.hour}-{self.share}-{self.removed}-{self.seed}"

    def applied(self, candles: pl.DataFrame) -> pl.DataFrame:
        """The candles of one exchange, changed."""
        random = np.random.default_rng(self.seed)
        later = candles["open_timestamp"] >= START + timedelta(hours=self.hour)
        chosen = later & pl.Series(random.random(candles.height) < self.share)
        if not chosen.any():
            chosen = later
        if self.removed:
            return candles.filter(~chosen)
        factor = pl.Series(np.exp(random.normal(0, 0.5, candles.height)))
        moved = {name: pl.when(chosen).then(pl.col(name) * factor).otherwise(pl.col(name)) for name in NUMBERS}
        # A wider range, so that the candle stays one.
        wider = pl.when(chosen).then(pl.col("high_price") * 1.5).otherwise(pl.col("high_price"))
        return candles.with_columns(**moved).with_columns(high_price=wider)


# Spans of the hours from which on candles change: windows of a day are half full, full; those of a week are full.
SPANS = ((20, 40), (40, 160), (170, 185), (185, HOURS - 1))


def scenarios_of(seed: int) -> list[Scenario]:
    """One scenario per span; Hypothesis would try the simplest first, at hours that have no features yet."""
    random = np.random.default_rng(seed)
    removals = random.permutation([True, False, True, False])
    return [
        Scenario(int(random.integers(*span)), float(random.choice([0.02, 0.5, 1.0])), bool(removed), seed)
        for span, removed in zip(SPANS, removals, strict=True)
    ]


def one_exchange(seed: int) -> pl.DataFrame:
    return random_candles(seed, HOURS).filter(pl.col("exchange") == "binance")


def made_of(spark: SparkSession, candles: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Features and labels, by way of the marts."""

    def kept(frame: DataFrame) -> DataFrame:
        # Each table is computed once.
        return spark.createDataFrame(frame.toArrow().combine_chunks(), schema=frame.schema)

    fact = spark.createDataFrame(candles.to_arrow().combine_chunks())
    returns, volume = kept(returns_1h(fact)), kept(volume_metrics_1h(fact))
    correlations = kept(correlations_1h(fact, MIN_OBSERVATIONS))
    features = features_1h(
        fact,
        returns,
        volume,
        kept(indicators_1h(returns, volume, reference_coin=REFERENCE, min_observations=24)),
        correlations,
        kept(market_breadth_1h(returns, volume, correlations)),
        reference_coin=REFERENCE,
    )
    labels = labels_1h(returns, upper=1.0, lower=1.0, min_observations=MIN_OBSERVATIONS)
    return rows_of(features), rows_of(labels)


def of_exchange(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    return rows.filter(pl.col("exchange") == name).drop("exchange")


def columns_that_differ(one: pl.DataFrame, other: pl.DataFrame) -> set[str]:
    """Columns in which rows of the same key differ by a bit; the key itself where rows are missing."""
    if not one.select(KEY[1:]).equals(other.select(KEY[1:])):
        both = one.select(KEY[1:]).join(other.select(KEY[1:]), on=KEY[1:])
        missing = {"key"} if both.height < one.height or both.height < other.height else set()
        return missing | columns_that_differ(*(rows.join(both, on=KEY[1:], how="semi") for rows in (one, other)))
    return {name for name in one.columns if not _same(one[name], other[name])}


def _same(one: pl.Series, other: pl.Series) -> bool:
    if one.equals(other, null_equal=True):
        return True
    # Means over pairs are added up in the order of the files; all else has the same bits.
    allowed = TOLERANCES.get(one.name)
    if allowed is None or not one.is_null().equals(other.is_null()):
        return False
    return bool(((one - other).abs() <= allowed).all())


@effort(examples=1)
@given(seed=st.integers(0, 10**6))
def test_no_feature_known_at_an_instant_changes_with_candles_after_it(spark: SparkSession, seed: int) -> None:
    scenarios = scenarios_of(seed)
    whole = one_exchange(seed)
    # A candle that opens at the hour is the first that is not known when the hour begins.
    exchanges = [whole.with_columns(exchange=pl.lit("as it was"))]
    exchanges += [scenario.applied(whole).with_columns(exchange=pl.lit(scenario.name)) for scenario in scenarios]
    features, _ = made_of(spark, pl.concat(exchanges))
    before = of_exchange(features, "as it was")
    for scenario in scenarios:
        known = pl.col("available_at") <= START + timedelta(hours=scenario.hour)
        changed = of_exchange(features, scenario.name)
        assert columns_that_differ(before, changed) != set(), scenario
        assert columns_that_differ(before.filter(known), changed.filter(known)) == set(), scenario
    # What was compared holds every feature, not only nulls.
    compared = before.filter(pl.col("available_at") <= START + timedelta(hours=scenarios[-1].hour))
    assert {spec.name for spec in FEATURES if compared[spec.name].null_count() == compared.height} == set()


def test_every_feature_would_show_a_leak(spark: SparkSession) -> None:
    # The same changes seen an hour too early: every feature notices, so none passes the test above by standing still.
    whole = one_exchange(11)
    scenario = Scenario(hour=190, share=1.0, removed=False, seed=3)
    other = scenario.applied(whole)
    gone = Scenario(hour=190, share=0.3, removed=True, seed=3).applied(whole)
    exchanges = {"as it was": whole, "changed": other, "gone": gone}
    features, labels = made_of(
        spark, pl.concat(rows.with_columns(exchange=pl.lit(name)) for name, rows in exchanges.items())
    )
    before = of_exchange(features, "as it was")
    noticed = columns_that_differ(before, of_exchange(features, "changed"))
    # Counts see what is missing, not what is different.
    noticed |= columns_that_differ(before, of_exchange(features, "gone"))
    assert {spec.name for spec in FEATURES} - CALENDAR - noticed == set()
    # Labels do look ahead, which is what they are for: those known before the change are other ones after it.
    known = pl.col("available_at") <= START + timedelta(hours=scenario.hour)
    ahead = columns_that_differ(
        of_exchange(labels, "as it was").filter(known), of_exchange(labels, "changed").filter(known)
    )
    assert ahead >= {spec.name for spec in LABELS if spec.role == "label"} - {"forward_return_168h"}


@pytest.mark.parametrize("what", ["bit", "row"])
def test_difference_of_one_bit_or_row_is_found(what: str) -> None:
    rows = pl.DataFrame({"coin": ["A", "B"], "available_at": [START, START], "x": [0.1, 0.2]})
    other = rows.with_columns(x=pl.Series([0.1, np.nextafter(0.2, 1)])) if what == "bit" else rows.head(1)
    assert columns_that_differ(rows, other) == {"x" if what == "bit" else "key"}
