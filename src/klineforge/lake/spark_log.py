"""The log of a table that only Spark can reach: by name in a catalog, or in object storage."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import polars as pl
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from klineforge.domain.scope import Scope
from klineforge.lake.changes import change_scope
from klineforge.lake.location import TableLocation
from klineforge.lake.log import ChangeFeedGoneError, Commit
from klineforge.lake.note import CommitNote, InputVersion
from klineforge.spark.session import get_session

_NO_TABLE = (
    "TABLE_OR_VIEW_NOT_FOUND",
    "PATH_NOT_FOUND",
    "DELTA_TABLE_NOT_FOUND",
    "DELTA_MISSING_DELTA_TABLE",
    "is not a Delta table",
)


class SparkTableLog:
    """Asks Spark what :class:`~klineforge.lake.log.LocalTableLog` reads from files.

    Args:
        location: Where the table is.
    """

    def __init__(self, location: TableLocation) -> None:
        self._location = location

    def _sql(self, statement: str) -> DataFrame:
        return get_session().sql(statement)

    def _rows(self) -> DataFrame:
        reader = get_session().read.format("delta")
        if self._location.path is not None:
            return reader.load(self._location.path)
        return reader.table(str(self._location.name))

    def head(self) -> InputVersion | None:
        """Identity and newest version of the table, or None when it does not exist."""
        try:
            detail = self._sql(f"DESCRIBE DETAIL {self._location.sql}").select("id").first()
            newest = self._sql(f"DESCRIBE HISTORY {self._location.sql} LIMIT 1").select("version").first()
        except Exception as error:
            if any(sign in str(error) for sign in _NO_TABLE):
                return None
            raise
        if detail is None or newest is None:
            return None
        return InputVersion(str(detail["id"]), int(newest["version"]))

    def columns(self) -> dict[str, str]:
        """Columns of the newest version: SQL type, upper case, by name."""
        return {field.name: field.dataType.simpleString().upper() for field in self._rows().schema.fields}

    def commits(self) -> Iterator[Commit]:
        """The history, newest first."""
        history = self._sql(f"DESCRIBE HISTORY {self._location.sql}")
        chosen = history.select("version", "operation", "userMetadata", F.col("operationMetrics")["numOutputRows"])
        for version, operation, metadata, written in chosen.collect():
            rows = None if written is None else int(written)
            yield Commit(int(version), str(operation), CommitNote.from_json(metadata), rows)

    def require_history(self, after: int, upto: int) -> None:
        """Make sure that the log still tells of the commits ``(after, upto]``."""
        kept = {commit.version for commit in self.commits()}
        if not set(range(after + 1, upto + 1)) <= kept:
            raise ChangeFeedGoneError(f"the history of {self._location} no longer reaches back to version {after + 1}")

    def changes(self, after: int, upto: int, by: tuple[str, ...], time_column: str | None) -> Scope:
        """Which subjects changed when, from the change data feed."""
        columns = [*by, *([time_column] if time_column else [])]
        reader = get_session().read.format("delta").option("readChangeFeed", "true")
        reader = reader.option("startingVersion", after + 1).option("endingVersion", upto)
        try:
            if self._location.path is not None:
                feed = reader.load(self._location.path)
            else:
                feed = reader.table(str(self._location.name))
            frame = pl.DataFrame(feed.select(*columns).distinct().toArrow())
        except Exception as error:  # Spark names a dozen ways in which a feed can be gone
            raise ChangeFeedGoneError(
                f"the change feed of {self._location}, versions {after + 1} to {upto}, cannot be read any more"
            ) from error
        return change_scope(frame, by, time_column)

    def time_range(self, time_column: str) -> tuple[datetime, datetime] | None:
        """Smallest and largest value of the time column; Delta answers from statistics."""
        ends = self._rows().agg(F.unix_micros(F.min(time_column)), F.unix_micros(F.max(time_column))).first()
        if ends is None or ends[0] is None:
            return None
        return datetime.fromtimestamp(ends[0] / 1e6, tz=UTC), datetime.fromtimestamp(ends[1] / 1e6, tz=UTC)

    def count_in(self, scope: Scope, time_column: str) -> int:
        """How many rows lie in the scope."""
        return self._rows().where(F.expr(scope.sql(time_column))).count()

    def row_count(self) -> int:
        """Rows of the newest version."""
        return self._rows().count()

    def acknowledge(self, note: CommitNote, partition_by: list[str]) -> None:  # noqa: ARG002  Spark knows them
        """Commit a note without rows: an append of nothing, made a commit by a transaction of its own."""
        identity = f"klineforge-note-{datetime.now(UTC).timestamp():.6f}"
        writer = self._rows().limit(0).write.format("delta").mode("append").option("userMetadata", note.to_json())
        writer = writer.option("txnAppId", identity).option("txnVersion", "1")
        if self._location.path is not None:
            writer.save(self._location.path)
        else:
            writer.saveAsTable(str(self._location.name))
