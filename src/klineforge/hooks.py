"""What happens around a run: Spark's configuration, the lake's lock, the run log."""

from __future__ import annotations

import json
import uuid
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kedro.config import MissingConfigException
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.pipeline import Pipeline

from klineforge.lake.journal import JOURNAL
from klineforge.lake.lock import LOCK_FOLDER, lake_lock
from klineforge.spark import session as spark_session


class SparkHooks:
    """Hands ``conf/<env>/spark.yml`` to the session, which starts when the first table is read."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Remember the options; nothing is started."""
        try:
            options = context.config_loader["spark"]
        except MissingConfigException:
            options = {}
        spark_session.configure(options)


class LakeHooks:
    """Locks the lake for the run and writes the run log."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._started = datetime.now(UTC)
        self._lake: Path | None = None
        self._default_lake: str | None = None

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Find out where the lake is."""
        given = (context.config_loader.runtime_params or {}).get("lake")
        self._default_lake = given or context.config_loader["globals"].get("lake")

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline) -> None:
        """Lock the lake."""
        self._started = datetime.now(UTC)
        JOURNAL.begin(uuid.uuid4().hex[:12])
        lake = self._default_lake
        if lake is None or "://" in lake:
            return
        self._lake = Path(lake)
        purpose = f"kedro run --pipeline {_pipeline_name(run_params)}"
        self._stack.enter_context(lake_lock(self._lake, purpose=purpose, now=self._started))

    @hook_impl
    def after_pipeline_run(self, run_params: dict[str, Any]) -> None:
        """Write the run log and let go of the lake."""
        self._finish(run_params, outcome="succeeded", error=None)

    @hook_impl
    def on_pipeline_error(self, error: Exception, run_params: dict[str, Any]) -> None:
        """Write the failure down and let go of the lake."""
        self._finish(run_params, outcome="failed", error=str(error) or type(error).__name__)

    def _finish(self, run_params: dict[str, Any], *, outcome: str, error: str | None) -> None:
        try:
            if self._lake is not None:
                self._write_log(run_params, outcome, error)
        finally:
            self._stack.close()

    def _write_log(self, run_params: dict[str, Any], outcome: str, error: str | None) -> None:
        record = {
            "run_id": JOURNAL.run_id,
            "pipeline": _pipeline_name(run_params),
            "env": run_params.get("env") or "local",
            "started_at": self._started.isoformat(),
            "ended_at": datetime.now(UTC).isoformat(),
            "outcome": outcome,
            "error": error,
            "parameters": run_params.get("runtime_params") or {},
            "tables": [asdict(entry) for entry in JOURNAL.entries],
        }
        assert self._lake is not None
        log = self._lake / LOCK_FOLDER / "runs.jsonl"
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, default=str) + "\n")


def _pipeline_name(run_params: dict[str, Any]) -> str:
    names = run_params.get("pipeline_names") or [run_params.get("pipeline_name") or "__default__"]
    return ",".join(str(name) for name in names)
