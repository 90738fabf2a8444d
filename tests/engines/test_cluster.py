"""Every derived table comes out the same on a standalone cluster, by spark-submit, as on a Spark of our own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from engines.standalone import SPARK, cluster

from klineforge.contracts import CONTRACTS
from klineforge.spark.jars import delta_jars

ROOT = Path(__file__).resolve().parents[2]
DERIVED = ("silver", "gold", "marts")


def call(*command: str, cwd: Path, **environment: str) -> str:
    known = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment}
    done = subprocess.run(command, cwd=cwd, env=known, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def submit(master: str, lake: Path, folder: Path) -> str:
    """What docs/clusters.md tells the reader to do."""
    jars = os.pathsep.join(map(str, delta_jars()))
    settings = {
        "spark.driver.extraClassPath": jars,
        "spark.executor.extraClassPath": jars,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.executor.memory": "512m",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.shuffle.partitions": "2",
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.ui.enabled": "false",
    }
    options = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    job = [str(ROOT / "scripts" / "cluster_job.py"), "--env", "demo", "--conf-source", str(ROOT / "conf")]
    job += ["--pipelines", ",".join(DERIVED), "--params", f"lake={lake}"]
    command = [str(SPARK / "bin" / "spark-submit"), "--master", master, *options, *job]
    return call(*command, cwd=folder, PYSPARK_PYTHON=sys.executable, SPARK_HOME=str(SPARK))


def rows(lake: Path, name: str) -> pl.DataFrame:
    """A table with the last digits cut off, which depend on the order of additions; lists as text."""
    read = pl.read_delta(str(lake / CONTRACTS[name].layer / name))
    lists = [column for column, kind in read.schema.items() if kind == pl.List(pl.String)]
    return read.with_columns(
        pl.col(pl.Float64).round_sig_figs(8).replace(0.0, 0.0), *(pl.col(column).list.join(",") for column in lists)
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_standalone_cluster_builds_the_same_tables(tmp_path: Path) -> None:
    local, shared = tmp_path / "local", tmp_path / "shared"
    start = (datetime.now(UTC) - timedelta(days=6)).date()
    asked = f"lake={local},coins=BTCUSDT ETHUSDT,start={start}"
    call(sys.executable, "-m", "kedro", "run", "--env", "demo", "--params", asked, cwd=ROOT)
    shutil.copytree(local / "bronze", shared / "bronze")
    with cluster(tmp_path) as master:
        submit(master, shared, tmp_path)
        executors = list(tmp_path.glob("worker-*/app-*/*/stderr"))
    assert {file.relative_to(tmp_path).parts[0] for file in executors} == {"worker-1", "worker-2"}
    derived = [name for name, contract in CONTRACTS.items() if contract.layer in DERIVED]
    assert len(derived) > 10
    for name in derived:
        here, there = rows(shared, name), rows(local, name)
        assert here.columns == there.columns
        assert here.height == there.height, name
        assert here.join(there, on=here.columns, how="anti", nulls_equal=True).is_empty(), name
