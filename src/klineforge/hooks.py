"""What happens around a run: Spark's configuration, the lake's lock, the run log, OpenLineage events."""

from __future__ import annotations

import json
import logging
import re
import uuid
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import DeltaTable
from kedro.config import MissingConfigException
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import CatalogProtocol
from kedro.pipeline import Node, Pipeline

from klineforge.contracts.gold import DIM_COINS
from klineforge.errors import (
    ConfigurationError,
    IngestionIncompleteError,
    KlineForgeError,
    QualityError,
    RunInterruptedError,
)
from klineforge.exchanges.report import raise_if_incomplete
from klineforge.lake.journal import JOURNAL
from klineforge.lake.lock import lake_lock
from klineforge.lake.market import SIMULATED, held_market, market_marker
from klineforge.lake.trouble import storage_trouble_in_words
from klineforge.lineage.run_story import RunStory
from klineforge.quality.report import raise_if_broken
from klineforge.reporting.runwriting import RunStart
from klineforge.reporting.summary import print_summary
from klineforge.spark import session as spark_session

logger = logging.getLogger(__name__)

_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+=,@-]+")


class SparkHooks:
    """Hands ``conf/<env>/spark.yml`` to the session, which starts when the first table is read."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Remember the options; nothing is started."""
        spark_session.configure(_settings(context, "spark"))


