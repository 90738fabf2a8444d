"""The Kedro runs within one Dagster run: that of the tables, then that of the checks, then that of the alerts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from klineforge.cli.user_errors import user_error_in
from klineforge.errors import (
    ConfigurationError,
    ContractError,
    ExchangeError,
    IncrementalStateError,
    IngestionIncompleteError,
    PermanentExchangeError,
    QualityError,
    RunInterruptedError,
)
from klineforge.lake.journal import JOURNAL
from klineforge.orchestration.session import OpenRun
from klineforge.orchestration.tasks import Task, share_a_run

logger = logging.getLogger(__name__)

LASTING = (
    ConfigurationError,
    ContractError,
    IncrementalStateError,
    IngestionIncompleteError,
    PermanentExchangeError,
    QualityError,
    RunInterruptedError,
)
"""What another attempt a minute later would not mend."""

Opener = Callable[[Sequence[str], Sequence[str]], OpenRun]


def is_worth_another_try(error: BaseException) -> bool:
    """Whether a step that failed with this may succeed a little later.

    >>> is_worth_another_try(ConfigurationError("no such coin")), is_worth_another_try(OSError("disk full"))
    (False, True)
    """
    cause: BaseException = user_error_in(error) or error
    if isinstance(cause, PermanentExchangeError):
        return False
    return isinstance(cause, ExchangeError) or not isinstance(cause, LASTING)


class LakeRuns:
    """Opens a Kedro run when the first task of its pipeline is carried out, and closes it when another's turn comes.

    Args:
        opener: Begins a Kedro run of some nodes of some pipelines.
    """

    def __init__(self, opener: Opener) -> None:
        self._tasks: tuple[Task, ...] = ()
        self._opener = opener
        self._open: OpenRun | None = None
        self._mine: frozenset[str] = frozenset()
        self._failed: dict[str, Exception] = {}
        self._problems: list[Exception] = []
        self.run_ids: list[str] = []
        self.begin_failed = False

    def expect(self, tasks: Sequence[Task]) -> None:
        """Say which tasks there will be.

        Args:
            tasks: All tasks that the Dagster run is about; said again, it changes nothing.
        """
        self._tasks = self._tasks or tuple(tasks)

    def carry_out(self, task: Task) -> Mapping[str, Any]:
        """Run a task's nodes, and save what they made.

        Args:
            task: The task.

        Returns:
            The datasets it made, by name.

        Raises:
            Exception: What a node, saving its outputs or the begin of the run raised.
        """
        again = task.name in self._failed
        try:
            run = self._run_of(task)
            run.carry_out(task.nodes, again=again)
        except Exception as error:
            self._failed[task.name] = error
            raise
        except BaseException:
            # Somebody has ended the Dagster run.
            self._failed = {task.name: RunInterruptedError()}
            raise
        self._failed.pop(task.name, None)
        return {name: run.catalog.get(name) for name in task.outputs}

    def finish(self) -> None:
        """End what is open.

        Raises:
            Exception: The first thing a run reported at its end: coins that could not be ingested, checks that failed.
        """
        self._close()
        if self._problems:
            problem, *others = self._problems
            self._problems = []
            for other in others:
                logger.error("failed, too: %s", other)
            raise problem

    def abandon(self) -> None:
        """End what is still open when the Dagster run has come to its end in another way; nothing is raised."""
        self._close()
        for problem in self._problems:
            logger.error("%s", problem)
        self._problems = []

    def _run_of(self, task: Task) -> OpenRun:
        mine = [other for other in self._tasks if share_a_run(task, other)]
        if self._open is not None and task.name in self._mine:
            return self._open
        self._close()
        self.begin_failed = True
        pipelines = list(dict.fromkeys(other.pipeline for other in mine))
        self._open = self._opener(pipelines, [name for other in mine for name in other.nodes])
        self.begin_failed = False
        self._mine = frozenset(other.name for other in mine)
        self.run_ids.append(JOURNAL.run_id)
        return self._open

    def _close(self) -> None:
        if self._open is None:
            return
        run, self._open = self._open, None
        failed = [error for name, error in self._failed.items() if name in self._mine]
        try:
            run.close(failed[0] if failed else None)
        except Exception as problem:  # noqa: BLE001 - it is told at the end; other pipelines have their turn first
            self._problems.append(problem)
