"""Measure a command as a whole process tree: wall time, CPU time, peak memory. Linux only."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
        peak_memory: Largest sum of resident memory over the process tree, in bytes; pages that processes share count
            in each of them.
        output: Standard output and error.
        others: Cores that everything else on the machine kept busy meanwhile, on average; wall times of a run with
            much of it say little.
        programs: Names of the programs seen in the process tree, such as ``java``.
        started: When it was started, UTC.
    """

    wall: float
    cpu: float
    peak_memory: int
    others: float = 0.0
    output: str = ""
    programs: frozenset[str] = frozenset()
    started: datetime = datetime(1970, 1, 1, tzinfo=UTC)


def measure(command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Measurement:
    """Run a command to its end.

    Raises:
        RuntimeError: When it fails; with what it printed.
    """
    reaped, busy, moment, started = _reaped_seconds(), _busy_seconds(), datetime.now(UTC), time.monotonic()
    process = subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seen = _Seen()
    ended = threading.Event()
    sampler = threading.Thread(target=_sample, args=(process.pid, seen, ended))
    sampler.start()
    try:
        output, _ = process.communicate()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    finally:
        ended.set()
        sampler.join()
    wall = time.monotonic() - started
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
    # Samples miss the last moments of a process; the kernel's sum misses children that nobody waited for.
    cpu = max(sum(seen.ticks.values()) / _TICKS, _reaped_seconds() - reaped)
    others = max(0.0, _busy_seconds() - busy - cpu) / wall
    return Measurement(wall, cpu, seen.peak, others, output, frozenset(seen.programs), moment)


def busy_seconds_of_tree(root: int) -> float:
    """Processor time so far of a process and of those it has started and that still run, user and system."""
    return sum(process.ticks for process in _tree(root)) / _TICKS


def _reaped_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _busy_seconds() -> float:
    """Processor time of the whole machine since it started, without idling and waiting."""
    user, nice, system, _, _, *rest = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(rest)) / _TICKS


@dataclass
class _Seen:
    """What sampling has found so far; a process keeps its last figure when it ends, at most a sample too low."""

    peak: int = 0
    ticks: dict[int, int] = field(default_factory=dict)
    programs: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Process:
    pid: int
    parent: int
    name: str
    ticks: int


def _sample(root: int, seen: _Seen, ended: threading.Event) -> None:
    while not ended.wait(_SECONDS_BETWEEN_SAMPLES):
        tree = _tree(root)
        seen.peak = max(seen.peak, sum(_resident(process.pid) for process in tree))
        seen.ticks.update({process.pid: process.ticks for process in tree if process.ticks})
        seen.programs.update(process.name for process in tree)


def _tree(root: int) -> list[_Process]:
    children: dict[int, list[_Process]] = {}
    found: list[_Process] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        process = _read(stat)
        if process is None:
            continue
        children.setdefault(process.parent, []).append(process)
        if process.pid == root:
            found.append(process)
    for process in found:  # grows while it is walked
        found.extend(children.get(process.pid, []))
    return found


def _read(stat: Path) -> _Process | None:
    try:
        before, after = stat.read_text().rsplit(")", 1)
    except (OSError, ValueError):  # ended meanwhile
        return None
    fields = after.split()
    return _Process(int(stat.parent.name), int(fields[1]), before.partition("(")[2], int(fields[11]) + int(fields[12]))


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0
