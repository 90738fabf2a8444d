"""What all parts share: the sizes asked for, the folder they work in, and what one part leaves for the next."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.archive import archive_of, served
from benchmarks.market import Market
from benchmarks.process import Measurement, measure
from benchmarks.runs import REPOSITORY, Run, kedro_run
from benchmarks.stats import Cost, cost_of

CORRELATIONS = "mart_correlations"


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line.

    Args:
        market: Candles of most parts.
        work: Folder for archives and lakes; archives stay there for the next run.
        repetitions: How often what takes seconds is measured.
        big_repetitions: How often what takes minutes is measured.
        days: How many days in a row are added one by one.
        scale: Markets of the part *scale*.
        hourly_runs: Increments of the part *hourly*, at most ``HOURS_AFTER``.
        maintain_every: Maintenance after every so many of them; 0 for never.
    """

    market: Market
    work: Path
    repetitions: int = 3
    big_repetitions: int = 1
    days: int = 5
    scale: tuple[Market, ...] = ()
    hourly_runs: int = 100
    maintain_every: int = 0


@dataclass
class Context:
    """One run of the suite."""

    options: Options
    daily: Cost | None = None
    """What a day more costs, once it has been measured."""

    def program(self, name: str, *arguments: object) -> Measurement:
        """Measure a module of ``benchmarks.programs`` in a process of its own."""
        command = [sys.executable, "-m", f"benchmarks.programs.{name}", *map(str, arguments)]
        return measure(command, cwd=REPOSITORY)

    def repeat(self, what: Callable[[], Measurement], times: int) -> list[Measurement]:
        """Measure something several times in a row."""
        return [what() for _ in range(times)]

    def progress(self, text: str) -> None:
        """Tell whoever waits what is going on."""
        print(f"... {text}", file=sys.stderr, flush=True)

    def correlations(self, lake: Path) -> Run:
        """Make ``mart_correlations`` of a lake anew from its fact, in a process of its own."""
        shutil.rmtree(lake / "marts" / CORRELATIONS, ignore_errors=True)
        return kedro_run(lake, pipelines=("marts",), tables=(CORRELATIONS,))

    def scratch(self, name: str) -> Path:
        """An empty place below the work folder; what lay there is deleted."""
        place = self.options.work / name
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    @cached_property
    def floor(self) -> Cost:
        """What starting Kedro and Spark and committing one row costs: the yardstick of small runs."""
        return cost_of(self.repeat(self.start_up, self.options.repetitions))

    @cached_property
    def brief_floor(self) -> Cost:
        """The same with the session that small runs start."""
        return cost_of(self.repeat(lambda: self.start_up("brief"), self.options.repetitions))

    def start_up(self, *kind: str) -> Measurement:
        """Measure the floor once."""
        self.progress(" ".join(("floor", *kind)))
        place = self.scratch("floor")
        measurement = self.program("floor", place, *kind)
        shutil.rmtree(place)
        return measurement

    @cached_property
    def archive(self) -> Path:
        """The archive of the market."""
        self.progress(f"archive of {self.options.market.label} candles")
        return archive_of(self.options.market, self.options.work, days_after=self.options.days)

    @cached_property
    def base_lake(self) -> Path:
        """A lake with every table up to the end of the history; copy it, never change it.

        A lake of an earlier run of the suite is taken as it is if the sources of KlineForge have not changed since.
        """
        lake = self.options.work / f"lake-{self.options.market.label}"
        stamp, wanted = lake.with_suffix(".made-by"), _source_digest()
        if stamp.is_file() and stamp.read_text() == wanted and lake.is_dir():
            return lake
        stamp.unlink(missing_ok=True)
        self.scratch(lake.name)
        with served(self.archive) as url:
            self.progress(f"first run on a new lake: {self.options.market.label}")
            kedro_run(lake, self.ingestion(url, days=0))
        stamp.write_text(wanted)
        return lake

    def copy_of_base_lake(self, name: str) -> Path:
        """A lake to change, equal to the base lake."""
        base = self.base_lake
        place = self.scratch(name)
        shutil.copytree(base, place)
        return place

    def ingestion(self, url: str, *, days: int) -> dict[str, str]:
        """Runtime parameters of a run that ingests up to so many days after the history."""
        market = self.options.market
        end = market.end.toordinal() + days
        return {
            "coins": " ".join(market.symbols),
            "start": f"{market.start:%Y-%m-%d}",
            "end": f"{type(market.end).fromordinal(end):%Y-%m-%d}",
            "archive_url": url,
            "rest_url": "off",
        }


def seconds_said(measurement: Measurement, what: str = "seconds") -> float:
    """The figure of the line ``seconds X`` that a program printed.

    Args:
        measurement: The program's run.
        what: Another first word of the line: ``cpu``.

    Raises:
        ValueError: When it printed none.
    """
    found = re.findall(rf"^{what} ([0-9.]+)$", measurement.output, re.MULTILINE)
    if not found:
        raise ValueError(f"expected a line '{what} X', found:\n{measurement.output}")
    return float(found[-1])


def _source_digest() -> str:
    digest = hashlib.sha256()
    for folder, pattern in (("src/klineforge", "**/*.py"), ("src/klineforge", "**/*.csv"), ("conf", "base/*.yml")):
        for file in sorted((REPOSITORY / folder).glob(pattern)):
            digest.update(str(file).encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()
