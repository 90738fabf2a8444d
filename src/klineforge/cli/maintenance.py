"""Maintain the tables of a lake, one after the other, and print what that did. Starts no Spark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import click
from deltalake.exceptions import DeltaError
from polars.exceptions import PolarsError
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from klineforge.contracts import CONTRACTS
from klineforge.domain.contract import TableContract
from klineforge.errors import ConfigurationError, KlineForgeError
from klineforge.lake.leftovers import Retention
from klineforge.lake.lock import lake_lock
from klineforge.lake.maintenance import Policy, Upkeep, maintain
from klineforge.lake.memory import readers_of
from klineforge.quality.forgetting import KEPT, forget_results
from klineforge.reporting.render import grid, titled
from klineforge.reporting.runlog import trim_runs
from klineforge.reporting.runtable import waiting_runs

# What is left of an address after it was joined to the project's folder.
_ADDRESS = re.compile(r"(\w+):/+(.*)")
_FAILURES = (DeltaError, PolarsError, OSError, ValueError, KlineForgeError)
_ELSEWHERE = (
    "Tables in object storage or in a catalog are looked after where they are: on Databricks by predictive "
    "optimization, or in SQL with OPTIMIZE <table> and VACUUM <table> RETAIN 168 HOURS"
)


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    Args:
        tables: Names; none means all.
        keep_hours: Hours a data file stays after the last version that held it.
        keep_log_days: Days a log entry stays.
        force: Less than the defaults is meant.
        dry_run: Only say what would be done.
    """

    tables: tuple[str, ...] = ()
    keep_hours: int = 168
    keep_log_days: int = 30
    force: bool = False
    dry_run: bool = False

    def contracts(self) -> tuple[TableContract, ...]:
        """The tables, in the order of the layers.

        Raises:
            click.UsageError: For a name that is no table; the exit code is 2.
        """
        wrong = [name for name in self.tables if name not in CONTRACTS]
        if wrong:
            raise click.UsageError(
                f"cannot maintain {', '.join(wrong)}: expected tables of the lake, among {', '.join(CONTRACTS)}"
            )
        return tuple(contract for name, contract in CONTRACTS.items() if not self.tables or name in self.tables)

    def retention(self) -> Retention:
        """How long things stay.

        Raises:
            click.UsageError: For less than the defaults without ``force``.
            ConfigurationError: When log entries would go before the files they tell of.
        """
        wanted = Retention(timedelta(hours=self.keep_hours), timedelta(days=self.keep_log_days))
        safe = Retention()
        if not self.force and (wanted.files < safe.files or wanted.logs < safe.logs):
            raise click.UsageError(
                f"keeping files for {self.keep_hours} hours and log entries for {self.keep_log_days} days is less than "
                "168 hours and 30 days: whoever is reading at the moment may fail, and time travel ends there. Add "
                "--force if that is meant"
            )
        return wanted


@dataclass(frozen=True)
class Done:
    """What maintenance did to a lake.

    Args:
        tables: One entry per table that could be maintained.
        failures: Table and reason for those that could not.
        runs_forgotten: Lines taken from the run log.
        checks_forgotten: Old rows taken from ``quality_results``.
    """

    tables: tuple[Upkeep, ...]
    failures: tuple[tuple[str, str], ...]
    runs_forgotten: int
    checks_forgotten: int


