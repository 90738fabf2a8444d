"""The examples run on a small lake; their packages are no dependency, so they may not be there."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from klineforge.ml import TrainingSet

RUN = Path(__file__).resolve().parents[2] / "scripts" / "run_examples.py"


def run_example(name: str, lake: Path, work: Path) -> str:
    """Run an example as ``make examples`` does.

    Returns:
        All it printed.
    """
    if not (Path(sys.prefix) / name).is_dir():
        pytest.skip(f"the packages of examples/{name} are not installed; make example-packages does")
    command = [sys.executable, str(RUN), "--only", name, "--lake", str(lake), "--work", str(work)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_mlflow_holds_what_a_training_set_is_made_again_from(demo_lake: Path, tmp_path: Path) -> None:
    said = run_example("mlflow", demo_lake, tmp_path)
    with sqlite3.connect(tmp_path / "mlflow" / "mlflow.db") as store:
        tags = dict(store.execute("SELECT key, value FROM tags").fetchall())
        metrics = store.execute("SELECT key, COUNT(*), MIN(value), MAX(value) FROM metrics GROUP BY key").fetchall()
    assert {name: count for name, count, _, _ in metrics} == {"test.auc": 4, "test.auc_momentum": 4}
    assert all(0 < low < high < 1 for _, _, low, high in metrics)
    [manifest] = (tmp_path / "mlflow" / "artifacts").glob("*/artifacts/manifest.json")
    made_of = json.loads(manifest.read_text(encoding="utf-8"))
    # The packages here are others than MLflow's: the same bits all the same.
    assert TrainingSet.rebuild(manifest, lake=demo_lake).manifest.content_hash == made_of["content_hash"]
    assert tags["features_1h.version"] == str(made_of["tables"]["features_1h"]["version"])
    assert tags["training_set.content_hash"] == made_of["content_hash"]
    assert f"rows, {made_of['content_hash']}" in said
    assert "rises within 24 h with" in said


@pytest.mark.slow
def test_feast_joins_as_asof_join_does(demo_lake: Path, tmp_path: Path) -> None:
    said = run_example("feast", demo_lake, tmp_path)
    assert "Created feature view features_1h" in said
    assert "features x 2,000 instants are the same" in said


def test_example_without_its_packages_names_the_command(tmp_path: Path) -> None:
    # Another prefix is an environment without the packages.
    program = "import runpy, sys; sys.prefix = sys.argv.pop(); runpy.run_path(sys.argv.pop(), run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", program, str(RUN), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "mlflow and feast are not installed; run: make example-packages" in done.stderr


def test_lake_without_features_is_told_in_words(small_lake: Path, tmp_path: Path) -> None:
    for name in ("mlflow", "feast"):
        (tmp_path / name).mkdir()
    program = "import runpy, sys; sys.prefix = sys.argv.pop(1); runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    command = [sys.executable, "-c", program, str(tmp_path), str(RUN), "--lake", str(small_lake)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "make it with: kedro run --env demo --pipeline features" in done.stderr
    assert "Traceback" not in done.stderr
