"""Export ``features_1h``, apply the repo definition, and compare Feast's join with ``klineforge.ml.asof_join``.

    python examples/feast/run.py LAKE STORE

STORE is a folder that gets the exported file, the registry and the online store.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from feast import FeatureStore
from feast.repo_config import load_repo_config
from feast.repo_operations import apply_total

from klineforge.ml import asof_join, feature_catalog, load_features

REPO = Path(__file__).resolve().parent / "feature_repo"
MAX_AGE = timedelta(hours=2)
INSTANTS = 2_000


def export(lake: str, store: Path) -> pl.DataFrame:
    """Write the newest version of the table as one parquet file; Feast's quick store cannot read Delta offline."""
    features: pl.DataFrame = load_features(lake, kind="polars")
    features.sort("exchange", "coin", "available_at").write_parquet(store / "features_1h.parquet")
    return features


def apply() -> FeatureStore:
    """What ``feast apply`` does in the folder of the repo definition."""
    sys.path.insert(0, str(REPO))
    apply_total(load_repo_config(REPO, REPO / "feature_store.yaml"), REPO, skip_source_validation=False)
    return FeatureStore(repo_path=str(REPO))


def random_spine(features: pl.DataFrame, instants: int = INSTANTS, seed: int = 0) -> pl.DataFrame:
    """Random coins at random instants: most within an hour, some on the hour, some before or after all history."""
    random = np.random.default_rng(seed)
    series = features.select("exchange", "coin").unique().sort("exchange", "coin")
    first, last = features["available_at"].min(), features["available_at"].max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    minutes = random.integers(-300, int((last - first) / timedelta(minutes=1)) + 300, instants)
    # A third of them at the very minute a candle closes, where it matters whether "at or before" is meant.
    minutes = np.where(np.arange(instants) % 3 == 0, minutes // 60 * 60, minutes)
    moments = pl.Series("asof", [first + timedelta(minutes=int(number)) for number in minutes])
    rows = series[random.integers(0, series.height, instants).tolist()]
    return rows.with_columns(moments.cast(pl.Datetime("us", "UTC")))


def joined_by_feast(store: FeatureStore, spine: pl.DataFrame) -> pl.DataFrame:
    """The spine with every feature as Feast has it, in the spine's order."""
    numbered = spine.rename({"asof": "event_timestamp"}).with_row_index("row")
    names = [f"features_1h:{spec.name}" for spec in feature_catalog()]
    found = store.get_historical_features(entity_df=numbered.to_pandas(), features=names).to_arrow()
    return pl.DataFrame(found).sort("row")


def differences(ours: pl.DataFrame, theirs: pl.DataFrame) -> list[str]:
    """Features that are not the same in every row, nulls included."""
    return [
        spec.name
        for spec in feature_catalog()
        if not ours[spec.name].eq_missing(theirs[spec.name].cast(ours.schema[spec.name])).all()
    ]


def main(lake: str, folder: str) -> int:
    """Run the example.

    Returns:
        1 when a feature of the two joins differs; else 0.
    """
    place = Path(folder).resolve()
    place.mkdir(parents=True, exist_ok=True)
    os.environ["KLINEFORGE_FEAST"] = str(place)
    features = export(str(Path(lake).resolve()), place)
    store = apply()
    spine = random_spine(features)
    ours, theirs = asof_join(spine, features, max_age=MAX_AGE), joined_by_feast(store, spine)
    without = ours["feature_available_at"].null_count()
    different = differences(ours, theirs)
    if different:
        print(f"Feast and asof_join differ in {', '.join(different)}")
        return 1
    print(f"{len(feature_catalog())} features x {spine.height:,} instants are the same, {without} of them without any")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake")
    parser.add_argument("store")
    given = parser.parse_args()
    sys.exit(main(given.lake, given.store))