def maintain_lake(lake: Path, request: Request, now: datetime) -> Done:
    """Maintain the tables of a lake while no run can write to it.

    Args:
        lake: Its root.
        request: What to do.
        now: Aware UTC instant.

    Raises:
        ConfigurationError: When there is no lake on this machine's file system, or a table's memory cannot be read.
        LakeBusyError: Another run holds the lake.
    """
    contracts, retention = request.contracts(), request.retention()
    require_local(lake)
    upkeeps: list[Upkeep] = []
    failures: list[tuple[str, str]] = []
    with lake_lock(lake, purpose="kedro klineforge maintain", now=now):
        # First, so that the files this leaves are looked after, too.
        checks = 0 if request.dry_run else _let_go("quality_results", lambda: forget_results(lake, now), failures)
        readers = readers_of(lake)
        for contract in contracts:
            path = lake / contract.layer / contract.name
            if not path.exists():
                continue
            try:
                upkeeps.append(
                    maintain(
                        path,
                        contract,
                        readers.get(contract.name, ()),
                        now=now,
                        policy=Policy(retention),
                        dry_run=request.dry_run,
                    )
                )
            except _FAILURES as error:
                failures.append((contract.name, next(iter(str(error).splitlines()), type(error).__name__)))
        # But for the runs that the table ``run_log`` does not hold yet.
        runs = 0 if request.dry_run else _let_go("run log", lambda: trim_runs(lake, kept=waiting_runs(lake)), failures)
    return Done(tuple(upkeeps), tuple(failures), runs, checks)


def _let_go(name: str, forget: Callable[[], int], failures: list[tuple[str, str]]) -> int:
    try:
        return forget()
    except _FAILURES as error:
        failures.append((name, next(iter(str(error).splitlines()), type(error).__name__)))
        return 0


def require_local(lake: Path) -> None:
    """Refuse a lake that is not in a folder of this machine, and say what to use instead.

    Raises:
        ConfigurationError: When it is elsewhere or holds no table.
    """
    address = _ADDRESS.search(lake.as_posix())
    if address is not None:
        raise ConfigurationError(f"the lake {address[1]}://{address[2]} is not a folder of this machine. {_ELSEWHERE}")
    if not any(lake.glob("*/*/_delta_log")):
        raise ConfigurationError(f"there is no table in {lake.absolute()}: kedro run makes them there. {_ELSEWHERE}")


def print_maintenance(lake: Path, done: Done, console: Console, *, dry_run: bool) -> None:
    """Print what was done, or would be."""
    title = f"Maintenance of {lake}" + (": nothing was changed, this would be done" if dry_run else "")
    remarks = [Text(line, style="yellow") for line in _remarks(done)]
    console.print(titled(title, Group(_figures(done.tables), *remarks)))


def raise_failures(done: Done) -> None:
    """End the command with the tables that could not be maintained.

    Raises:
        click.ClickException: When there are any; the exit code is 1.
    """
    if done.failures:
        lines = "\n".join(f"  {table}: {reason}" for table, reason in done.failures)
        raise click.ClickException(f"these tables could not be maintained; the others were:\n{lines}")


def _figures(tables: Iterable[Upkeep]) -> Table:
    names = ("files", "size", "log entries", "reclaimed")
    shown, total = grid("table", *names, right=names), 0
    for done in tables:
        total += done.reclaimed
        shown.add_row(
            done.table,
            _moved(done.before.files, done.after.files, "{:,}".format),
            _moved(done.before.size_bytes, done.after.size_bytes, size),
            _moved(done.before.log_entries, done.after.log_entries, "{:,}".format),
            size(done.reclaimed) if done.reclaimed else "",
        )
    shown.add_row("all", "", "", "", size(total), style="bold")
    return shown


def _moved(before: int, after: int, written: Callable[[int], str]) -> str:
    return written(after) if written(before) == written(after) else f"{written(before)} -> {written(after)}"


def _remarks(done: Done) -> Iterator[str]:
    for upkeep in done.tables:
        yield from (f"{upkeep.table}: {remark}" for remark in upkeep.remarks)
    if done.runs_forgotten:
        yield f"run log: {done.runs_forgotten:,} old runs were forgotten"
    if done.checks_forgotten:
        yield f"quality_results: {done.checks_forgotten:,} results older than {KEPT.days} days were forgotten"


def size(count: int) -> str:
    """A number of bytes in the unit a person would choose.

    >>> size(740), size(12_345), size(41_200_000), size(3_000_000_000)
    ('740 B', '12.3 kB', '41.2 MB', '3.0 GB')
    """
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:,.1f} {unit}"
    return f"{count} B"
