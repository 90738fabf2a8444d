"""Write to a Delta table in one commit that carries its note."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pyarrow as pa
from pyspark.sql import DataFrame, DataFrameWriter, SparkSession
from pyspark.sql import functions as F

from klineforge.domain.contract import TableContract
from klineforge.errors import ContractError
from klineforge.lake.ddl import create_local_table, create_table
from klineforge.lake.location import TableLocation
from klineforge.lake.note import CommitNote

CHANGE = "_change"
_BROKEN_CONTRACT = re.compile(
    r"CHECK constraint [^\n]+ violated by row with values:(?:\n - [^\n]+)*"
    r"|NOT NULL constraint violated for column: [^\n]+"
    r"|table \w+: key \([^\n]*\) occurs twice: [^\n]+"
)
_METADATA_CONF = "spark.databricks.delta.commitInfo.userMetadata"
_ROWS_PER_PARTITION = 50_000
# The metadata of a MERGE can only travel in a session configuration, which all threads of a session share.
_one_merge_at_a_time = threading.Lock()
_view_numbers = itertools.count()


class DeltaWriter:
    """Writes rows that fulfil a contract to one table.

    Args:
        contract: Schema, layout and constraints.
        location: Where the table is.
        session: The session to write with.
    """

    def __init__(self, contract: TableContract, location: TableLocation, session: SparkSession) -> None:
        self.contract = contract
        self.location = location
        self.session = session

    def create(self, *, replace: bool = False) -> None:
        """Make the table if it does not exist, or make it anew with the contract's columns."""
        if self.location.is_local:
            create_local_table(self.contract, self.location, replace=replace)
            return
        with _one_merge_at_a_time:  # a commit beside a merge would carry the merge's note
            self.session.sql(create_table(self.contract, self.location, replace=replace))

    def append(self, rows: DataFrame, note: CommitNote, *, once_as: str | None = None) -> None:
        """Add rows whose keys are known to be new.

        Args:
            rows: At least the contract's columns.
            note: What to remember with the commit.
            once_as: Identity of the rows' content; a second append under the same identity does nothing.
        """
        writer = self._laid_out(rows).write.format("delta").mode("append").option("userMetadata", note.to_json())
        if once_as is not None:
            writer = writer.option("txnAppId", f"klineforge-{once_as}").option("txnVersion", "1")
        self._save(writer)

    def overwrite(self, rows: DataFrame, note: CommitNote) -> None:
        """Replace all rows."""
        self._save(self._laid_out(rows).write.format("delta").mode("overwrite").option("userMetadata", note.to_json()))

    def merge(self, changes: DataFrame, note: CommitNote, *, within: str) -> None:
        """Apply changes by key: rows marked ``insert``, ``update`` or ``delete`` in the column ``_change``.

        Args:
            changes: The contract's columns and ``_change``; unique by key. Deleted rows need their key only.
            note: What to remember with the commit.
            within: SQL predicate over the target, alias ``t``, that holds for every row the changes can match.
        """
        view = f"klineforge_changes_{next(_view_numbers)}"
        changes.createOrReplaceTempView(view)
        keys = " AND ".join(f"t.`{name}` = s.`{name}`" for name in self.contract.grain)
        names = self.contract.column_names
        assignments = ", ".join(f"t.`{name}` = s.`{name}`" for name in names if name not in self.contract.grain)
        # Names come from contracts and the counter above, and the scope escapes the coins it names.
        statement = (
            f"MERGE INTO {self.location.sql} t USING {view} s ON {keys} AND {within} "  # noqa: S608
            f"WHEN MATCHED AND s.{CHANGE} = 'delete' THEN DELETE "
            f"WHEN MATCHED THEN UPDATE SET {assignments} "
            f"WHEN NOT MATCHED AND s.{CHANGE} <> 'delete' THEN INSERT ({', '.join(f'`{n}`' for n in names)}) "
            f"VALUES ({', '.join(f's.`{n}`' for n in names)})"
        )
        try:
            with self._metadata(note), contract_errors(self.contract):
                self.session.sql(statement)
        finally:
            self.session.catalog.dropTempView(view)

    @contextmanager
    def _metadata(self, note: CommitNote) -> Iterator[None]:
        with _one_merge_at_a_time:
            self.session.conf.set(_METADATA_CONF, note.to_json())
            try:
                yield
            finally:
                self.session.conf.unset(_METADATA_CONF)

    def _laid_out(self, rows: DataFrame) -> DataFrame:
        require_columns(rows, self.contract)
        chosen = rows.select(*(F.col(column.name).cast(column.type) for column in self.contract.all_columns))
        order = [*self.contract.partition_columns, *self.contract.sort_by]
        return chosen.sortWithinPartitions(*order) if order else chosen

    def _save(self, writer: DataFrameWriter) -> None:
        with contract_errors(self.contract):
            if self.location.path is not None:
                writer.save(self.location.path)
            else:
                writer.saveAsTable(str(self.location.name))


def arrow_frame(session: SparkSession, rows: pa.Table) -> DataFrame:
    """Rows held in memory as a Spark frame of few partitions; Spark would make one of every chunk."""
    partitions = max(1, min(2, rows.num_rows // _ROWS_PER_PARTITION))
    return session.createDataFrame(rows.combine_chunks()).coalesce(partitions)


@contextmanager
def contract_errors(contract: TableContract) -> Iterator[None]:
    """Say a broken constraint, a null key or a repeated key as a ContractError instead of a Java stack.

    Raises:
        ContractError: With Spark's own sentence about the row.
    """
    try:
        yield
    except Exception as error:
        broken = _BROKEN_CONTRACT.search(str(error))
        if broken is None:
            raise
        raise ContractError(f"table {contract.name}: {broken.group(0)}; nothing was written") from error


def require_columns(rows: DataFrame, contract: TableContract) -> None:
    """Check that a frame has all columns of a contract in types that mean the same.

    Raises:
        ContractError: Lists every column that is missing, unknown or of another type.
    """
    found = {field.name: field.dataType.simpleString().upper() for field in rows.schema.fields}
    differences = column_differences(found, contract)
    if differences:
        raise ContractError(f"table {contract.name}: " + "; ".join(differences))


def column_differences(found: Mapping[str, str], contract: TableContract) -> list[str]:
    """What distinguishes columns, by SQL type, from those of a contract; the order does not count."""
    wanted = {column.name: column.type for column in contract.all_columns}
    differences = [f"column {name} is missing" for name in wanted if name not in found]
    differences += [f"column {name} is not part of the contract" for name in found if name not in wanted]
    differences += [
        f"column {name} is {found[name]}, the contract says {kind}"
        for name, kind in wanted.items()
        if name in found and found[name] != kind
    ]
    return differences
