"""Time as something that can be handed in, so that tests wait for nothing."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """What a client needs to know about time, and its only way to wait."""

    def now(self) -> float:
        """Epoch seconds by the wall clock."""

    def monotonic(self) -> float:
        """Seconds that never run backwards, for measuring."""

    def sleep(self, seconds: float) -> None:
        """Wait, unless interrupted."""

    def interrupt(self) -> None:
        """End all waiting, now and later."""


class SystemClock:
    """The machine's own clocks."""

    def __init__(self) -> None:
        self._interrupted = threading.Event()

    def now(self) -> float:
        """Epoch seconds by the wall clock."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, unless interrupted."""
        self._interrupted.wait(max(0.0, seconds))

    def interrupt(self) -> None:
        """End all waiting, now and later."""
        self._interrupted.set()
