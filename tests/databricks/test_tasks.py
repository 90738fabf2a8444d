"""Every task of the daily and the hourly job, by its exact command, builds what one ``kedro run`` builds.

The commands are read out of the generated YAML, their variables replaced as a deployment replaces them, and each is a
process of its own: ``klineforge-job`` of the wheel, installed into a fresh environment, in an empty folder. What a
workspace has and this machine has not is replaced:

- serverless compute by a Spark Connect server with Delta, found by ``SPARK_REMOTE``;
- Unity Catalog by that server's ``spark_catalog`` (``--var catalog=spark_catalog``), the schema by ``CREATE SCHEMA``;
- ``/Volumes`` by a folder, and primary keys, whose SQL is Databricks' own, by none, in the deployed configuration;
- Binance by the demo exchange, with few coins and days and a fixed end, likewise;
- secrets by none: ``secret_scope`` keeps its default, empty;
- the requirements of the wheel by those of the checkout; ``run_if``, retries and notifications by nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from engines.workspace import CATALOG, ROOT, DeployedBundle, connect_server, environment_with_wheel
from law.comparison import differences

from klineforge.contracts import CONTRACTS

COINS = ("BTCUSDT", "ETHUSDT", "FTMBNB")
DAYS = 20
# When and by which run a row came, and from which of several sources that tell the same.
COMING = {"ingestion_ts", "batch_id", "source_kind", "source_uri", "sha256", "source_sha256", "source_row"}
# Archives tell the end of an hour to the microsecond, REST to the millisecond; the stage keeps what was told.
AS_TOLD = {("stage_binance_klines", "close_timestamp")}
# The demo has no gaps and refuses nothing in these days.
MAY_BE_EMPTY = {"quarantine_klines", "kline_gaps"}


def call(*command: str | Path, cwd: Path, **variables: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "SPARK_REMOTE"}}
    done = subprocess.run(command, cwd=cwd, env={**inherited, **variables}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout + done.stderr


class Workspace:
    """A deployed bundle, the programs of its environment, the server, and how far the market has come."""

    def __init__(self, folder: Path, server: str) -> None:
        self.folder, self.server = folder, server
        self.start = f"{datetime.now(UTC) - timedelta(days=DAYS):%Y-%m-%d}"
        call(sys.executable, ROOT / "scripts" / "databricks_bundle.py", "--output", folder / "bundles", cwd=ROOT)
        bundle = folder / "bundles" / "serverless"
        self.programs = environment_with_wheel(folder / "environment", next((bundle / "dist").glob("*.whl")))
        self.bundle = DeployedBundle(bundle, folder, "dev", {"catalog": CATALOG})
        self.bundle.use_demo_exchange()
        self.empty = folder / "empty"
        self.empty.mkdir()
        statement = f"CREATE SCHEMA {CATALOG}.{self.bundle.schema}"
        python = f"from pyspark.sql import SparkSession as S; S.builder.getOrCreate().sql({statement!r})"
        call(self.programs / "python", "-c", python, cwd=self.empty, SPARK_REMOTE=server)

    def run(self, job: str, until: str) -> int:
        """Run a job, task by task; how many there were."""
        self.bundle.set_parameters({"coins": list(COINS), "start": self.start, "end": until})
        done: set[str] = set()
        for key, parameters, before in self.bundle.tasks(job):
            assert done.issuperset(before), f"{key} stands before what it waits for"
            call(self.programs / "klineforge-job", *parameters, cwd=self.empty, SPARK_REMOTE=self.server)
            done.add(key)
        return len(done)

    @property
    def tables(self) -> Path:
        """Where the server keeps the schema's tables, each in a folder of its name."""
        return self.folder / "warehouse" / f"{self.bundle.schema}.db"


def rows(folder: Path, name: str) -> pl.DataFrame:
    """What a table says, without how it came where that is no key."""
    contract = CONTRACTS[name]
    left_out = (COMING | {column for table, column in AS_TOLD if table == name}) - set(contract.grain)
    return pl.read_delta(str(folder)).select(column for column in contract.column_names if column not in left_out)


def assert_same_tables(schema: Path, lake: Path) -> None:
    """Every derived table of the schema has the rows of the lake's."""
    wrong = []
    for name, contract in CONTRACTS.items():
        if contract.layer in {"silver", "gold", "marts", "features"}:
            wanted = rows(lake / contract.layer / name, name)
            assert wanted.height > 0 or name in MAY_BE_EMPTY, name
            wrong += differences(rows(schema / name, name), wanted, name)
    assert not wrong, "\n".join(wrong)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("workspace")
    with connect_server(folder) as server:
        yield Workspace(folder, server)


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.timeout(2400)
def test_tasks_one_by_one_build_what_one_run_builds(workspace: Workspace, tmp_path: Path) -> None:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    ends = [f"{midnight - timedelta(hours=hours):%Y-%m-%dT%H:%M:%S}" for hours in (7, 0)]
    where = call(
        *(workspace.programs / "python", "-c", "import klineforge; print(klineforge.__file__)"), cwd=workspace.empty
    )
    assert where.startswith(str(workspace.programs.parent)), "expected the package out of the wheel"
    lake, start = tmp_path / "lake", workspace.start
    assert workspace.run("daily", ends[0]) > 20
    assert workspace.run("incremental", ends[1]) > 20
    asked = f"lake={lake},coins={' '.join(COINS)},start={start},end={ends[1]}"
    for pipeline in ("__default__,features", "quality", "alerts"):
        call(
            *(sys.executable, "-m", "kedro", "run", "--env", "demo"),
            *("--pipelines", pipeline, "--params", asked),
            cwd=ROOT,
        )
    assert_same_tables(workspace.tables, lake)
    results = rows(workspace.tables / "quality_results", "quality_results")
    assert results["rows_checked"].sum() > 0
    assert results.filter(pl.col("severity") == "error")["rows_failed"].sum() == 0
