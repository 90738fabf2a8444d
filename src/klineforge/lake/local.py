"""Rows of a local table in memory: read by polars, committed by delta-rs, in milliseconds and without a JVM.

delta-rs checks NOT NULL and CHECK constraints, writes statistics and the change feed as the table's properties ask for,
and commits all or nothing, as Spark does. What a run adds to a table that is already there is small: starting queries
in Spark for it would cost many times what the rows do (docs/benchmarks.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import ColumnProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError
from deltalake.transaction import CommitProperties

from klineforge.domain.contract import YEAR_COLUMN, TableContract
from klineforge.domain.scope import Scope
from klineforge.errors import ContractError, IncrementalStateError
from klineforge.interruption import INTERRUPTION
from klineforge.lake.arrow import conformed, ordered
from klineforge.lake.ddl import create_local_table
from klineforge.lake.location import TableLocation
from klineforge.lake.note import CommitNote
from klineforge.lake.writing import CHANGE, arrow_frame
from klineforge.spark.session import get_session

_REFUSED = "failed validation check"
_NOT_KNOWN = "not implemented"
# The same content may come again at another time.
_DOWNLOAD = frozenset({"ingestion_ts"})
_LARGE_FILE = 64_000_000
_ROWS_PER_GROUP = 1 << 18
# Fewer are written in no time, whatever their encoding.
_MANY_ROWS = 10_000
_SAMPLE = 4096
_COMPRESSED = WriterProperties(compression="ZSTD")


class BeyondDeltaRsError(Exception):
    """The table has a constraint that only Spark understands; nothing was written."""


def scan_scope(contract: TableContract, location: TableLocation, scope: Scope | None = None) -> pl.LazyFrame:
    """The rows of a local table that lie in a scope, not read yet.

    Args:
        contract: The table's contract; its time column tells when a row is.
        location: Where the table is.
        scope: Subjects and hours; None, or a scope of a table without time, means all rows.
    """
    rows = pl.scan_delta(str(location.path))
    if scope is None or contract.scan_time is None:
        return rows
    wanted = scope.polars(contract.scan_time)
    if contract.partitioned and scope:
        whole = scope.envelope
        wanted = pl.col(YEAR_COLUMN).is_between(whole.start.year, whole.end.year) & wanted
    return rows.filter(wanted)


class LocalWriter:
    """Commits rows held in memory to a local table.

    Args:
        contract: Schema, layout and constraints.
        location: Folder of the table.
    """

    def __init__(self, contract: TableContract, location: TableLocation) -> None:
        self.contract = contract
        self._location = location
        self._path = str(location.path)

    def create(self, *, replace: bool = False) -> None:
        """Make the table if it does not exist, or make it anew with the contract's columns."""
        create_local_table(self.contract, self._location, replace=replace)

    def append(self, rows: pa.Table, note: CommitNote, *, once_as: str | None = None) -> bool:
        """Add rows whose keys are known to be new.

        Args:
            rows: At least the contract's columns.
            note: What to remember with the commit.
            once_as: Identity of the rows' content; a second append under the same identity does nothing.

        Returns:
            Whether anything was committed.

        Raises:
            IncrementalStateError: When other rows were appended under the same identity.
        """
        table = DeltaTable(self._path)
        identity = f"klineforge-{once_as}"
        # A repair sets the numbers of what was lost to zero.
        if once_as is not None and table.transaction_version(identity):
            self._require_same(rows, once_as)
            return False
        self._write(table, rows, note, "append", [] if once_as is None else [Transaction(identity, 1)])
        return True

    def _require_same(self, rows: pa.Table, identity: str) -> None:
        """Make sure that rows which are not appended because their identity is known are really there."""
        keys = [name for name in self.contract.grain if name not in _DOWNLOAD]
        if "batch_id" not in rows.column_names:
            return
        held = pl.scan_delta(self._path).filter(pl.col("batch_id") == identity).select(keys).collect()
        absent = pl.DataFrame(rows.select(keys)).join(held, on=keys, how="anti", nulls_equal=True).height
        if absent:
            raise IncrementalStateError(
                f"table {self.contract.name}: {absent:,} of {rows.num_rows:,} rows are not there although an append "
                f"with their identity, {identity}, was committed; nothing was written. What to do: kedro klineforge "
                "repair, then run again (docs/repair.md)"
            )

    def overwrite(self, rows: pa.Table, note: CommitNote) -> None:
        """Replace all rows."""
        self._write(DeltaTable(self._path), rows, note, "overwrite", [])

    def overwrite_ordered(self, rows: pa.RecordBatchReader, note: CommitNote) -> None:
        """Replace all rows by a stream of them, in one commit.

        Args:
            rows: The contract's stored columns, in the order of the files.
            note: What to remember with the commit.

        Raises:
            ContractError: When a row breaks the contract.
        """
        try:
            write_deltalake(
                DeltaTable(self._path),
                pa.RecordBatchReader.from_batches(rows.schema, _unless_interrupted(rows)),
                mode="overwrite",
                target_file_size=_LARGE_FILE,
                writer_properties=_for_bulk(self.contract),
                commit_properties=_properties(note, []),
            )
        except DeltaError as error:
            if _REFUSED not in str(error):
                raise
            raise ContractError(f"table {self.contract.name}: {error}; nothing was written") from error

    def merge(self, changes: pa.Table, note: CommitNote) -> None:
        """Apply changes by key: rows marked ``insert``, ``update`` or ``delete`` in the column ``_change``.

        Args:
            changes: The contract's columns and ``_change``; unique by key.
            note: What to remember with the commit.
        """
        rows = conformed(changes, self.contract).append_column(CHANGE, changes[CHANGE].cast(pa.string()))
        values = {f"`{name}`": f"s.`{name}`" for name in self.contract.column_names}
        merger = DeltaTable(self._path).merge(
            rows,
            self._same_row(rows),
            source_alias="s",
            target_alias="t",
            writer_properties=_COMPRESSED,
            commit_properties=_properties(note, []),
        )
        merger = (
            merger.when_matched_delete(f"s.{CHANGE} = 'delete'")
            .when_matched_update(values, f"s.{CHANGE} = 'update'")
            .when_not_matched_insert(values, f"s.{CHANGE} = 'insert'")
        )
        try:
            merger.execute()
        except DeltaError as error:
            self._explain(rows.filter(pc.not_equal(rows[CHANGE], "delete")), error)

    def _same_row(self, rows: pa.Table) -> str:
        keys = " AND ".join(f"t.`{name}` = s.`{name}`" for name in self.contract.grain)
        if not self.contract.partitioned:
            return keys
        years = ", ".join(str(year) for year in sorted(set(rows[YEAR_COLUMN].to_pylist())))
        return f"{keys} AND t.`{YEAR_COLUMN}` = s.`{YEAR_COLUMN}` AND t.`{YEAR_COLUMN}` IN ({years})"

    def _write(
        self,
        table: DeltaTable,
        rows: pa.Table,
        note: CommitNote,
        mode: Literal["append", "overwrite"],
        transactions: list[Transaction],
    ) -> None:
        INTERRUPTION.raise_if_requested()
        chosen = ordered(conformed(rows, self.contract), (*self.contract.partition_columns, *self.contract.sort_by))
        try:
            write_deltalake(
                table,
                chosen,
                mode=mode,
                writer_properties=_for_rows(chosen),
                commit_properties=_properties(note, transactions),
            )
        except DeltaError as error:
            self._explain(chosen, error)

    def _explain(self, rows: pa.Table, error: DeltaError) -> None:
        """Name the constraint that rows break, which delta-rs does not.

        Raises:
            ContractError: With the constraint and a row that breaks it.
            BeyondDeltaRsError: When delta-rs cannot tell.
            DeltaError: As it came, when it is about something else.
        """
        if _NOT_KNOWN in str(error):
            raise BeyondDeltaRsError(str(error)) from error
        if _REFUSED not in str(error):
            raise error
        frame = arrow_frame(get_session(), rows.drop_columns([n for n in rows.column_names if n == CHANGE]))
        for name, check in self.contract.constraints.items():
            broken = frame.where(f"NOT coalesce({check}, false)").limit(1).toArrow()
            if broken.num_rows:
                values = "\n".join(f" - {column} : {value}" for column, value in broken.to_pylist()[0].items())
                raise ContractError(
                    f"table {self.contract.name}: CHECK constraint {name} ({check}) violated by row with values:\n"
                    f"{values}; nothing was written"
                ) from error
        raise error


