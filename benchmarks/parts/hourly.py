"""A lake that has lived long: many hourly increments in one process, the last against the first."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from deltalake import DeltaTable

from benchmarks.context import Context
from benchmarks.process import measure
from benchmarks.render import COST_HEAD, Section, Table, cost_cells
from benchmarks.runs import REPOSITORY
from benchmarks.stats import cost_of, verdict

MOST_COMPARED = 20
LAST_TO_FIRST = 1.3
# Months pass within minutes here: what a real lake keeps for its readers is thrown away at once.
MAINTAIN = (
    *(sys.executable, "-m", "kedro", "klineforge", "maintain"),
    *("--keep-hours", "0", "--keep-log-days", "0", "--force"),
)


@dataclass(frozen=True)
class Size:
    """What a lake is made of on disk.

    Args:
        live: Data files that the newest versions of the tables consist of.
        files: All files.
        bytes: Of all files.
        log_bytes: Of the tables' logs.
    """

    live: int
    files: int
    bytes: int
    log_bytes: int

    def cells(self) -> tuple[str, ...]:
        """Cells of a table."""
        return f"{self.live:,}", f"{self.files:,}", f"{self.bytes / 1e6:,.0f}", f"{self.log_bytes / 1e6:,.1f}"


def measure_hourly(context: Context) -> Section:
    """Measure hourly increments one after the other."""
    options = context.options
    lake = context.copy_of_base_lake("hourly")
    before = size_of(lake)
    market = options.market
    sizes = (market.coins, market.hours, options.hourly_runs, options.maintain_every)
    context.progress(f"{options.hourly_runs} hourly increments")
    measurement = context.program("hourly", lake, *sizes, *([market.real] if market.real else []))
    after = size_of(lake)
    context.progress("maintenance")
    maintenance = measure([*MAINTAIN, "--lake", str(lake)], cwd=REPOSITORY)
    maintained = size_of(lake)
    shutil.rmtree(lake)
    runs, upkeep = figures(measurement.output, "run"), figures(measurement.output, "maintenance")
    summary = "; ".join(
        _compared(name, [run[index] for run in runs]) for index, name in enumerate(("wall time", "processor time"))
    )
    in_between = (
        f" In between, maintenance ran {len(upkeep)} times, {median(wall for wall, _ in upkeep):.1f} s each."
        if upkeep
        else ""
    )
    return Section(
        "hourly",
        "A long-lived lake",
        (
            _INTRODUCTION.format(runs=options.hourly_runs, market=market),
            Table(
                ("", *COST_HEAD),
                (
                    ("all increments", *cost_cells(cost_of([measurement]))),
                    ("one maintenance afterwards", *cost_cells(cost_of([maintenance]))),
                ),
            ),
            f"{summary}.{in_between}",
            Table(
                ("lake", "live files", "all files", "MB", "MB of logs"),
                (
                    ("before", *before.cells()),
                    ("after the increments", *after.cells()),
                    ("after maintenance", *maintained.cells()),
                ),
            ),
        ),
    )


_INTRODUCTION = (
    "{runs} hourly increments of {market.coins} coins on a lake with {market.hours:,} hours, in one process: an hour "
    "of each coin is appended to bronze, then the project's pipelines silver, gold and marts run. Maintenance is "
    "`kedro klineforge maintain` that keeps nothing old."
)


def first_and_last(seconds: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    """The runs to compare: after a tenth as warm-up the first ones, and the last ones; at most 20 each.

    >>> first_and_last([9.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0])
    ([1.0, 1.0, 1.0], [2.0, 2.0, 2.0])
    """
    warm = seconds[max(1, len(seconds) // 10) :]
    compared = max(1, min(MOST_COMPARED, len(warm) // 3))
    return warm[:compared], warm[-compared:]


def size_of(lake: Path) -> Size:
    """Count files and bytes of every table."""
    logs = sorted(lake.glob("*/*/_delta_log"))
    files = [file for log in logs for file in log.parent.rglob("*") if file.is_file()]
    in_logs = [file for log in logs for file in log.rglob("*") if file.is_file()]
    return Size(
        live=sum(len(DeltaTable(str(log.parent)).file_uris()) for log in logs),
        files=len(files),
        bytes=sum(file.stat().st_size for file in files),
        log_bytes=sum(file.stat().st_size for file in in_logs),
    )


def _compared(name: str, seconds: Sequence[float]) -> str:
    first, last = first_and_last(seconds)
    times = median(last) / median(first)
    return (
        f"{name} of the first {len(first)} runs after the warm-up {median(first):.2f} s (median), of the last "
        f"{len(last)} {median(last):.2f} s: {times:.2f} times, aim {LAST_TO_FIRST} {verdict(times, LAST_TO_FIRST)}"
    )


def figures(output: str, word: str) -> list[tuple[float, float]]:
    r"""Wall and processor seconds of every line that begins with a word.

    >>> figures("run 2.5 3.75\nmaintenance 1.0 1.5\n", "run")
    [(2.5, 3.75)]
    """
    found = re.findall(rf"^{word} ([0-9.]+) ([0-9.]+)$", output, re.MULTILINE)
    return [(float(wall), float(cpu)) for wall, cpu in found]
