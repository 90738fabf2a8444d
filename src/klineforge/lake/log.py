"""What a Delta table's log says, read without Spark where the table is on this machine's file system."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.schema import ArrayType, DataType
from deltalake.transaction import CommitProperties

from klineforge.domain.scope import Scope
from klineforge.errors import DamagedTableError, IncrementalStateError
from klineforge.lake.changes import change_scope
from klineforge.lake.damage import find_log_damage, wrong_with_commit
from klineforge.lake.location import TableLocation
from klineforge.lake.note import CommitNote, InputVersion

# Operations that rewrite or describe a table without changing what its rows say.
HARMLESS_OPERATIONS = frozenset(
    {
        "OPTIMIZE",
        "VACUUM START",
        "VACUUM END",
        "SET TBLPROPERTIES",
        "UNSET TBLPROPERTIES",
        "ADD CONSTRAINT",
        "DROP CONSTRAINT",
        "CHANGE COLUMN",
        "CREATE TABLE",
        "COMPUTE STATS",
        "UPGRADE PROTOCOL",
    }
)
_PAGE = 32


class ChangeFeedGoneError(IncrementalStateError):
    """The change feed no longer reaches back to what was consumed; only a rebuild helps."""


@dataclass(frozen=True)
class Commit:
    """One entry of a table's history."""

    version: int
    operation: str
    note: CommitNote | None
    rows_written: int | None = None

    @property
    def changes_rows(self) -> bool:
        """Whether the commit may have changed what the table's rows say."""
        if self.note is not None:
            return self.note.action != "acknowledge"
        return self.operation not in HARMLESS_OPERATIONS


class TableLog(Protocol):
    """What the incremental machinery needs to know of a table before it starts any query."""

    def head(self) -> InputVersion | None:
        """Identity and newest version of the table, or None when it does not exist."""

    def columns(self) -> dict[str, str]:
        """Columns of the newest version: SQL type, upper case, by name."""

    def commits(self) -> Iterator[Commit]:
        """The history, newest first."""

    def require_history(self, after: int, upto: int) -> None:
        """Make sure that the log still tells of the commits ``(after, upto]``.

        Raises:
            ChangeFeedGoneError: When some of them were cleaned up.
        """

    def changes(self, after: int, upto: int, by: tuple[str, ...], time_column: str | None) -> Scope:
        """Which subjects changed when, in the commits ``(after, upto]``.

        Raises:
            ChangeFeedGoneError: When the feed does not reach back that far.
        """

    def time_range(self, time_column: str) -> tuple[datetime, datetime] | None:
        """Smallest and largest value of the time column, from file statistics; None when empty or unknown."""

    def count_in(self, scope: Scope, time_column: str) -> int:
        """How many rows lie in the scope."""

    def row_count(self) -> int:
        """Rows of the newest version."""

    def acknowledge(self, note: CommitNote, partition_by: list[str]) -> None:
        """Commit a note without rows."""


