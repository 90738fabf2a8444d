"""Kedro's own run, held open while Dagster carries out its nodes.

``KedroSession.run`` does what belongs to a run: lock, run log, lineage events, the verdict at its end. In between it
calls a runner. The one here lends the catalog and the hooks to Dagster's steps until they are done.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kedro.io import CachedDataset
from kedro.pipeline import Pipeline
from kedro.runner import AbstractRunner

from klineforge.runner import SideBySideRunner

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Project:
    """Whose pipelines are run, and how.

    Args:
        path: Root folder of the Kedro project.
        env: Kedro environment; None for the default one.
        parameters: Runtime parameters, as after ``kedro run --params``.
    """

    path: Path
    env: str | None
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Lent:
    """What a runner is given to work with."""

    pipeline: Pipeline
    catalog: Any
    hooks: Any
    run_id: str | None


class LendingRunner(AbstractRunner):
    """Runs nothing: hands over what it was given, and returns when it is told that all is done."""

    def __init__(self) -> None:
        super().__init__()
        self.lent: Lent | None = None
        self.is_ready = threading.Event()
        self._is_done = threading.Event()
        self._error: Exception | None = None

    def give_back(self, error: Exception | None) -> None:
        """The run may go on to its end.

        Args:
            error: What it failed with; None where all was done.
        """
        self._error = error
        self._is_done.set()

    def _run(self, pipeline: Pipeline, catalog: Any, hook_manager: Any = None, run_id: str | None = None) -> None:
        self.lent = Lent(pipeline, catalog, hook_manager, run_id)
        self.is_ready.set()
        self._is_done.wait()
        if self._error is not None:
            raise self._error

    def _get_executor(self, max_workers: int) -> Executor | None:  # noqa: ARG002 - Kedro's name
        return None


@contextmanager
def _interrupts_as_on_a_terminal() -> Iterator[None]:
    """While the block runs, SIGINT does what Ctrl-C does to ``kedro run``.

    Dagster's own handler raises in the main thread, which waits for Spark and would come to it only after the step.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


class OpenRun:
    """One Kedro run, open from its begin to ``close``.

    Args:
        project: What is run.
        pipelines: Names of registered pipelines, run as one.
        nodes: The nodes that will be run; all of them when empty.

    Raises:
        KlineForgeError: When it cannot begin, as where another run holds the lake.
    """

    def __init__(self, project: Project, pipelines: Sequence[str], nodes: Sequence[str] = ()) -> None:
        self._pipelines = list(pipelines)
        self._project = project
        self._nodes = list(nodes) or None
        self._runner = LendingRunner()
        self._ended: Exception | None = None
        self._thread = threading.Thread(target=self._session, name=f"kedro run {','.join(pipelines)}", daemon=True)
        self._thread.start()
        while not self._runner.is_ready.wait(0.05):
            if not self._thread.is_alive():
                raise self._reason()

    @property
    def catalog(self) -> Any:
        """The run's catalog."""
        return self._lent.catalog

    def carry_out(self, nodes: Sequence[str], *, again: bool = False) -> None:
        """Run some of the nodes, in the calling thread and a few others.

        Args:
            nodes: Their names.
            again: Whether an earlier attempt has failed: what was cached of the state before it is read anew.

        Raises:
            RunInterruptedError: The process was told to end, as by Dagster when somebody terminates a run.
            Exception: What a node, or saving its outputs, raised.
        """
        lent = self._lent
        part = lent.pipeline.only_nodes(*nodes)
        if again:
            for name in sorted(part.inputs()):
                if isinstance(lent.catalog.get(name), CachedDataset):
                    lent.catalog.release(name)
        with _interrupts_as_on_a_terminal():
            SideBySideRunner().run(part, lent.catalog, lent.hooks, lent.run_id)

    def close(self, error: Exception | None = None) -> None:
        """End the run.

        Args:
            error: What it failed with; None where every node was done.

        Raises:
            Exception: What the run's end raised, such as that some coins could not be ingested; not ``error`` again.
        """
        catalog = self.catalog
        self._runner.give_back(error)
        self._thread.join()
        for name in sorted(self._lent.pipeline.inputs()):
            # Connections, and the demo exchange.
            catalog.release(name)
        if self._ended is not None and self._ended is not error:
            raise self._ended

    @property
    def _lent(self) -> Lent:
        if self._runner.lent is None:
            raise RuntimeError("the run has not begun")
        return self._runner.lent

    def _reason(self) -> Exception:
        return self._ended or RuntimeError("Kedro's run has ended before it began")

    def _session(self) -> None:
        from kedro.framework.project import settings

        try:
            with settings.SESSION_CLASS.create(
                project_path=self._project.path,
                env=self._project.env,
                runtime_params=dict(self._project.parameters),
            ) as session:
                session.run(pipeline_names=self._pipelines, node_names=self._nodes, runner=self._runner)
        except Exception as error:  # noqa: BLE001 - it is raised in the thread that asks for the end
            self._ended = error
