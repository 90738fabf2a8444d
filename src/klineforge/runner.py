"""Several tables at a time: what one leaves idle of the machine, another uses."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from kedro.runner import ThreadRunner

from klineforge.spark.options import usable_cores
from klineforge.spark.session import interrupt

# Beyond this, tables wait for each other and for Spark rather than for processors.
MOST_TABLES_AT_A_TIME = 4


class SideBySideRunner(ThreadRunner):
    """Kedro's runner with threads, which lets go quickly when it is interrupted or a node fails.

    ``kedro run`` of this project takes it unless ``--runner`` names another one.

    Args:
        max_workers: Nodes at a time; as many as there are processors, at most four, when not given.
        is_async: Refused with a warning, as by Kedro's own.
    """

    def __init__(self, max_workers: int | None = None, *, is_async: bool = False) -> None:
        super().__init__(max_workers or min(usable_cores(), MOST_TABLES_AT_A_TIME), is_async)

    def _get_executor(self, max_workers: int) -> Executor:
        return _Workers(max_workers, thread_name_prefix="klineforge")


class _Workers(ThreadPoolExecutor):
    """A pool in which nothing new begins once something has gone wrong.

    What is being written then is finished, so that a table is either done or untouched; only an interruption by the
    user ends Spark's queries at once, whose tables stay as they are.
    """

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.shutdown(wait=False, cancel_futures=True)
        if error is not None and not isinstance(error, Exception):
            interrupt()
        self.shutdown(wait=True)

    def __enter__(self) -> Self:
        return self