def _for_bulk(contract: TableContract) -> WriterProperties:
    """Plain numbers instead of dictionaries of numbers that hardly repeat, differences instead of times."""
    plain = ColumnProperties(dictionary_enabled=False, statistics_enabled="NONE")
    steps = ColumnProperties(dictionary_enabled=False, encoding="DELTA_BINARY_PACKED")
    kinds = {"DOUBLE": plain, "TIMESTAMP": steps, "INT": steps, "BIGINT": steps}
    chosen = {column.name: kinds[column.type] for column in contract.columns if column.type in kinds}
    return WriterProperties(
        compression="ZSTD", compression_level=1, max_row_group_size=_ROWS_PER_GROUP, column_properties=chosen
    )


def _for_rows(rows: pa.Table) -> WriterProperties:
    """Without dictionaries where they would hold nearly every value, which are built first and thrown away then."""
    if rows.num_rows < _MANY_ROWS:
        return _COMPRESSED
    plain = ColumnProperties(dictionary_enabled=False)
    steps = ColumnProperties(dictionary_enabled=False, encoding="DELTA_BINARY_PACKED")
    chosen = {}
    for field in rows.schema:
        if pa.types.is_integer(field.type) or pa.types.is_timestamp(field.type):
            chosen[field.name] = steps
        elif pa.types.is_string(field.type) and _hardly_repeats(rows[field.name][:_SAMPLE]):
            chosen[field.name] = plain
    return WriterProperties(compression="ZSTD", column_properties=chosen)


def _hardly_repeats(values: pa.ChunkedArray) -> bool:
    return bool(2 * pc.count_distinct(values, mode="all").as_py() > len(values))


def _properties(note: CommitNote, transactions: list[Transaction]) -> CommitProperties:
    return CommitProperties(custom_metadata={"userMetadata": note.to_json()}, app_transactions=transactions)


def count_rows(rows: pl.LazyFrame) -> int:
    """How many rows a scan has."""
    return int(rows.select(pl.len()).collect().item())


def _unless_interrupted(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        INTERRUPTION.raise_if_requested()
        yield batch
