"""How far the downloads are: a bar in a terminal, one line in a notebook, now and then a line in a log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES: Final = 10.0
SECONDS_BETWEEN_LOOKS: Final = 0.5


class Counter:
    """Counts files, rows and coins; the displays build on it.

    Args:
        coins: How many coins the run is about.
    """

    def __init__(self, coins: int) -> None:
        self.coins = coins
        self.coins_done = 0
        self.files = 0
        self.files_done = 0
        self.rows = 0

    def planned(self, coin: str, tasks: int) -> None:  # noqa: ARG002 - displays show totals only
        """More files of a coin are queued."""
        self.files += tasks
        self.tick()

    def finished_task(self, coin: str, rows: int) -> None:  # noqa: ARG002
        """A file of a coin is done."""
        self.files_done += 1
        self.rows += rows
        self.tick()

    def finished_coin(self, coin: str) -> None:  # noqa: ARG002
        """Nothing is left to do for a coin."""
        self.coins_done += 1
        self.tick()

    def tick(self) -> None:
        """Time has passed, or something was counted."""

    def __str__(self) -> str:
        return f"coins {self.coins_done}/{self.coins}, files {self.files_done}/{self.files}, rows {self.rows:,}"


class LogLines(Counter):
    """Writes a line to the log every few seconds while something is going on.

    Args:
        coins: How many coins the run is about.
        monotonic: Measures time.
    """

    def __init__(self, coins: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(coins)
        self._monotonic = monotonic
        self._last = monotonic()

    def tick(self) -> None:
        """Write a line when the last one is old enough."""
        if self._monotonic() - self._last >= SECONDS_BETWEEN_LINES:
            self._last = self._monotonic()
            logger.info("downloading: %s", str(self))


class NotebookLine(Counter):
    """Keeps one line below a notebook's cell up to date; what stands there at the end is what was downloaded.

    rich would need widgets that a kernel may not have, and a log line every few seconds fills the notebook for good.

    Args:
        coins: How many coins the run is about.
        show: Puts a text in the place of the one before.
        monotonic: Measures time.
    """

    def __init__(
        self, coins: int, show: Callable[[str], None], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(coins)
        self._show = show
        self._monotonic = monotonic
        self._last = monotonic()
        self._is_shown = False

    def tick(self) -> None:
        """Renew the line when it is old enough."""
        if self._monotonic() - self._last >= SECONDS_BETWEEN_LOOKS:
            self._last = self._monotonic()
            self._is_shown = True
            self._show(f"downloading: {self}")

    def end(self) -> None:
        """Leave the last counts behind, where any were shown."""
        if self._is_shown:
            self._show(f"downloaded: {self}")


class LiveBar(Counter):
    """Keeps a bar in a terminal up to date.

    Args:
        coins: How many coins the run is about.
        progress: The display.
    """

    def __init__(self, coins: int, progress: Progress) -> None:
        super().__init__(coins)
        self._progress = progress
        self._task = progress.add_task("downloading", total=None, note="")

    def tick(self) -> None:
        """Show the counts."""
        note = f"{self.rows:,} rows, {self.coins_done}/{self.coins} coins"
        self._progress.update(self._task, completed=self.files_done, total=self.files, note=note)


@contextmanager
def progress_display(coins: int) -> Iterator[Counter]:
    """A display that fits where standard error goes.

    Args:
        coins: How many coins the run is about.
    """
    if not sys.stderr.isatty():
        show = _notebook_line()
        if show is None:
            yield LogLines(coins)
            return
        line = NotebookLine(coins, show)
        try:
            yield line
        finally:
            line.end()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("files  {task.fields[note]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield LiveBar(coins, progress)


def _notebook_line() -> Callable[[str], None] | None:
    """Shows a text below the cell that runs, in the place of the one before; None outside a notebook."""
    ipython: Any = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if not hasattr(shell, "kernel"):
        return None
    handle: Any = None

    def show(text: str) -> None:
        nonlocal handle
        if handle is None:
            handle = ipython.display.display({"text/plain": text}, raw=True, display_id=True)
        else:
            handle.update({"text/plain": text}, raw=True)

    return show
