"""What may befall a table between two runs, done to its files the way the world does it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from deltalake import DeltaTable

from klineforge.incremental import engine
from klineforge.lake.note import CommitNote


class KilledError(Exception):
    """Ends a run where a test wants it to end."""


def lose_change_data(table: Path) -> None:
    """Delete the change data files, as a vacuum does after its retention."""
    for file in table.glob("_change_data/**/*.parquet"):
        file.unlink()


def clean_up_log(table: Path) -> None:
    """Write a checkpoint and delete all older log entries, as log clean-up does after its retention."""
    here = DeltaTable(str(table))
    here.create_checkpoint()
    for version in range(here.version()):
        _entry(table, version).unlink(missing_ok=True)


def compact(table: Path) -> None:
    """Rewrite small files as large ones: other files, the same rows."""
    DeltaTable(str(table)).optimize.compact()


def vacuum(table: Path) -> None:
    """Delete every file that the newest version does not need."""
    DeltaTable(str(table)).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)


def compact_and_vacuum(table: Path) -> None:
    """Both, so that the files older commits added are gone."""
    compact(table)
    vacuum(table)


def delete_a_coin(table: Path) -> None:
    """Delete rows by hand, behind KlineForge's back."""
    here = DeltaTable(str(table))
    names = {field.name for field in here.schema().fields}
    column = next((name for name in ("coin", "base_coin") if name in names), None)
    here.delete(None if column is None else f"{column} = 'AAAUSDT'")


def roll_back(table: Path) -> None:
    """Restore the version before the newest, by hand."""
    here = DeltaTable(str(table))
    if here.version() > 1:
        here.restore(here.version() - 1)


def drop(table: Path) -> None:
    """Delete the whole table."""
    shutil.rmtree(table)


TROUBLES: dict[str, Callable[[Path], None]] = {
    trouble.__name__: trouble
    for trouble in (
        lose_change_data,
        clean_up_log,
        compact,
        vacuum,
        compact_and_vacuum,
        delete_a_coin,
        roll_back,
        drop,
    )
}
# These change what rows there are, which of bronze's would be another history.
HARMLESS = tuple(name for name in TROUBLES if name not in {"delete_a_coin", "roll_back", "drop"})


def take_back_newest_commit(table: Path) -> None:
    """Undo the newest log entry as if the run had been killed just before it: the data files stay behind.

    A checkpoint of the version goes too, because it is written after the entry.
    """
    version = DeltaTable(str(table)).version()
    log = table / "_delta_log"
    _entry(table, version).unlink()
    for checkpoint in log.glob(f"{version:020d}.checkpoint*"):
        checkpoint.unlink()
    for sidecar in log.glob(f"{version:020d}.crc"):
        sidecar.unlink()
    last = log / "_last_checkpoint"
    if last.is_file() and json.loads(last.read_text())["version"] >= version:
        last.unlink()


@contextmanager
def raising_before_commit(table: str) -> Iterator[None]:
    """Fail while a table's rows are computed and nothing is committed: its commit's note cannot be written."""
    to_json = CommitNote.to_json

    def fail(note: CommitNote) -> str:
        if note.table == table:
            raise KilledError(table)
        return to_json(note)

    with patch.object(CommitNote, "to_json", fail):
        yield


@contextmanager
def raising_after_commit(table: str) -> Iterator[None]:
    """Fail when a table has been committed and nobody knows of it yet."""
    outcome = engine.Outcome

    def fail(*args: object, **named: object) -> engine.Outcome:
        if named.get("table", args[:1]) == table:
            raise KilledError(table)
        return outcome(*args, **named)  # type: ignore[arg-type]

    with patch.object(engine, "Outcome", fail):
        yield


def _entry(table: Path, version: int) -> Path:
    return table / "_delta_log" / f"{version:020d}.json"
