"""The one clock of a fault test."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class Time:
    """The one clock of a world: it passes only while somebody waits."""

    def __init__(self, start: datetime) -> None:
        self._start = start.timestamp()
        self._elapsed = 0.0
        self._lock = threading.Lock()
        self.sleeps: list[float] = []
        self.skew = timedelta(0)

    def exchange_now(self) -> datetime:
        return datetime.fromtimestamp(self._start + self._elapsed, UTC)

    def now(self) -> float:
        """The machine's wall clock, which may be wrong."""
        return self._start + self._elapsed + self.skew.total_seconds()

    def monotonic(self) -> float:
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        # Those who wait at the same time wait together.
        until = self._elapsed + seconds
        with self._lock:
            self.sleeps.append(seconds)
            self._elapsed = max(self._elapsed, until)

    def pass_by(self, seconds: float) -> None:
        with self._lock:
            self._elapsed += seconds

    def interrupt(self) -> None:
        """Nobody waits."""
