"""Find what is damaged in a lake, mend what can be mended, and print both. Starts no Spark."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click
from deltalake.exceptions import DeltaError
from polars.exceptions import PolarsError
from rich.console import Console, Group
from rich.text import Text

from klineforge.cli.maintenance import require_local
from klineforge.contracts import CONTRACTS
from klineforge.contracts.bronze import BINANCE_INGESTION_CHECKPOINTS, BINANCE_KLINES_DAILY
from klineforge.domain.contract import TableContract
from klineforge.errors import KlineForgeError
from klineforge.lake.claims import lost_rows, withdraw_claims
from klineforge.lake.damage import find_damage
from klineforge.lake.lock import lake_lock
from klineforge.lake.memory import newest_version
from klineforge.lake.repair import (
    Repair,
    Workshop,
    ask_to_rebuild,
    mend,
    readers_beyond,
    require_mended,
)
from klineforge.reporting.render import grid, titled

_FAILURES = (DeltaError, PolarsError, OSError, ValueError, KlineForgeError)
_CLAIMS = (BINANCE_KLINES_DAILY.name, BINANCE_INGESTION_CHECKPOINTS.name)


@dataclass(frozen=True)
class Diagnosis:
    """What was found in a lake, and what was done about it.

    Args:
        tables: One entry per table that is there, in the order of the layers.
        remarks: What concerns several tables.
        failures: Table and reason where something is left.
    """

    tables: tuple[Repair, ...]
    remarks: tuple[str, ...]
    failures: tuple[tuple[str, str], ...]

    @property
    def is_well(self) -> bool:
        """Whether nothing at all is wrong."""
        return not (self.failures or self.remarks or any(table.found for table in self.tables))


def repair_lake(lake: Path, names: tuple[str, ...], now: datetime, *, dry_run: bool = False) -> Diagnosis:
    """Diagnose the tables of a lake and mend them, while no run can write to it.

    Args:
        lake: Its root.
        names: Tables; none means all.
        now: Aware UTC instant.
        dry_run: Change nothing, only say what would be done.

    Raises:
        click.UsageError: For a name that is no table.
        ConfigurationError: When there is no lake on this machine's file system.
        LakeBusyError: Another run holds the lake.
    """
    if wrong := [name for name in names if name not in CONTRACTS]:
        raise click.UsageError(
            f"cannot repair {', '.join(wrong)}: expected tables of the lake, among {', '.join(CONTRACTS)}"
        )
    require_local(lake)
    chosen = [contract for name, contract in CONTRACTS.items() if not names or name in names]
    shop = Workshop(lake, now, dry_run)
    repairs: dict[str, Repair] = {}
    failures: list[tuple[str, str]] = []
    remarks: list[str] = []
    with lake_lock(lake, purpose="kedro klineforge repair", now=now):
        # Readers before what they read: they are told in their own logs when that is set back.
        for contract in reversed(chosen):
            if shop.path(contract).exists() or shop.being_made(contract.name).exists():
                _attempt(contract, shop, repairs, failures)
        for name, step in (("bronze", _claims), ("silver, gold, marts", _readers)):
            try:
                remarks += step(shop, chosen)
            except _FAILURES as error:
                failures.append((name, _first_line(error)))
    order = list(CONTRACTS)
    return Diagnosis(
        tuple(sorted(repairs.values(), key=lambda repair: order.index(repair.table))), tuple(remarks), tuple(failures)
    )


def _attempt(
    contract: TableContract, shop: Workshop, repairs: dict[str, Repair], failures: list[tuple[str, str]]
) -> None:
    try:
        repairs[contract.name] = mend(contract, shop)
        if not shop.dry_run:
            require_mended(contract, shop)
    except _FAILURES as error:
        failures.append((contract.name, _first_line(error)))


def _claims(shop: Workshop, chosen: list[TableContract]) -> list[str]:
    """Checkpoints that claim what klines do not hold; both tables must be whole to tell."""
    if not any(contract.name in _CLAIMS for contract in chosen):
        return []
    if any(find_damage(shop.path(CONTRACTS[name])) for name in _CLAIMS):
        return []
    lost, batches = lost_rows(shop)
    if batches and not shop.dry_run:
        withdraw_claims(shop, batches)
    return [
        f"{_CLAIMS[0]} lacks {part}, which its checkpoints claim: the next kedro run downloads them again"
        for part in lost
    ]


def _readers(shop: Workshop, chosen: list[TableContract]) -> list[str]:
    """Derived tables that have read a version which is not there, as after a table was restored from a copy."""
    remarks = []
    for contract in chosen:
        path = shop.path(contract)
        # What could not be mended is told elsewhere; in a dry run nothing was.
        version = None if find_damage(path) else newest_version(path)
        if version is None:
            continue
        ahead = tuple(readers_beyond(shop.lake, contract.name, version))
        if ahead:
            names = ", ".join(path.name for path in ahead)
            remarks.append(f"{contract.name} ends at version {version}, more was read by {names}: the next kedro run "
                           "makes them anew")  # fmt: skip
        if not shop.dry_run:
            ask_to_rebuild(ahead)
    return remarks


def print_diagnosis(lake: Path, done: Diagnosis, console: Console, *, dry_run: bool) -> None:
    """Print what was found and what was done, or would be."""
    title = f"Repair of {lake}" + (": nothing was changed, this would be done" if dry_run else "")
    shown = grid("table", "state")
    for table in done.tables:
        shown.add_row(table.table, "; ".join(table.found) or "ok")
    lines = [f"{table.table}: {line}" for table in done.tables for line in table.done]
    remarks = [Text(line, style="yellow") for line in (*lines, *done.remarks)]
    console.print(titled(title, Group(shown, *remarks, *([Text("Nothing is wrong.")] if done.is_well else []))))


def end_with_what_is_left(done: Diagnosis, *, dry_run: bool) -> None:
    """End the command with the tables that are still damaged.

    Raises:
        click.ClickException: When there are any; the exit code is 1.
    """
    if done.failures:
        lines = "\n".join(f"  {table}: {reason}" for table, reason in done.failures)
        raise click.ClickException(f"this could not be mended (docs/repair.md says what else there is):\n{lines}")
    if dry_run and not done.is_well:
        raise click.ClickException("the lake is damaged; the same command without --dry-run mends it")


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
