"""The catalogue of features and labels is whole: each entry says what it rests on, and no feature looks ahead."""

from __future__ import annotations

from collections import Counter

import pytest

from klineforge.contracts.feature_catalogue import FEATURES
from klineforge.contracts.feature_spec import FeatureSpec
from klineforge.contracts.features import FEATURES_1H, LABELS_1H
from klineforge.contracts.label_catalogue import LABEL_ENDS, LABELS

SPECS = {spec.name: spec for spec in FEATURES}
WANTED = (
    *("log_return_1h", "log_return_6h", "log_return_24h", "log_return_168h", "volatility_24h", "volatility_168h"),
    *("parkinson_24h", "garman_klass_24h", "volume_ratio_24h", "taker_imbalance_1h", "taker_imbalance_24h"),
    *(
        "vwap_deviation_24h",
        "rsi_14",
        "beta_720h",
        "drawdown",
        "momentum_rank_24h",
        "momentum_rank_168h",
        "market_return_1h",
    ),
    *("market_return_24h", "corr_btc_24h", "mean_corr_24h", "market_advancers_1h", "hour_of_week"),
)


def test_catalogue_has_what_is_expected_of_it_once() -> None:
    assert set(WANTED) <= set(SPECS)
    assert Counter(spec.name for spec in (*FEATURES, *LABELS)).most_common(1)[0][1] == 1


def test_no_feature_looks_ahead_and_every_label_does() -> None:
    assert {spec.name for spec in FEATURES if spec.horizon_hours} == set()
    assert {spec.role for spec in FEATURES} == {"feature", "count"}
    assert {spec.name for spec in LABELS if (spec.horizon_hours == 0) != (spec.role == "label_scale")} == set()


@pytest.mark.parametrize("spec", [spec for spec in FEATURES if spec.count_column], ids=lambda spec: spec.name)
def test_feature_rests_on_a_count_of_its_own_window(spec: FeatureSpec) -> None:
    count = SPECS[str(spec.count_column)]
    assert (count.role, count.window_hours) == ("count", spec.window_hours)


@pytest.mark.parametrize("spec", FEATURES, ids=lambda spec: spec.name)
def test_feature_says_how_far_it_reads_and_when_it_is_null(spec: FeatureSpec) -> None:
    assert (spec.lookback_hours is None) == (spec.window_hours is None)
    assert spec.unit
    assert spec.formula.endswith(".")
    if spec.role == "count" or spec.source == "available_at":
        assert spec.null_rule is None
    if spec.minimum is not None:
        assert spec.null_rule, "a minimum makes nulls"


def test_every_label_has_its_end_time_and_both_are_null_together() -> None:
    by_name = {spec.name: spec for spec in LABELS}
    assert set(LABEL_ENDS) == {spec.name for spec in LABELS if spec.role == "label"}
    for label, end in LABEL_ENDS.items():
        assert by_name[end].role == "label_end"
        assert by_name[end].dtype == "TIMESTAMP"
        assert by_name[end].horizon_hours == by_name[label].horizon_hours


@pytest.mark.parametrize(("contract", "specs"), [(FEATURES_1H, FEATURES), (LABELS_1H, LABELS)])
def test_tables_for_models_are_keyed_by_the_instant_a_row_is_known(contract: object, specs: tuple[FeatureSpec]) -> None:
    assert contract.grain == ("exchange", "coin", "available_at")
    assert contract.time_column == contract.grain[-1]
    assert contract.is_time_series
    assert not any(column.nullable for column in contract.columns if column.name in contract.grain)
    assert contract.constraints["known_at_close"] == "available_at = open_timestamp + INTERVAL '1' HOUR"
    assert [column.name for column in contract.columns][5:] == [spec.name for spec in specs]


def test_features_and_labels_share_no_column_but_the_key() -> None:
    shared = {column.name for column in FEATURES_1H.columns} & {column.name for column in LABELS_1H.columns}
    assert shared == {"exchange", "coin", "available_at", "open_timestamp", "listing_seq"}
