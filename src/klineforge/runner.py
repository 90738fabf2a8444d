"""Several tables at a time: what one leaves idle of the machine, another uses."""

from __future__ import annotations

import logging
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self

from kedro.runner import ThreadRunner

from klineforge.errors import RunInterruptedError
from klineforge.interruption import INTERRUPTION
from klineforge.spark.options import usable_cores
from klineforge.spark.session import interrupt

# Kedro's remarks about each node appear under this module's name, which conf/logging.yml silences.
logger = logging.getLogger("klineforge.run")

# Beyond this, tables wait for each other and for Spark rather than for processors.
MOST_TABLES_AT_A_TIME: Final = 4
INTERRUPTED_STATUS: Final = 130
_SHOW_CURSOR: Final = "\x1b[?25h"
_SECONDS_BETWEEN_INTERRUPTS: Final = 0.2


class SideBySideRunner(ThreadRunner):
    """Kedro's runner with threads, which lets go quickly when it is interrupted or a node fails.

    ``kedro run`` of this project takes it unless ``--runner`` names another one.

    Args:
        max_workers: Nodes at a time; as many as there are processors, at most four, when not given.
        is_async: Refused with a warning, as by Kedro's own.
    """

    def __init__(self, max_workers: int | None = None, *, is_async: bool = False) -> None:
        super().__init__(max_workers or min(usable_cores(), MOST_TABLES_AT_A_TIME), is_async)

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Run a pipeline; arguments and result are Kedro's.

        Raises:
            RunInterruptedError: After Ctrl-C. Each table is as it was before the run or as the run wanted it.
        """
        INTERRUPTION.begin()
        try:
            with interrupted_by_signal():
                return super().run(*args, **kwargs)
        except KeyboardInterrupt as reason:
            raise RunInterruptedError from reason

    def _get_executor(self, max_workers: int) -> Executor:
        return _Workers(max_workers, thread_name_prefix="klineforge")


class _Workers(ThreadPoolExecutor):
    """A pool in which nothing new begins once something has gone wrong.

    What is being written then is finished, so that a table is either done or untouched; after an interruption by the
    user it is given up instead, which leaves the table untouched as well.
    """

    def __init__(self, max_workers: int, thread_name_prefix: str) -> None:
        super().__init__(max_workers, thread_name_prefix)
        self._futures: list[Future[Any]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = super().submit(fn, *args, **kwargs)
        self._futures.append(future)
        return future

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.shutdown(wait=False, cancel_futures=True)
        self.shutdown(wait=True)
        if not INTERRUPTION.is_requested:
            self._tell_other_failures(error)

    def __enter__(self) -> Self:
        return self

    def _tell_other_failures(self, told: BaseException | None) -> None:
        for future in self._futures:
            other = None if future.cancelled() else future.exception()
            if other is not None and other is not told:
                logger.error("failed, too: %s", other)


@contextmanager
def interrupted_by_signal() -> Iterator[None]:
    """While the block runs, Ctrl-C ends what the threads are doing, and a second one ends the process.

    Python tells only the main thread of signals, and not while it waits for the others: polars makes the operating
    system go on waiting. What Python's own handler writes into the wake-up pipe arrives at once. Where a
    handler was set for a gentler end, the first signal is left to it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    former = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    # Asked now and not when a signal comes: by then the gentler handler may have put the former one back.
    spared = 0 if _means_the_end(signal.getsignal(signal.SIGINT)) else 1
    watcher = threading.Thread(target=_watch, args=(reading, spared), name="klineforge-interrupts", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(former)
        os.close(writing)
        watcher.join()
        os.close(reading)


def _watch(reading: int, spared: int) -> None:
    while True:
        patience = _SECONDS_BETWEEN_INTERRUPTS if INTERRUPTION.is_requested else None
        if not select.select([reading], [], [], patience)[0]:
            # A thread may have been between two queries.
            interrupt()
            continue
        numbers = os.read(reading, 64)
        if not numbers:
            return
        for number in numbers:
            if spared and number in {signal.SIGINT, signal.SIGTERM}:
                spared -= 1
            elif number == signal.SIGINT:
                _end()


def _end() -> None:
    if INTERRUPTION.is_requested:
        _end_at_once()
    logger.warning("interrupted: ending what is in work; Ctrl-C again ends at once")
    INTERRUPTION.request()
    interrupt()


def _means_the_end(handler: object) -> bool:
    return handler is signal.default_int_handler or getattr(handler, "__module__", "").startswith("pyspark")


def _end_at_once() -> None:
    # Commits are atomic and the lake's lock ends with the process: nothing has to be tidied up.
    if sys.stderr.isatty():
        sys.stderr.write(_SHOW_CURSOR)
    sys.stderr.flush()
    os._exit(INTERRUPTED_STATUS)