class LocalTableLog:
    """The log of a table in a local folder, read with delta-rs: milliseconds, no JVM."""

    def __init__(self, location: TableLocation) -> None:
        self._path = str(location.path)

    def _open(self) -> DeltaTable:
        return DeltaTable(self._path)

    def head(self) -> InputVersion | None:
        """Identity and newest version of the table, or None when it does not exist.

        Raises:
            DamagedTableError: When its log is damaged.
        """
        if not Path(self._path, "_delta_log").is_dir():
            if next(Path(self._path).glob("**/*.parquet"), None) is not None:
                # A new table in its place would sooner or later take its files for leftovers.
                raise self._damaged("its _delta_log is missing")
            return None
        try:
            table = DeltaTable(self._path)
        except TableNotFoundError:
            return None
        except DeltaError as error:
            known = "; ".join(damage.text for damage in find_log_damage(Path(self._path)))
            raise self._damaged(known or str(error).partition("\n")[0]) from error
        newest = Path(self._path, "_delta_log", f"{table.version():020d}.json")
        # Delta takes a commit that was cut off between two lines, or down to nothing, for one that did nothing.
        if newest.is_file() and (how := wrong_with_commit(newest)):
            raise self._damaged(f"{newest.name} {how}")
        return InputVersion(str(table.metadata().id), table.version())

    def _damaged(self, how: str) -> DamagedTableError:
        return DamagedTableError(
            f"the log of the table {self._path} cannot be read: {how}. A commit that is cut off or empty is what a "
            "power failure or a full disk leaves. Nothing was changed. What to do: kedro klineforge repair, then run "
            "again (docs/repair.md)"
        )

    def columns(self) -> dict[str, str]:
        """Columns of the newest version: SQL type, upper case, by name."""
        return {field.name: _sql_type(field.type) for field in self._open().schema().fields}

    def commits(self) -> Iterator[Commit]:
        """The history, newest first, read in growing pages."""
        table, seen, limit = DeltaTable(self._path), 0, _PAGE
        while True:
            page = table.history(limit)
            yield from (_commit(entry) for entry in page[seen:])
            if len(page) < limit:
                return
            seen, limit = len(page), limit * 4

    def changes(self, after: int, upto: int, by: tuple[str, ...], time_column: str | None) -> Scope:
        """Which subjects changed when, from the change data feed."""
        self.require_history(after, upto)
        columns = [*by, *([time_column] if time_column else []), "_change_type"]
        try:
            feed = self._open().load_cdf(starting_version=after + 1, ending_version=upto, columns=columns)
            frame = pl.DataFrame(feed.read_all())
        except Exception as error:  # delta-rs raises bare Exceptions for files that are gone
            raise ChangeFeedGoneError(
                f"the change feed of {Path(self._path).name}, versions {after + 1} to {upto}, cannot be read any more"
            ) from error
        return change_scope(frame, by, time_column)

    def require_history(self, after: int, upto: int) -> None:
        """Make sure that the log still tells of the commits ``(after, upto]``."""
        log = Path(self._path, "_delta_log")
        missing = [v for v in range(after + 1, upto + 1) if not (log / f"{v:020d}.json").is_file()]
        if missing:
            raise ChangeFeedGoneError(
                f"the change feed of {Path(self._path).name} is gone: its log no longer holds version {missing[0]}"
            )

    def time_range(self, time_column: str) -> tuple[datetime, datetime] | None:
        """Smallest and largest value of the time column, from file statistics."""
        files = pl.DataFrame(self._open().get_add_actions(flatten=True))
        first, last = f"min.{time_column}", f"max.{time_column}"
        if files.is_empty() or not {first, last} <= set(files.columns) or files[last].null_count():
            return None
        oldest: Any = files[first].min()
        newest: Any = files[last].max()
        return (oldest, newest) if isinstance(oldest, datetime) and isinstance(newest, datetime) else None

    def count_in(self, scope: Scope, time_column: str) -> int:
        """How many rows lie in the scope; statistics answer for new hours, the key columns for the rest."""
        known = self.time_range(time_column)
        if known is not None and all(span.start > known[1] for span in scope.all_spans()):
            return 0
        rows = pl.scan_delta(self._path).filter(scope.polars(time_column)).select(pl.len())
        return int(rows.collect().item())

    def row_count(self) -> int:
        """Rows of the newest version, from file statistics."""
        return int(pl.DataFrame(self._open().get_add_actions(flatten=True))["num_records"].sum())

    def acknowledge(self, note: CommitNote, partition_by: list[str]) -> None:
        """Commit a note without rows, without Spark."""
        table = DeltaTable(self._path)
        table.create_write_transaction(
            actions=[],
            mode="append",
            schema=table.schema(),
            partition_by=partition_by,
            commit_properties=CommitProperties(custom_metadata={"userMetadata": note.to_json()}),
        )


_SQL_NAMES = {"long": "BIGINT", "integer": "INT"}


def _sql_type(kind: DataType) -> str:
    if isinstance(kind, ArrayType):
        return f"ARRAY<{_sql_type(kind.element_type)}>"
    name = str(getattr(kind, "type", kind))
    return _SQL_NAMES.get(name, name.upper())


def _commit(entry: Mapping[str, Any]) -> Commit:
    metrics = entry.get("operationMetrics") or {}
    written = metrics.get("numOutputRows", metrics.get("num_added_rows"))  # Spark's name, delta-rs' name
    return Commit(
        version=int(entry["version"]),
        operation=str(entry.get("operation", "UNKNOWN")),
        note=CommitNote.from_json(entry.get("userMetadata")),
        rows_written=None if written is None else int(written),
    )
