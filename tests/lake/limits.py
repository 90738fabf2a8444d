"""A disk that is full and a lake that cannot be written, as the operating system says it."""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def no_room(size: int = 2_000, *, pids: tuple[int, ...] = ()) -> Iterator[None]:
    """While the block runs, no file can grow beyond a size; the kernel refuses it as it refuses a full disk.

    Args:
        size: Bytes.
        pids: Other processes that are refused as well.
    """
    former = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in (os.getpid(), *pids)}
    try:
        for pid, (_, hard) in former.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
        yield
    finally:
        for pid, limits in former.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


def java_children() -> tuple[int, ...]:
    """The Java processes that this one has started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = status.read_text()
        except OSError:
            continue
        name, _, rest = text.partition("(")[2].rpartition(")")
        if name == "java" and int(rest.split()[1]) == os.getpid():
            found.append(int(status.parent.name))
    return tuple(found)


@contextmanager
def read_only_copy(lake: Path) -> Iterator[Path]:
    """A copy of a lake that may only be read, by a user who is not almighty."""
    folder = Path(tempfile.mkdtemp(prefix="klineforge-read-only-"))
    copy = folder / "lake"
    shutil.copytree(lake, copy)
    places = [folder, copy, *copy.rglob("*")]
    for place in places:
        place.chmod(0o555 if place.is_dir() else 0o444)
    almighty = os.geteuid() == 0
    try:
        if almighty:
            os.seteuid(NOBODY)
        yield copy
    finally:
        if almighty:
            os.seteuid(0)
        for place in places:
            place.chmod(0o755 if place.is_dir() else 0o644)
        shutil.rmtree(folder)
