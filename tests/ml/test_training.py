"""Training sets: what they hold, and that they can be made again to the bit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from deltalake import DeltaTable
from ml.lake import COINS, FIRST, HOURS, features, labels, write, write_lake
from ml.panels import HOUR
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_val_score

from klineforge.contracts.feature_catalogue import FEATURES
from klineforge.contracts.features import FEATURES_1H
from klineforge.errors import ConfigurationError, ContractError, VersionGoneError
from klineforge.ml import PurgedWalkForward, TrainingSet, asof_join, load_features, training_set
from klineforge.ml.manifest import content_hash, read_manifest

LABEL = "forward_return_24h"


def test_rows_are_decided_labels_with_the_features_known_then(invented_lake: Path) -> None:
    made = training_set(invented_lake, label=LABEL)
    expected = (
        labels(0, HOURS)
        .filter(pl.col(LABEL).is_not_null())
        .join(features(0, HOURS), on=["coin", "available_at"])
        .sort("available_at", "coin")
    )
    assert made.X.columns == [spec.name for spec in FEATURES if spec.role == "feature"]
    assert made.X.equals(expected.select(made.X.columns))
    assert made.y.to_list() == expected[LABEL].to_list()
    assert made.t0.to_list() == expected["available_at"].to_list()
    assert (made.t1 - made.t0).unique().to_list() == [24 * HOUR]
    assert made.groups.equals(expected.select("exchange", "coin"))
    assert made.manifest.rows == expected.height == 3 * (HOURS - 24)
    assert made.manifest.undecided == 3 * 24


def test_training_set_is_what_the_as_of_join_gives(invented_lake: Path) -> None:
    made = training_set(invented_lake, label="triple_barrier_24h", features="rsi_14 drawdown", coins="BTCUSDT")
    spine = pl.DataFrame({"asof": made.t0}).hstack(made.groups)
    joined = asof_join(spine, load_features(invented_lake, names="rsi_14 drawdown"))
    assert joined.select("rsi_14", "drawdown").equals(made.X)
    assert (joined["feature_available_at"] == joined["asof"]).all()


def test_training_set_comes_apart_into_four(invented_lake: Path) -> None:
    X, y, times, manifest = training_set(invented_lake, label=LABEL, start="2026-01-01", kind="pandas")  # noqa: N806
    assert len(X) == len(y) == times.height == manifest.rows
    assert times.columns == ["t0", "t1"]
    assert str(times["t0"].min()) == "2026-01-01 00:00:00+00:00"


@pytest.mark.parametrize("kind", ["polars", "pandas", "arrow"])
def test_models_take_the_arrays_of_any_kind(invented_lake: Path, kind: Any) -> None:
    made = training_set(invented_lake, label=LABEL, kind=kind)
    values, y = made.numpy()
    assert (values.dtype, values.shape) == (np.float64, (made.manifest.rows, len(made.manifest.features)))
    rsi = features(0, HOURS).sort("available_at", "coin")["rsi_14"].head(values.shape[0])
    np.testing.assert_array_equal(values[:, made.manifest.features.index("rsi_14")], rsi.fill_null(np.nan).to_numpy())
    assert np.isfinite(y).all()


def test_training_set_is_made_again_to_the_bit_after_new_commits(tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake", 60)
    first = training_set(lake, label=LABEL, features=["rsi_14", "is_weekend", "day_of_week"], start="2025-12-30")
    first.manifest.save(tmp_path / "manifest.json")
    write_lake(lake, 40, first_hour=60)
    DeltaTable(lake / "features" / "features_1h").update(updates={"rsi_14": "1.0"}, predicate="coin = 'BTCUSDT'")
    now = training_set(lake, label=LABEL, features=["rsi_14", "is_weekend", "day_of_week"], start="2025-12-30")
    assert now.manifest.content_hash != first.manifest.content_hash
    for given in (first.manifest, first.manifest.to_json(), tmp_path / "manifest.json"):
        again = TrainingSet.rebuild(given)
        assert again.X.equals(first.X)
        assert again.X["rsi_14"].to_numpy().tobytes() == first.X["rsi_14"].to_numpy().tobytes()
        assert again.y.equals(first.y)
        assert again.times.equals(first.times)
        assert again.manifest.to_json() == first.manifest.to_json()
    versions = {name: table.version for name, table in first.manifest.tables.items()}
    assert versions == {"features_1h": 0, "labels_1h": 0}
    assert {name: table.version for name, table in now.manifest.tables.items()} == {"features_1h": 2, "labels_1h": 1}
    asked = training_set(
        lake, label=LABEL, features=list(first.X.columns), start="2025-12-30", version=0, labels_version=0
    )
    assert asked.manifest.content_hash == first.manifest.content_hash


def test_lake_that_was_moved_is_named_when_a_training_set_is_made_again(tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake", 40)
    made = training_set(lake, label="forward_return_1h")
    moved = lake.rename(tmp_path / "elsewhere")
    assert TrainingSet.rebuild(made.manifest, moved).X.equals(made.X)
    with pytest.raises(ConfigurationError, match="there is no lake at"):
        TrainingSet.rebuild(made.manifest)


def test_training_set_whose_versions_are_gone_is_refused(tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake", 40)
    manifest = training_set(lake, label="forward_return_1h").manifest
    table = DeltaTable(lake / "features" / "features_1h")
    table.delete("coin = 'BTCUSDT'")
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    with pytest.raises(VersionGoneError, match="version 0 of features_1h cannot be read any more"):
        TrainingSet.rebuild(manifest)
    shutil.rmtree(lake / "features" / "features_1h")
    write(lake, FEATURES_1H, features(0, 40))
    with pytest.raises(VersionGoneError, match="features_1h was made anew since"):
        TrainingSet.rebuild(manifest)


def test_training_set_that_comes_out_otherwise_is_refused(invented_lake: Path) -> None:
    manifest = training_set(invented_lake, label=LABEL).manifest
    content = json.loads(manifest.to_json())
    content["content_hash"] = "sha256:0"
    with pytest.raises(ContractError, match="differs from its manifest: expected sha256:0, found sha256:.* klineforge"):
        TrainingSet.rebuild(content)


@pytest.mark.parametrize(
    ("given", "message"),
    [("no such file", "cannot be read"), ("{}", "has format None, expected 1"), ('{"format": 1}', "cannot be read")],
)
def test_manifest_that_is_none_is_refused(given: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_manifest(given)


def test_content_hash_notices_bits_nulls_names_types_and_order() -> None:
    one = {"a": pl.Series([0.0, 1.0, None]), "b": pl.Series(["x", "y", None])}
    others = [
        {"a": pl.Series([-0.0, 1.0, None]), "b": one["b"]},
        {"a": pl.Series([0.0, 1.0, 0.0]), "b": one["b"]},
        {"a": pl.Series([0.0, None, 1.0]), "b": one["b"]},
        {"c": one["a"], "b": one["b"]},
        {"b": one["b"], "a": one["a"]},
        {"a": one["a"], "b": pl.Series(["x", "z", None])},
        {"a": one["a"], "b": pl.Series(["y", "x", None])},
        {"a": one["a"].cast(pl.Float32), "b": one["b"]},
    ]
    same = {"a": pl.concat([pl.Series([0.0]), pl.Series([1.0, None])], rechunk=False), "b": one["b"]}
    assert content_hash(same) == content_hash(one)
    assert len({content_hash(columns) for columns in (one, *others)}) == len(others) + 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"label": "forward_return_2h"}, "unknown label forward_return_2h: did you mean forward_return_24h"),
        ({"label": LABEL, "features": "triple_barrier_24h"}, "triple_barrier_24h look ahead"),
        ({"label": LABEL, "coins": "NOUSDT"}, "unknown coins NOUSDT"),
        ({"label": LABEL, "kind": "lazy"}, "kind must be one of polars, pandas, arrow, found 'lazy'"),
        ({"label": LABEL, "labels_version": 3}, "labels_1h has no version 3"),
    ],
)
def test_training_set_refuses_what_it_cannot_give(invented_lake: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        training_set(invented_lake, **arguments)


def test_model_of_permuted_labels_is_no_better_than_chance(invented_lake: Path) -> None:
    made = training_set(invented_lake, label=LABEL)
    values, y = made.numpy()
    splitter = PurgedWalkForward(3, test=36 * HOUR, embargo=12 * HOUR, t0=made.t0, t1=made.t1)
    # A feature that knows the answer shows that the harness would notice one.
    answer = np.column_stack([values, y > 0])
    model = HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=7, random_state=0)
    knowing = cross_val_score(model, answer, y > 0, cv=splitter, scoring="roc_auc")
    permuted = np.random.default_rng(0).permutation(y > 0)
    chance = cross_val_score(model, answer, permuted, cv=splitter, scoring="roc_auc")
    assert knowing.min() == 1.0
    # Some 108 rows per period: the standard error of an AUC of 0.5 is about 0.06, that of their mean 0.03.
    assert abs(chance.mean() - 0.5) < 0.1
    naive = cross_val_score(DummyClassifier(), values, y > 0, cv=splitter, scoring="roc_auc")
    assert naive.tolist() == [0.5] * 3
    assert made.t0.min() > FIRST
    assert len(COINS) == 3
