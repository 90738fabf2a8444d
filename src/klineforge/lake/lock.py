"""One run at a time per lake: Delta on a local file system is not safe for two writers."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from klineforge.errors import EnvironmentProblem, LakeBusyError

LOCK_FOLDER = "_klineforge"
_LOCK_FILE = "lock"


@contextmanager
def lake_lock(lake: Path, *, purpose: str, now: datetime) -> Iterator[None]:
    """Hold the lake for one run.

    The operating system drops the lock with the process that holds it, so a lock never outlives a killed run; the file
    only tells others who holds it.

    Args:
        lake: Root folder of the lake.
        purpose: What the run does, for the message others see.
        now: When it started.

    Raises:
        LakeBusyError: Another process holds the lake.
        EnvironmentProblem: The lake's folder cannot be written.
    """
    folder = lake / LOCK_FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / _LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise EnvironmentProblem(
            f"the lake {lake} cannot be written: {error.strerror}. Choose another folder with --params lake=FOLDER, "
            "or change its permissions"
        ) from error
    try:
        _acquire(handle, lake)
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": now.isoformat(), "purpose": purpose}
        # The lock holds without it: who is told of the lake being busy then does not learn by whom.
        with suppress(OSError):
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps(holder).encode(), 0)
        yield
    finally:
        os.close(handle)


def _acquire(handle: int, lake: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise LakeBusyError(
            f"the lake {lake} is being written by another run{_holder(handle)}. Wait until it has ended and run again; "
            "nothing was changed"
        ) from error


def _holder(handle: int) -> str:
    """Who holds the lake, as part of a sentence; nothing where the holder has not come to writing it down."""
    try:
        told = json.loads(os.pread(handle, 4096, 0))
        since = datetime.fromisoformat(told["since"])
        return f": {told['purpose']}, process {told['pid']} on {told['host']} since {since:%Y-%m-%d %H:%M:%S %Z}"
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
