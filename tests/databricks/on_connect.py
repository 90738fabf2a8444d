"""Derive every layer on a Spark Connect server, into tables by name, and print what differs from a lake in a folder.

A process of its own: Spark Connect and a local Spark cannot share one.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import polars as pl
from kedro.framework.project import configure_project, pipelines
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from klineforge.contracts import CONTRACTS
from klineforge.datasets.coverage import IngestionCoverageDataset
from klineforge.datasets.delta_table import DeltaTableDataset
from klineforge.lake.journal import JOURNAL
from klineforge.lake.scanning import scan_table
from klineforge.pipelines.features.nodes import LabelOptions
from klineforge.pipelines.marts.nodes import CorrelationOptions, IndicatorOptions
from klineforge.spark import session as spark_session
from klineforge.spark.jars import delta_jars
from klineforge.spark.options import RUNTIME_SETTINGS

SCHEMA = "klineforge_connect"
DERIVED = ("silver", "gold", "marts", "features")


def connect(folder: Path) -> Any:
    """A Connect server with Delta in this process's charge, taken for the platform's session."""
    from pyspark.sql import SparkSession

    start = {
        "spark.driver.extraClassPath": os.pathsep.join(str(jar) for jar in delta_jars()),
        "spark.driver.defaultJavaOptions": "-Duser.timezone=UTC -XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    }
    os.environ["PYSPARK_SUBMIT_ARGS"] = " ".join(f'--conf "{k}={v}"' for k, v in start.items()) + " pyspark-shell"
    # PySpark's own tests ask so for a free port in place of 15002, which another server may hold.
    os.environ["SPARK_TESTING"] = "1"
    settings = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.shuffle.partitions": "2",
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.ui.enabled": "false",
        # As for KlineForge's own small queries (klineforge.spark.options): compiling takes longer than running.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    }
    builder: Any = SparkSession.builder.remote("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    os.environ["SPARK_REMOTE"] = "local"
    for name, value in RUNTIME_SETTINGS.items():
        session.conf.set(name, value)
    spark_session._process.session = session
    return session


def build(session: Any, lake: Path) -> DataCatalog:
    """Name the lake's bronze tables and derive everything else from them."""
    session.sql(f"CREATE SCHEMA {SCHEMA}")
    for contract in CONTRACTS.values():
        if contract.layer == "bronze":
            folder = lake / "bronze" / contract.name
            session.sql(f"CREATE TABLE {SCHEMA}.{contract.name} USING DELTA LOCATION '{folder}'")
    configure_project("klineforge")
    tables = {
        name: DeltaTableDataset(contract=name, table=f"{SCHEMA}.{name}")
        for name, contract in CONTRACTS.items()
        if contract.layer != "operations"
    }
    parameters = {
        "params:listing_seed": "none",
        "params:correlations": CorrelationOptions(12, "auto"),
        "params:indicators": IndicatorOptions(),
        "params:labels": LabelOptions(),
    }
    catalog = DataCatalog({**tables, **{name: MemoryDataset(value) for name, value in parameters.items()}})
    JOURNAL.begin("on-connect")
    for layer in DERIVED:
        SequentialRunner().run(pipelines[layer], catalog)
    return catalog


def compare(catalog: DataCatalog, lake: Path) -> dict[str, list[int]]:
    """Rows of both, and rows of either that the other does not have, by table."""
    found = {}
    for name, contract in CONTRACTS.items():
        if contract.layer in DERIVED:
            here = scan_table(catalog.load(name))
            assert here is not None
            there = pl.scan_delta(str(lake / contract.layer / name)).select(here.collect_schema().names())
            mine, theirs = (rounded(rows.collect()) for rows in (here, there))
            missing = theirs.join(mine, on=mine.columns, how="anti", nulls_equal=True).height
            extra = mine.join(theirs, on=mine.columns, how="anti", nulls_equal=True).height
            found[name] = [mine.height, theirs.height, missing, extra]
    return found


def rounded(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows whose last digits, which depend on the order of additions, are cut off; lists as text."""
    lists = [name for name, kind in rows.schema.items() if kind == pl.List(pl.String)]
    return rows.with_columns(
        pl.col(pl.Float64).round_sig_figs(8).replace(0.0, 0.0), *(pl.col(name).list.join(",") for name in lists)
    )


def main() -> None:
    """``on_connect.py LAKE FOLDER``: a lake that a local run has built, and an empty folder."""
    lake, folder = Path(sys.argv[1]), Path(sys.argv[2])
    session = connect(folder)
    catalog = build(session, lake)
    by_name, by_path = (
        IngestionCoverageDataset(tables=SCHEMA).load(),
        IngestionCoverageDataset(path=f"{lake}/bronze").load(),
    )
    answer = {
        "kind": type(session).__module__,
        "tables": compare(catalog, lake),
        "records": [len(by_path.records), len(set(map(repr, by_path.records)) ^ set(map(repr, by_name.records)))],
        "rest_is_equal": (by_name.recent, by_name.listing) == (by_path.recent, by_path.listing),
    }
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