class LakeHooks:
    """Guards the lake for the run, writes the run log and ends the run with a summary."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._started = datetime.now(UTC)
        self._lake: Path | None = None
        self._market = ""
        self._openlineage: dict[str, Any] = {}
        self._story: RunStory | None = None

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Find out where the lake is and which market it is for."""
        settings = context.config_loader["globals"]
        given = context.config_loader.runtime_params or {}
        lake = str(given.get("lake") or settings.get("lake") or "")
        # A lake elsewhere (object storage, Unity Catalog) has neither a lock file nor a run log beside it.
        self._lake = None if "://" in lake or not lake else context.project_path / lake
        self._market = str(settings.get("market", "binance"))
        wanted = str(given.get("openlineage", settings.get("openlineage", "on"))).lower() not in {"off", "false"}
        self._openlineage = {**_settings(context, "openlineage"), "wanted": wanted}

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]
    ) -> None:
        """Lock the lake, make sure that it holds this market, and tell that a run has begun."""
        # Of a run in this process that was interrupted.
        self._stack.close()
        self._started = datetime.now(UTC)
        require_one_process(run_params)
        with storage_trouble_in_words(self._lake or Path()), ExitStack() as until_refused:
            if self._lake is not None:
                require_plain_path(self._lake)
                purpose = f"kedro run, pipeline {_pipeline_name(run_params)}"
                until_refused.enter_context(lake_lock(self._lake, purpose=purpose, now=self._started))
                require_market(self._lake, self._market)
            self._stack = until_refused.pop_all()
        JOURNAL.begin(uuid.uuid4().hex[:12])
        start = RunStart(
            run_id=JOURNAL.run_id,
            pipeline=_pipeline_name(run_params),
            env=run_params.get("env") or "local",
            started_at=self._started,
            parameters=run_params.get("runtime_params") or {},
        )
        self._story = RunStory(self._lake, start, self._openlineage)
        self._story.begin(pipeline, catalog)

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Note that a node was called."""
        if self._story is not None:
            self._story.node_began(node)

    @hook_impl
    def after_node_run(self, node: Node) -> None:
        """Note that a node without outputs has ended; the work of the others is done when their outputs are saved."""
        if self._story is not None and not node.outputs:
            self._story.node_saved(node, "")

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, node: Node) -> None:
        """Note that an output was saved."""
        if self._story is not None:
            self._story.node_saved(node, dataset_name)

    @hook_impl
    def on_node_error(self, error: Exception, node: Node) -> None:
        """Note that a node has failed."""
        if self._story is not None:
            self._story.node_failed(node, error)

    @hook_impl
    def after_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]
    ) -> None:
        """Write the run log, let go of the lake, print the summary.

        Raises:
            IngestionIncompleteError: When some coins could not be ingested; everything else is done by then.
            QualityError: When checks found wrong rows; their results are in the table by then.
        """
        missing = _problem_told(pipeline, catalog)
        self._finish(outcome="partial" if missing else "succeeded", error=str(missing) if missing else None)
        if self._lake is not None and "dim_coins" in pipeline.all_outputs():
            _say_what_is_unverified(self._lake)
        wanted = (run_params.get("runtime_params") or {}).get("summary", True)
        is_whole = set(pipelines["__default__"].nodes) <= set(pipeline.nodes)
        if wanted and self._lake is not None and is_whole:
            print_summary(self._lake, datetime.now(UTC), simulated=self._market == SIMULATED)
        if missing is not None:
            raise missing

    @hook_impl
    def on_pipeline_error(self, error: Exception, run_params: dict[str, Any]) -> None:  # noqa: ARG002 - Kedro's name
        """Write the failure down and let go of the lake."""
        outcome = "interrupted" if isinstance(error, RunInterruptedError) else "failed"
        self._finish(outcome=outcome, error=str(error) or type(error).__name__)

    def _finish(self, *, outcome: str, error: str | None) -> None:
        try:
            if self._story is not None:
                self._story.end(outcome, error)
        finally:
            self._story = None
            self._stack.close()


def require_market(lake: Path, market: str) -> None:
    """Refuse to mix markets in one lake; a new lake is marked with the market it is for.

    Raises:
        ConfigurationError: When the lake holds another market.
    """
    marker = market_marker(lake)
    held = held_market(lake)
    if held is None or not any(lake.glob("*/*/_delta_log")):
        fresh = marker.with_suffix(".new")
        fresh.write_text(json.dumps({"market": market}), encoding="utf-8")
        fresh.replace(marker)
    elif held != market:
        raise ConfigurationError(
            f"the lake {lake} holds the market {held!r}, this run is for {market!r}; mixing them would make every "
            "figure wrong. Choose another lake with --params lake=FOLDER, or another environment with --env"
        )


def require_plain_path(lake: Path) -> None:
    """Refuse a lake whose path the readers without Spark would misread.

    Raises:
        ConfigurationError: When the path holds anything but letters, digits and a few marks.
    """
    if not _PLAIN_PATH.fullmatch(str(lake)) or "/~" in str(lake):
        raise ConfigurationError(
            f"the lake's path {str(lake)!r} cannot be used: Delta readers outside Spark need plain letters, digits and "
            ". _ - + = , @ in it, no spaces and no ~. Choose another folder with --params lake=/some/folder"
        )


def require_one_process(run_params: dict[str, Any]) -> None:
    """Refuse the runner that spreads nodes over processes: the Spark session and the lake's lock belong to one.

    Raises:
        ConfigurationError: With the runners that work.
    """
    if "ParallelRunner" in str(run_params.get("runner") or ""):
        raise ConfigurationError(
            "ParallelRunner starts processes, which cannot share a Spark session; leave --runner out, or use "
            "--runner=ThreadRunner"
        )


def _say_what_is_unverified(lake: Path) -> None:
    table = lake / DIM_COINS.layer / DIM_COINS.name
    if not DeltaTable.is_deltatable(str(table)):
        return
    coins = pl.scan_delta(str(table)).filter(pl.col("listing_source") == "unverified").select("coin").collect()
    if not coins.is_empty():
        logger.warning(
            "neither the exchange's listing nor the seed knows %s: accepted, base and quote asset stay null",
            ", ".join(sorted(coins["coin"])),
        )


def _problem_told(pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> KlineForgeError | None:
    """What a run that came to its end reports as not well, by the reports among its outputs."""
    verdicts = {"ingestion_report": raise_if_incomplete, "quality_report": raise_if_broken}
    for report, verdict in verdicts.items():
        if report in pipeline.all_outputs():
            try:
                verdict(catalog.load(report))
            except (IngestionIncompleteError, QualityError) as problem:
                return problem
    return None


def _settings(context: KedroContext, kind: str) -> dict[str, Any]:
    try:
        return dict(context.config_loader[kind])
    except MissingConfigException:
        return {}


def _pipeline_name(run_params: dict[str, Any]) -> str:
    names = run_params.get("pipeline_names") or [run_params.get("pipeline_name") or "__default__"]
    return ",".join(str(name) for name in names)
