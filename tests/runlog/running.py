"""Small pipelines over real tables, run as Kedro runs them: with its runners and our hooks, without Spark."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from kedro.framework.hooks.manager import _create_hook_manager
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline
from kedro.runner import AbstractRunner

from klineforge.contracts import CONTRACTS
from klineforge.datasets.delta_table import Append, DeltaTableDataset
from klineforge.hooks import LakeHooks
from klineforge.lake.arrow import arrow_schema
from klineforge.runner import SideBySideRunner

EXCHANGES = CONTRACTS["dim_exchange"]
TABLE = "dim_exchange"
AT = datetime(2026, 3, 1, tzinfo=UTC)


def rows(code: str) -> Append:
    """One row to append to the table; none for an empty code."""
    row = {
        "exchange": "binance",
        "exchange_name": code,
        "timezone": "UTC",
        "no_trade_policy": "none",
        "first_candle": AT,
        "last_candle": AT,
    }
    table = pa.Table.from_pylist([row], schema=arrow_schema(EXCHANGES))
    return Append(table if code else table.slice(0, 0), code)


def pipeline_of(make: Callable[[], Any]) -> Pipeline:
    """One node that writes the table, and one that reads it."""
    return Pipeline(
        [
            Node(make, None, TABLE, name="make_exchanges"),
            Node(_count, TABLE, "count", name="count_exchanges"),
        ]
    )


def _count(table: Any) -> int:
    return int(table.seen.version)


def appending(code: str) -> Pipeline:
    """A pipeline that appends one row."""

    def make() -> Append:
        return rows(code)

    return pipeline_of(make)


def catalog_of(lake: Path, pipeline: Pipeline) -> DataCatalog:
    """The table at its place, everything else in memory."""
    table = DeltaTableDataset(contract=TABLE, path=str(lake / "gold" / TABLE))
    others = {name: MemoryDataset() for name in pipeline.datasets() if name != TABLE}
    return DataCatalog({**others, **({TABLE: table} if TABLE in pipeline.datasets() else {})})


def run(
    lake: Path,
    pipeline: Pipeline,
    *,
    runner: AbstractRunner | None = None,
    parameters: dict[str, Any] | None = None,
    openlineage: dict[str, Any] | None = None,
) -> Exception | None:
    """Run a pipeline in the order in which Kedro's session calls hooks and runner.

    Returns:
        What ended it before its end.
    """
    hooks = LakeHooks()
    hooks._lake, hooks._market, hooks._openlineage = lake, "simulated", openlineage or {}
    manager = _create_hook_manager()
    manager.register(hooks)
    catalog = catalog_of(lake, pipeline)
    facts = {"pipeline_name": "gold", "env": "demo", "runtime_params": {"summary": False, **(parameters or {})}}
    manager.hook.before_pipeline_run(run_params=facts, pipeline=pipeline, catalog=catalog)
    try:
        (runner or SideBySideRunner(max_workers=2)).run(pipeline, catalog, manager, "session")
    except Exception as error:  # noqa: BLE001 - as Kedro's session does
        manager.hook.on_pipeline_error(error=error, run_params=facts, pipeline=pipeline, catalog=catalog)
        return error
    except BaseException:
        # A process that is killed loses the lock.
        hooks._stack.close()
        raise
    manager.hook.after_pipeline_run(run_params=facts, run_result={}, pipeline=pipeline, catalog=catalog)
    return None


def lines(lake: Path) -> list[dict[str, Any]]:
    """The run log, oldest run first."""
    text = (lake / "_klineforge" / "runs.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def events(lake: Path) -> list[dict[str, Any]]:
    """The events of the lake's file, in order."""
    text = (lake / "_klineforge" / "openlineage.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def table(lake: Path, kind: str | None = None) -> pl.DataFrame:
    """Rows of the table ``run_log``, of one kind or all, in the order of the runs."""
    held = pl.read_delta(str(lake / "operations" / "run_log")).sort("started_at", "kind", "name")
    return held if kind is None else held.filter(pl.col("kind") == kind)


def commits(lake: Path) -> dict[str, int]:
    """How many commits each table of a lake has."""
    logs = lake.glob("*/*/_delta_log")
    return {log.parent.name: len(list(log.glob("*.json"))) for log in logs}


def batches(*codes: str) -> Callable[[], Iterator[Append]]:
    """A node function that hands over one batch per code, as those of bronze do."""

    def make() -> Iterator[Append]:
        for code in codes:
            yield rows(code)

    return make
