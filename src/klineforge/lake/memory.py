"""Who in the lake has read which version of which table, from the notes that derived tables carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deltalake.exceptions import DeltaError

from klineforge.errors import ConfigurationError
from klineforge.lake.location import TableLocation
from klineforge.lake.log import Commit, LocalTableLog, TableLog
from klineforge.lake.log_files import LOG_FOLDER
from klineforge.lake.note import CommitNote, InputVersion

# Where damaged tables and files are kept, beside the layers.
DAMAGED = "damaged"


@dataclass(frozen=True)
class Reader:
    """A derived table that reads another one's changes.

    Args:
        table: Its name.
        version: The version of the other table up to which it has read; it will ask for the changes after it.
    """

    table: str
    version: int


@dataclass(frozen=True)
class Noted:
    """The newest commit in which a table says something about itself."""

    version: int
    note: CommitNote


def newest_version(path: Path) -> int | None:
    """The newest version of a table; None where there is none.

    Args:
        path: Folder of the table.

    Raises:
        DamagedTableError: When its log cannot be read.
    """
    head = LocalTableLog(TableLocation(path=str(path))).head()
    return None if head is None else head.version


def newest_note(log: TableLog, table: str) -> tuple[Noted | None, str]:
    """What a table remembers, or why that cannot be trusted.

    Args:
        log: The table's log.
        table: Its name; notes about other tables do not count.

    Returns:
        The note and an empty text; or None and the commit that may have changed rows without one.
    """
    for commit in log.commits():
        if commit.note is not None and commit.note.table == table:
            return Noted(commit.version, commit.note), ""
        if commit.changes_rows:
            return None, _foreign(commit)
    return None, "its log holds no note of KlineForge"


def _foreign(commit: Commit) -> str:
    return f"version {commit.version} ({commit.operation}) was not written by KlineForge"


def readers_of(lake: Path) -> Mapping[str, tuple[Reader, ...]]:
    """The readers of every table of a lake on this machine, by the name of the table they read.

    A table that will be made anew in any case, because it has no memory or its input was replaced, reads no changes.

    Raises:
        ConfigurationError: When a table's log cannot be read: what it has read is not known then.
    """
    logs = dict(_logs(lake))
    heads: dict[str, InputVersion | None] = {}
    notes: dict[str, CommitNote] = {}
    for name, log in logs.items():
        try:
            heads[name] = log.head()
            noted, _ = newest_note(log, name)
        except (DeltaError, OSError, ValueError) as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise ConfigurationError(
                f"the log of table {name} cannot be read: {reason}. Nothing was changed, because it is not known which "
                f"changes it still needs. What to do: restore its folder from a copy, or mend it with kedro "
                "klineforge repair (docs/repair.md)"
            ) from error
        if noted is not None:
            notes[name] = noted.note
    found: dict[str, list[Reader]] = {}
    for name, note in notes.items():
        for source, seen in note.consumed.items():
            head = heads.get(source)
            if head is not None and head.id == seen.id:
                found.setdefault(source, []).append(Reader(name, seen.version))
    return {source: tuple(readers) for source, readers in found.items()}


def _logs(lake: Path) -> Iterator[tuple[str, LocalTableLog]]:
    for folder in sorted(lake.glob(f"*/*/{LOG_FOLDER}")):
        if folder.parent.parent.name == DAMAGED:
            continue
        yield folder.parent.name, LocalTableLog(TableLocation(path=str(folder.parent)))
