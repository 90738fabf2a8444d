"""The line in a terminal that names the tables being written."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status


class TablesInWork:
    """Names the tables that are being written, of several threads in one line; silent outside a terminal.

    In a file the log says afterwards what was done.
    """

    def __init__(self) -> None:
        self._names: list[str] = []
        self._status: Status | None = None
        self._lock = threading.Lock()

    @contextmanager
    def naming(self, table: str) -> Iterator[None]:
        """Name a table as long as the block runs."""
        if not sys.stderr.isatty():
            yield
            return
        with self._lock:
            self._names.append(table)
            self._show()
        try:
            yield
        finally:
            with self._lock:
                self._names.remove(table)
                self._show()

    def _show(self) -> None:
        if not self._names:
            if self._status is not None:
                self._status.stop()
                self._status = None
            return
        text = f"{', '.join(self._names)} ..."
        if self._status is None:
            self._status = Console(stderr=True).status(text)
            self._status.start()
        else:
            self._status.update(text)


IN_WORK = TablesInWork()
