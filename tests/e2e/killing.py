"""Start runs as processes of their own and kill them, and find out how far they had come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from e2e.project import REPOSITORY, SECONDS

FIRST_WORDS = "hours wanted"
"""What a run says when it begins to download; before that it has only been loading programs."""


@dataclass(frozen=True)
class Ended:
    """How a run came to its end.

    Args:
        killed: Whether it was killed; else it had ended by itself before.
        worked: Seconds from its first words to its end.
        group: Its process group.
    """

    killed: bool
    worked: float
    group: int


class Run:
    """A ``kedro run`` in a process group of its own.

    Args:
        arguments: What follows ``kedro``.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kedro", *arguments],
            cwd=REPOSITORY,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "140"},
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self._lines: list[str] = []
        self._heard = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._listen)
        self._reader.start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            for line in stream:
                with self._heard:
                    self._lines.append(line)
                    self._heard.notify_all()
        with self._heard:
            self._ended = True
            self._heard.notify_all()

    @property
    def has_ended(self) -> bool:
        """Whether the process has come to its end."""
        return self.process.poll() is not None

    def said(self) -> str:
        """The log of a run that has ended."""
        self._reader.join(SECONDS)
        return "".join(self._lines)

    def wait_for(self, words: str) -> None:
        """Wait until the log says something, or the run has ended."""
        with self._heard:
            self._heard.wait_for(lambda: self._ended or any(words in line for line in self._lines), SECONDS)

    def kill(self, *, after: float = 0.0, only_python: bool = False) -> Ended:
        """Kill the run some seconds after its first words, with all its processes or its Python process alone.

        A Java process that is left alone ends by itself; it must not write after that.
        """
        self.wait_for(FIRST_WORDS)
        began = time.monotonic()
        try:
            self.process.wait(after)
        except subprocess.TimeoutExpired:
            (os.kill if only_python else os.killpg)(self.process.pid, signal.SIGKILL)
        return self.ended(began)

    def ended(self, began: float | None = None) -> Ended:
        """Wait for the end."""
        code = self.process.wait(SECONDS)
        worked = time.monotonic() - (time.monotonic() if began is None else began)
        assert code in {0, -signal.SIGKILL}, self.said()
        return Ended(code != 0, worked, self.process.pid)


def is_alive(group: int) -> bool:
    """Whether any process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def commits(lake: Path) -> dict[str, int]:
    """Number of commits by table."""
    logs = lake.glob("*/*/_delta_log")
    return {log.parent.name: len(list(log.glob("*.json"))) for log in logs}


def phase(before: dict[str, int], after: dict[str, int], lake: Path) -> str:
    """How far a killed run had come, told by the newest commit it made."""
    grown = [name for name, count in after.items() if count > before.get(name, 0)]
    if not grown:
        landed = lake / "landing" / "binance"
        return "landed, nothing committed" if landed.is_dir() and any(landed.iterdir()) else "nothing landed"
    newest = max(grown, key=lambda name: max(_times(lake, name)))
    return f"{newest} committed"


def _times(lake: Path, name: str) -> list[int]:
    return [entry.stat().st_mtime_ns for entry in lake.glob(f"*/{name}/_delta_log/*.json")]
