"""Catalog entry for what a run is told about itself and about the runs before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Never

import polars as pl
from kedro.io import AbstractDataset, DatasetError

from klineforge.lake.journal import JOURNAL
from klineforge.reporting.runlog import read_runs

RUNS_READ = 1_000
RUN_SCHEMA: dict[str, Any] = {
    "run_id": pl.String(),
    "pipeline": pl.String(),
    "ended_at": pl.Datetime("us", "UTC"),
    "outcome": pl.String(),
    "error": pl.String(),
}


@dataclass(frozen=True)
class RunContext:
    """The run in work.

    Args:
        run_id: Its identifier; empty outside ``kedro run``.
        now: When it asked, UTC.
        runs: ``run_id, pipeline, ended_at, outcome, error`` of the newest finished runs.
        log_is_whole: Whether there are no older ones.
    """

    run_id: str
    now: datetime
    runs: pl.DataFrame
    log_is_whole: bool


class RunContextDataset(AbstractDataset[Never, RunContext]):
    """The run's identifier, the present moment and the newest runs of the lake's run log.

    Example in ``catalog.yml``::

        run_context:
          type: klineforge.datasets.run_context.RunContextDataset
          path: ${globals:lake}

    Example in Python::

        context = RunContextDataset(path="/some/lake").load()
    """

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        """Describe the lake.

        Args:
            path: Its root.
            metadata: For Kedro plugins; not used here.
        """
        self._path = path
        self.metadata = metadata

    def load(self) -> RunContext:
        """What is known when it is asked for."""
        log = read_runs(Path(self._path), RUNS_READ)
        whole = len(log.runs) + log.unreadable_lines < RUNS_READ
        rows = [{name: getattr(run, name) for name in RUN_SCHEMA} for run in log.runs]
        return RunContext(JOURNAL.run_id, datetime.now(UTC), pl.DataFrame(rows, schema=RUN_SCHEMA), whole)

    def save(self, data: Never) -> None:
        """Refuse: a run is written down when it has ended.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError(f"the run log is written at the end of a run, got {type(data).__name__}")

    def _describe(self) -> dict[str, Any]:
        return {"path": self._path}
