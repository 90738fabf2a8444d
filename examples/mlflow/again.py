"""What a run in MLflow is good for later: the same training set, and the model on the newest features.

    python examples/mlflow/again.py LAKE STORE

STORE is the folder that ``kedro run`` wrote to.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import mlflow
import polars as pl

from klineforge.ml import TrainingSet, latest_features


def main(lake: str, store: str) -> None:
    """Rebuild the training set of the newest run, bit for bit, and score the newest features with its model."""
    mlflow.set_tracking_uri(f"sqlite:///{Path(store).resolve()}/mlflow.db")
    [run] = mlflow.search_runs(experiment_names=["klineforge"], max_results=1, output_format="list")
    manifest = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="manifest.json")
    training = TrainingSet.rebuild(manifest, lake=lake)
    print(f"rebuilt {training.X.height:,} rows, {training.manifest.content_hash}")
    model = mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/model")
    newest = latest_features(lake, names=training.manifest.features)
    values = newest.select(pl.col(training.manifest.features).cast(pl.Float64)).to_numpy()
    chances = newest.select("coin", "available_at", rises=pl.Series(model.predict_proba(values)[:, 1]))
    for coin, known, chance in chances.rows():
        print(f"{coin} at {known:%Y-%m-%d %H:%M}: rises within 24 h with {chance:.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake")
    parser.add_argument("store")
    given = parser.parse_args()
    main(given.lake, given.store)
