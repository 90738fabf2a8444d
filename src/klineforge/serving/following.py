"""One Delta table that is read again and again while others write to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from klineforge.domain.contract import TableContract
from klineforge.lake.damage import find_damage, wrong_with_commit
from klineforge.serving.explanation import Explanation, UnavailableError, absent, damaged, no_lake

UNREADABLE = (DeltaError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Edition:
    """One version of a table, as a key of what was read from it.

    Args:
        table: Table name.
        identity: The table's own id; another one after it was removed and made anew.
        version: Delta version.
    """

    table: str
    identity: str
    version: int


_Stamp = tuple[int, int, int]


class FollowedTable:
    """A table's newest version, found by two looks at its log folder instead of by reading the log again.

    Args:
        lake: Root of the lake.
        contract: The table's contract.
    """

    def __init__(self, lake: Path, contract: TableContract) -> None:
        self.contract = contract
        self._lake = lake
        self._path = lake / contract.layer / contract.name
        self._lock = Lock()
        self._opened: tuple[Edition, DeltaTable] | None = None
        self._stamp: _Stamp | None = None
        self._newest: tuple[Edition, datetime | None] | None = None

    def current(self) -> tuple[Edition, DeltaTable]:
        """The newest version and the table opened at it, which stays at it.

        Raises:
            UnavailableError: The table is not there, or its log cannot be read.
        """
        with self._lock:
            if self._opened is None or self._has_moved(self._opened[0]):
                self._opened = None
                self._opened = self._open()
            return self._opened

    def newest_hour(self) -> datetime | None:
        """The newest hour the table speaks of, by its file statistics; None where it is empty.

        Raises:
            UnavailableError: The table cannot be read.
        """
        edition, table = self.current()
        known = self._newest
        if known is None or known[0] != edition:
            known = (edition, _newest(table, self.contract))
            self._newest = known
        return known[1]

    def explain(self, error: BaseException) -> Explanation:
        """What is wrong with the table, after reading it has failed; the next look opens it anew.

        Args:
            error: What the reader raised.
        """
        with self._lock:
            self._opened = None
        if not self._path.exists():
            return self._not_there()
        try:
            found = "; ".join(damage.text for damage in find_damage(self._path))
        except UNREADABLE as second:
            found = _first_line(second)
        return damaged(self.contract.name, found or _first_line(error))

    def _has_moved(self, edition: Edition) -> bool:
        return self._stamp_of(edition.version) != self._stamp or self._commit(edition.version + 1).exists()

    def _open(self) -> tuple[Edition, DeltaTable]:
        try:
            table = DeltaTable(self._path)
            version = table.version()
            newest = self._commit(version)
            # Delta takes a commit that was cut off between two lines for one that did less.
            how = wrong_with_commit(newest) if newest.is_file() else ""
        except TableNotFoundError as error:
            raise UnavailableError(self._not_there()) from error
        except UNREADABLE as error:
            raise UnavailableError(self._explain_log(error)) from error
        if how:
            raise UnavailableError(damaged(self.contract.name, f"{newest.name} {how}"))
        self._stamp = self._stamp_of(version)
        return Edition(self.contract.name, str(table.metadata().id), version), table

    def _explain_log(self, error: BaseException) -> Explanation:
        if not self._path.exists():
            return self._not_there()
        found = "; ".join(damage.text for damage in find_damage(self._path, thorough=False))
        return damaged(self.contract.name, found or _first_line(error))

    def _not_there(self) -> Explanation:
        return absent(self.contract.name) if self._lake.is_dir() else no_lake(str(self._lake))

    def _commit(self, version: int) -> Path:
        return self._path / "_delta_log" / f"{version:020d}.json"

    def _stamp_of(self, version: int) -> _Stamp | None:
        """What tells a commit from another one of the same number, in a table that was made anew."""
        try:
            found = self._commit(version).stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns


def _newest(table: DeltaTable, contract: TableContract) -> datetime | None:
    column = str(contract.scan_time)
    files = pl.DataFrame(table.get_add_actions(flatten=True))
    if files.is_empty():
        return None
    logged = f"max.{column}"
    known = logged in files.columns and files[logged].null_count() == 0
    found: Any = files[logged].max() if known else pl.scan_delta(table).select(pl.col(column).max()).collect().item()
    return found if isinstance(found, datetime) else None


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
