"""One run asked to end early: who works in its threads can find out, and be told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from klineforge.errors import RunInterruptedError


class Interruption:
    """Whether the user wants the run to end now; threads are not told by the operating system."""

    def __init__(self) -> None:
        self._requested = threading.Event()
        self._lock = threading.Lock()
        self._endings: list[Callable[[], None]] = []

    @property
    def is_requested(self) -> bool:
        """Whether the end was asked for."""
        return self._requested.is_set()

    def begin(self) -> None:
        """Forget the run before."""
        self._requested.clear()

    def request(self) -> None:
        """Ask for the end, and end what has said how it can be ended."""
        self._requested.set()
        with self._lock:
            endings = tuple(self._endings)
        for end in endings:
            end()

    def raise_if_requested(self) -> None:
        """Go no further.

        Raises:
            RunInterruptedError: When the end was asked for.
        """
        if self.is_requested:
            raise RunInterruptedError

    @contextmanager
    def ended_by(self, end: Callable[[], None]) -> Iterator[None]:
        """While the block runs, ``end`` is called from another thread when the end is asked for."""
        with self._lock:
            self._endings.append(end)
        try:
            if self.is_requested:
                end()
            yield
        finally:
            with self._lock:
                self._endings.remove(end)


# Nodes and datasets are made by Kedro and cannot be handed one; there is one run per process.
INTERRUPTION = Interruption()
