"""The Delta tables of the lake as Kedro datasets."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from kedro.io import AbstractDataset, DatasetError
from kedro_datasets._typing import TablePreview

from klineforge.contracts import contract_of
from klineforge.datasets.in_work import IN_WORK
from klineforge.domain.contract import TableContract
from klineforge.errors import RunInterruptedError
from klineforge.incremental.engine import Outcome, describe, refresh
from klineforge.incremental.recipe import Derivation
from klineforge.interruption import INTERRUPTION
from klineforge.lake.damage import find_damage
from klineforge.lake.journal import JOURNAL, TableEntry
from klineforge.lake.local import BeyondDeltaRsError, LocalWriter
from klineforge.lake.location import TableLocation
from klineforge.lake.log_files import bytes_added
from klineforge.lake.note import CommitNote, Counts
from klineforge.lake.preview import newest_rows
from klineforge.lake.repair import Workshop
from klineforge.lake.table import LakeTable
from klineforge.lake.trouble import storage_trouble_in_words
from klineforge.lake.writing import DeltaWriter, arrow_frame
from klineforge.spark.session import get_session

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Append:
    """Rows to add exactly once.

    Args:
        rows: At least the contract's columns without those of the layout; nothing happens when empty.
        identity: Digest of the rows' content; rows that were appended under it before are not appended again.
        extra: Kept in the commit's note.
        layout: Functions of the rows for the contract's layout columns.
    """

    rows: pa.Table
    identity: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    layout: Mapping[str, Callable[[pa.Table], pa.Array]] = field(default_factory=dict)


class DeltaTableDataset(AbstractDataset[Derivation | Append, LakeTable]):
    """A table of the lake: by path on this machine, by name in a catalog such as Unity Catalog.

    Loading gives a :class:`~klineforge.lake.table.LakeTable`, a handle that behaves like the table's Spark DataFrame
    but starts Spark only when rows are asked for. Saving takes

    * a ``Derivation``: the table is brought up to date with its inputs, in one commit or none;
    * an ``Append``: rows are added exactly once.

    Usage, YAML::

        mart_returns_1h:
          type: klineforge.datasets.delta_table.DeltaTableDataset
          contract: mart_returns_1h
          path: data/marts/mart_returns_1h

    Usage, Python::

        >>> dataset = DeltaTableDataset(contract="mart_returns_1h", path="data/marts/mart_returns_1h")
        >>> dataset.exists()
        False

    Args:
        contract: Name of the table's contract.
        path: Folder of the table.
        table: Name of the table in the session's catalog, instead of a path.
        rebuild: Names of tables to make from scratch in this run.
        declares_keys: The catalog takes primary keys (Unity Catalog): tables for models are made with theirs.
        metadata: Ignored by Kedro; read by plugins such as kedro-viz.
    """

    def __init__(
        self,
        *,
        contract: str,
        path: str | None = None,
        table: str | None = None,
        rebuild: list[str] | None = None,
        declares_keys: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self.contract: TableContract = contract_of(contract)
        self.location = TableLocation(path, table, declares_keys=declares_keys)
        self.metadata = metadata
        self._forced = contract in (rebuild or [])

    def load(self) -> LakeTable:
        """A handle on the table at its newest version; no Spark is started."""
        return LakeTable.at(self.contract, self.location)

    def save(self, data: Derivation | Append) -> None:
        """Bring the table up to date, or append to it.

        Raises:
            DatasetError: When the data is neither a derivation of this table nor an append.
        """
        INTERRUPTION.raise_if_requested()
        started = datetime.now(UTC)
        if self._forced:
            self._set_aside_if_damaged(started)
        place = Path(str(self.location))
        try:
            with IN_WORK.naming(self.contract.name), storage_trouble_in_words(place, self._tables(data)):
                output = self.load()
                outcome = self._write(data, output)
        except Exception as error:
            _record_failure(self.contract.name, error, started)
            raise
        if isinstance(data, Append) and outcome.action != "unchanged":
            logger.info("%s", describe(outcome))
        _record(outcome, started, output, _versions_read(data))

    def _tables(self, data: Derivation | Append) -> list[Path]:
        """Folders of the tables that take part in a save."""
        inputs = [table.location for table in data.inputs.values()] if isinstance(data, Derivation) else []
        return [Path(place.path) for place in (*inputs, self.location) if place.is_local and place.path]

    def _set_aside_if_damaged(self, now: datetime) -> None:
        """A table that is to be made from scratch must not need what is left of it."""
        if self.contract.layer == "bronze" or not self.location.is_local or self.location.path is None:
            return
        path = Path(self.location.path)
        if found := find_damage(path):
            shop = Workshop(path.parents[1], now)
            texts = "; ".join(damage.text for damage in found)
            logger.warning("%s is damaged: %s; what is left of it is in %s", path.name, texts, shop.shelf(path.name))
            shop.put_table_aside(self.contract)

    def _write(self, data: Derivation | Append, output: LakeTable) -> Outcome:
        if isinstance(data, Derivation) and data.recipe.output.name == self.contract.name:
            return refresh(data, output, run_id=JOURNAL.run_id, forced=self._forced)
        if isinstance(data, Append):
            return self._append(data, output)
        raise DatasetError(
            f"table {self.contract.name} takes a Derivation of itself or an Append, got {type(data).__name__}"
        )

    def _append(self, data: Append, output: LakeTable) -> Outcome:
        started = time.monotonic()
        output.require_contract()
        if data.rows.num_rows == 0:
            version = output.seen.version if output.seen else None
            return Outcome(self.contract.name, "unchanged", version, Counts(), 0.0)
        if output.seen is None and self.location.is_local:
            LocalWriter(self.contract, self.location).create()
        elif output.seen is None:
            DeltaWriter(self.contract, self.location, get_session()).create()
        before = output.log.head()
        counts = Counts(inserted=data.rows.num_rows)
        note = CommitNote(self.contract.name, "append", counts=counts, run_id=JOURNAL.run_id, extra=data.extra)
        rows = data.rows
        for name, column in data.layout.items():
            rows = rows.append_column(name, column(rows))
        self._commit(rows, note, data.identity)
        head = output.log.head()
        if head is not None and before is not None and head.version == before.version:
            return Outcome(self.contract.name, "unchanged", head.version, Counts(), time.monotonic() - started)
        version = head.version if head else None
        return Outcome(self.contract.name, "append", version, counts, time.monotonic() - started)

    def _commit(self, rows: pa.Table, note: CommitNote, identity: str) -> None:
        if self.location.is_local:
            try:
                LocalWriter(self.contract, self.location).append(rows, note, once_as=identity)
            except BeyondDeltaRsError:
                logger.debug("%s was made with constraints that only Spark can check", self.contract.name)
            else:
                return
        writer = DeltaWriter(self.contract, self.location, get_session())
        writer.append(arrow_frame(writer.session, rows), note, once_as=identity)

    def preview(self, rows: int = 20) -> TablePreview:
        """The newest rows, for kedro-viz; read without Spark."""
        return TablePreview(dict(newest_rows(self.location, self.contract, rows)))

    def _exists(self) -> bool:
        return LakeTable.at(self.contract, self.location).seen is not None

    def _describe(self) -> dict[str, Any]:
        return {"contract": self.contract.name, "filepath": str(self.location)}


def _versions_read(data: Derivation | Append) -> dict[str, int]:
    """Which versions of its inputs a table was made from."""
    if isinstance(data, Append):
        return {}
    return {table.contract.name: table.seen.version for table in data.inputs.values() if table.seen is not None}


def _record(outcome: Outcome, started: datetime, output: LakeTable, read: Mapping[str, int]) -> None:
    counts = outcome.counts
    before = output.seen.version if output.seen else None
    JOURNAL.record(
        TableEntry(
            table=outcome.table,
            action=outcome.action,
            version=outcome.version,
            inserted=counts.inserted,
            updated=counts.updated,
            deleted=counts.deleted,
            unchanged=counts.unchanged,
            seconds=round(outcome.seconds, 3),
            reason=outcome.reason,
            started_at=started.isoformat(),
            version_before=before,
            bytes_added=_bytes_added(output.location, before, outcome.version),
            read=read,
        )
    )


def _record_failure(table: str, error: Exception, started: datetime) -> None:
    JOURNAL.record(
        TableEntry(
            table=table,
            action="interrupted" if isinstance(error, RunInterruptedError) else "failed",
            version=None,
            seconds=round((datetime.now(UTC) - started).total_seconds(), 3),
            started_at=started.isoformat(),
            error=str(error) or type(error).__name__,
        )
    )


def _bytes_added(location: TableLocation, before: int | None, upto: int | None) -> int | None:
    if not location.is_local or location.path is None or upto is None:
        return None
    return bytes_added(Path(location.path), -1 if before is None else before, upto)
