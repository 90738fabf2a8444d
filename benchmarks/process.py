"""Measure a command as a whole process tree: wall time, CPU time, peak memory. Linux only."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_SECONDS_BETWEEN_SAMPLES = 0.1


@dataclass(frozen=True)
class Measurement:
    """What one run of a command cost.

    Args:
        wall: Seconds from start to end.
        cpu: Seconds of processor time, user and system, of the command and all its children.
        peak_memory: Largest sum of resident memory over the process tree, in bytes.
        output: Standard output and error.
    """

    wall: float
    cpu: float
    peak_memory: int
    output: str


def measure(command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Measurement:
    """Run a command to its end.

    Raises:
        RuntimeError: When it fails; with what it printed.
    """
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seen = _Seen()
    ended = threading.Event()
    sampler = threading.Thread(target=_sample, args=(process.pid, seen, ended))
    sampler.start()
    output, _ = process.communicate()
    ended.set()
    sampler.join()
    wall = time.monotonic() - started
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
    return Measurement(wall, sum(seen.ticks.values()) / _TICKS, seen.peak, output)


@dataclass
class _Seen:
    """What sampling has found so far; a process keeps its last figure when it ends, at most a sample too low."""

    peak: int = 0
    ticks: dict[int, int] = field(default_factory=dict)


def _sample(root: int, seen: _Seen, ended: threading.Event) -> None:
    while not ended.wait(_SECONDS_BETWEEN_SAMPLES):
        tree = _tree(root)
        seen.peak = max(seen.peak, sum(_resident(pid) for pid in tree))
        seen.ticks.update({pid: ticks for pid in tree if (ticks := _ticks(pid))})


def _tree(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:  # ended meanwhile
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting.extend(children.get(pid, []))
    return found


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return 0
    return int(fields[11]) + int(fields[12])


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0
