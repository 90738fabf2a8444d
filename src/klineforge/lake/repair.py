"""Mend a damaged table without losing anything: what is set aside stays in a folder of the lake.

Torn commits at the end of a log go, so that the version before them is the newest again. Derived tables that had read
them are told to be made anew: the version that comes next has the same number and may say something else.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pyarrow.parquet as pq
from deltalake import DeltaTable, Transaction
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, CommitProperties, PostCommitHookProperties, RemoveAction

from klineforge.contracts import CONTRACTS
from klineforge.domain.contract import TableContract
from klineforge.errors import DamagedTableError
from klineforge.lake.damage import Damage, find_damage
from klineforge.lake.location import TableLocation
from klineforge.lake.log import LocalTableLog
from klineforge.lake.log_files import LOG_FOLDER, read_log_files
from klineforge.lake.memory import DAMAGED, newest_note
from klineforge.lake.note import TAKEN_BACK, CommitNote
from klineforge.lake.salvage import salvage

QUIET = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)


@dataclass(frozen=True)
class Repair:
    """What was found of a table, and what was done about it.

    Args:
        table: Its name.
        found: What is wrong; nothing when all is well.
        done: What was done or, in a dry run, would be, one sentence each.
    """

    table: str
    found: tuple[str, ...] = ()
    done: tuple[str, ...] = ()


@dataclass(frozen=True)
class Workshop:
    """Where and when tables are mended.

    Args:
        lake: Root of the lake; the caller holds its lock.
        now: Aware UTC instant.
        dry_run: Change nothing, only say what would be done.
    """

    lake: Path
    now: datetime
    dry_run: bool = False

    def path(self, contract: TableContract) -> Path:
        """The folder of a table."""
        return self.lake / contract.layer / contract.name

    def shelf(self, table: str) -> Path:
        """Where the files of a table go that are set aside."""
        return self.lake / DAMAGED / f"{table}-{self.now:%Y%m%dT%H%M%SZ}"

    def being_made(self, table: str) -> Path:
        """Where a table is made anew; once its own folder is away, what lies here is whole."""
        return self.lake / DAMAGED / f"{table}-being-made"

    def put_aside(self, contract: TableContract, files: Iterable[str]) -> None:
        """Move files of a table to its shelf.

        Args:
            contract: The table's contract.
            files: Relative to the table.
        """
        for name in files:
            if not (self.path(contract) / name).exists():
                # Two damages may name one file.
                continue
            target = self.shelf(contract.name) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(self.path(contract) / name, target)

    def put_table_aside(self, contract: TableContract) -> Path:
        """Move a whole table to its shelf; where it lies then."""
        target = self.shelf(contract.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            target = target.with_name(f"{target.name}-{len(list(target.parent.iterdir()))}")
        shutil.move(self.path(contract), target)
        return target

    def shown(self, table: str) -> str:
        """The shelf of a table in a sentence."""
        return str(self.shelf(table).relative_to(self.lake))


def mend(contract: TableContract, shop: Workshop) -> Repair:
    """Find out what is wrong with a table and mend it.

    Args:
        contract: The table's contract.
        shop: Where and when.

    Raises:
        DamagedTableError: When nothing that can be read is left of a bronze table.
    """
    if not shop.path(contract).exists():
        return _end_killed_repair(contract, shop)
    found = find_damage(shop.path(contract))
    texts = [damage.text for damage in found]
    if any(damage.kind == "log" for damage in found):
        return Repair(contract.name, tuple(texts), (_make_anew(contract, shop),))
    done = [_mend(contract, shop, damage) for damage in found]
    if found and not shop.dry_run and not any(damage.kind == "files" for damage in found):
        # With a log that can be read again, the files can be judged.
        rest = find_damage(shop.path(contract))
        texts += [damage.text for damage in rest]
        done += [_mend(contract, shop, damage) for damage in rest]
    return Repair(contract.name, tuple(texts), tuple(done))


def _mend(contract: TableContract, shop: Workshop, damage: Damage) -> str:
    if damage.kind == "log":
        return _make_anew(contract, shop)
    if damage.kind == "files" and contract.layer != "bronze":
        return _make_anew(contract, shop)
    if damage.kind == "files":
        if not shop.dry_run:
            _forget_files(contract, shop, damage.files)
        return f"{_number(damage.files, 'file')} taken out of the table by a commit; what is left of them is in " + (
            shop.shown(contract.name)
        )
    if damage.rest is not None and not shop.dry_run:
        ask_to_rebuild(readers_beyond(shop.lake, contract.name, damage.rest))
    if not shop.dry_run:
        shop.put_aside(contract, damage.files)
    version = "" if damage.rest is None else f"; version {damage.rest} is the newest again"
    return f"{_number(damage.files, 'file')} set aside to {shop.shown(contract.name)}{version}"


def _make_anew(contract: TableContract, shop: Workshop) -> str:
    """Set a table aside; one of bronze is made anew from its own data files, others by the next run."""
    if contract.layer != "bronze":
        if not shop.dry_run:
            shop.put_table_aside(contract)
        return f"set aside to {shop.shown(contract.name)}; the next kedro run makes it anew from bronze"
    text = f"set aside to {shop.shown(contract.name)} and made anew from its data files"
    if shop.dry_run:
        return text
    made = shop.being_made(contract.name)
    rows, unread = salvage(shop.path(contract), contract, made, lambda: shop.put_table_aside(contract))
    lost = f"; {_number(unread, 'file')} could not be read" if unread else ""
    return f"{text}: {rows:,} rows{lost}"


def _end_killed_repair(contract: TableContract, shop: Workshop) -> Repair:
    """Put a table in its place that a killed repair had made."""
    made = shop.being_made(contract.name)
    if not shop.dry_run:
        made.rename(shop.path(contract))
    return Repair(contract.name, ("a repair was killed before it was done",), (f"{made.name} put in its place",))


def _forget_files(contract: TableContract, shop: Workshop, lost: tuple[str, ...]) -> None:
    """Take data files out of the newest version, and take back what says that their content was appended."""
    path = shop.path(contract)
    table = DeltaTable(path)
    gone = set(lost)
    files = [row for row in pl.DataFrame(table.get_add_actions(flatten=True)).to_dicts() if row["path"] in gone]
    instant = int(shop.now.timestamp() * 1000)
    actions: list[AddAction | RemoveAction] = [
        RemoveAction(
            row["path"],
            data_change=True,
            deletion_timestamp=instant,
            size=row["size_bytes"],
            partition_values={
                name.removeprefix("partition."): None if value is None else str(value)
                for name, value in row.items()
                if name.startswith("partition.")
            },
        )
        for row in files
    ]
    note = CommitNote(contract.name, "rebuild", extra={"repair": "files that cannot be read were taken out"})
    commit(path, note, actions, taken_back(path))
    shop.put_aside(contract, [unquote(name) for name in lost])


def commit(
    path: Path, note: CommitNote, actions: list[AddAction | RemoveAction], transactions: list[Transaction]
) -> None:
    """Commit actions with a note, without a checkpoint and without a cleanup.

    Args:
        path: Folder of the table.
        note: What to remember.
        actions: Files added and removed.
        transactions: Identities and the numbers they have from now on.
    """
    table = DeltaTable(path)
    table.create_write_transaction(
        actions,
        mode="append",
        schema=table.schema(),
        partition_by=table.metadata().partition_columns,
        commit_properties=CommitProperties(
            custom_metadata={"userMetadata": note.to_json()}, app_transactions=transactions
        ),
        post_commithook_properties=QUIET,
    )


def taken_back(path: Path) -> list[Transaction]:
    """Every identity under which rows were appended, as not used yet: what is lost may be appended again.

    Args:
        path: Folder of the table.
    """
    log = read_log_files(path)
    base = max(log.checkpoints, default=-1)
    known = set()
    if base >= 0:
        checkpoint = path / LOG_FOLDER / f"{base:020d}.checkpoint.parquet"
        if "txn" in pq.read_schema(checkpoint).names:
            rows = pq.read_table(checkpoint, columns=["txn"]).column("txn").to_pylist()
            known = {row["appId"] for row in rows if row is not None}
    for version, file in log.commits.items():
        if version > base:
            for line in file.read_text(encoding="utf-8").splitlines():
                known |= {action["appId"] for name, action in json.loads(line).items() if name == "txn"}
    return [Transaction(name, 0) for name in sorted(known)]


def readers_beyond(lake: Path, table: str, version: int) -> Iterator[Path]:
    """Derived tables that have read versions of a table that it does not have, or no longer.

    Args:
        lake: Root of the lake.
        table: The table read.
        version: Its newest version, or the one that will be.
    """
    for contract in CONTRACTS.values():
        path = lake / contract.layer / contract.name
        if contract.layer == "bronze" or not (path / LOG_FOLDER).is_dir():
            continue
        try:
            noted, _ = newest_note(LocalTableLog(TableLocation(path=str(path))), contract.name)
        except (DeltaError, OSError, ValueError):  # itself damaged: it will be mended in its turn
            continue
        seen = None if noted is None else noted.note.consumed.get(table)
        if seen is not None and seen.version > version:
            yield path


def ask_to_rebuild(tables: Iterable[Path]) -> tuple[str, ...]:
    """Let the next run make derived tables anew; their rows stay as they are until then.

    Args:
        tables: Their folders.

    Returns:
        Their names.
    """
    asked = []
    for path in tables:
        commit(path, CommitNote(path.name, "acknowledge", recipe_version=TAKEN_BACK), [], [])
        asked.append(path.name)
    return tuple(asked)


def require_mended(contract: TableContract, shop: Workshop) -> None:
    """Make sure that nothing is wrong with a table any more.

    Args:
        contract: The table's contract.
        shop: Where.

    Raises:
        DamagedTableError: With what still is.
    """
    if left := find_damage(shop.path(contract)):
        raise DamagedTableError("; ".join(damage.text for damage in left))


def _number(things: Iterable[str], name: str) -> str:
    count = len(tuple(things))
    return f"{count:,} {name}" if count == 1 else f"{count:,} {name}s"
