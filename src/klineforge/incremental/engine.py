"""Bring one derived table up to date: exactly the affected rows, in one commit, or nothing at all."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import polars as pl
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from klineforge.domain.scope import Scope
from klineforge.errors import LakeBusyError
from klineforge.incremental.compare import changed_rows, proved_unique, repeated_keys, require_unique
from klineforge.incremental.plan import EVERYTHING, Plan, plan
from klineforge.incremental.reading import read_reach
from klineforge.incremental.recipe import Derivation, Stream
from klineforge.lake.local import LocalWriter, scan_scope
from klineforge.lake.note import TAKEN_BACK, CommitNote, Counts
from klineforge.lake.table import LakeTable
from klineforge.lake.trouble import is_conflict, require_whole
from klineforge.lake.writing import CHANGE, DeltaWriter, arrow_frame, column_differences
from klineforge.spark.session import get_session

logger = logging.getLogger(__name__)

# Recomputed and held rows are compared in memory; where there might be more than this, Spark appends them without
# looking at them, or makes the table anew.
MOST_ROWS_IN_MEMORY = 2_000_000
# How often a table is begun again that something else commits to.
ATTEMPTS = 3
_ANEW = "CREATE OR REPLACE TABLE"


@dataclass(frozen=True)
class Outcome:
    """What happened to one table in one run."""

    table: str
    action: str
    version: int | None
    counts: Counts
    seconds: float
    reason: str = ""


def refresh(derivation: Derivation, output: LakeTable, *, run_id: str = "", forced: bool = False) -> Outcome:
    """Make a derived table equal to its recipe applied to its inputs.

    Args:
        derivation: Recipe and input tables.
        output: The table, as it was when the run looked at it.
        run_id: Written into the commit.
        forced: Rebuild from scratch.

    Returns:
        What was done; ``action`` is ``unchanged`` when nothing was committed.

    Raises:
        ContractError: When the recomputed rows break the contract; nothing is written then.
        DamagedTableError: When a table that has to be read is damaged.
        LakeBusyError: When something else commits to the table whenever this does.
    """
    for attempt in range(ATTEMPTS):
        try:
            outcome = _refresh_once(derivation, output, run_id=run_id, forced=forced)
        except Exception as error:
            if not is_conflict(error) or attempt == ATTEMPTS - 1:
                raise
        else:
            if outcome.action == "unchanged" or not _was_disturbed(output):
                logger.info("%s", describe(outcome))
                return outcome
            # Its rows are below our note now, which would vouch for them.
            forced = True
        logger.warning("%s: another program has committed to it meanwhile; once more", output.contract.name)
        output = LakeTable.at(output.contract, output.location)
    taken_back = CommitNote(output.contract.name, "acknowledge", recipe_version=TAKEN_BACK)
    output.log.acknowledge(taken_back, list(output.contract.partition_columns))
    raise LakeBusyError(
        f"another program commits to the table {output.contract.name} at {output.location} whenever this run does, "
        f"{ATTEMPTS} times in a row. What to do: end it, then run again, which makes the table anew"
    )


def _was_disturbed(output: LakeTable) -> bool:
    """Whether rows were changed by something else since a handle was made."""
    before = -1 if output.seen is None else output.seen.version
    since = takewhile(lambda commit: commit.version > before, output.log.commits())
    return any(commit.note is None and commit.changes_rows and commit.operation != _ANEW for commit in since)


def _refresh_once(derivation: Derivation, output: LakeTable, *, run_id: str, forced: bool) -> Outcome:
    started = time.monotonic()
    todo = plan(derivation, output, forced=forced)
    if todo.kind in {"increment", "rebuild"}:
        held = [output] if todo.kind == "increment" else []
        for table in (*derivation.inputs.values(), *held):
            if table.location.is_local:
                require_whole(Path(str(table.location.path)))
    action, counts = _Refresh(derivation, output, run_id, todo).carry_out()
    head = output.log.head()
    return Outcome(
        table=output.contract.name,
        action=action,
        version=head.version if head else None,
        counts=counts,
        seconds=time.monotonic() - started,
        reason=todo.reason,
    )


def describe(outcome: Outcome) -> str:
    """One line for the log."""
    counts = outcome.counts
    why = f" ({outcome.reason})" if outcome.reason else ""
    if outcome.action in {"unchanged", "acknowledge"}:
        return f"{outcome.table}: nothing to change{why}"
    return (
        f"{outcome.table}: {outcome.action}{why}, {counts.inserted:,} inserted, {counts.updated:,} updated, "
        f"{counts.deleted:,} deleted, {counts.unchanged:,} unchanged, {outcome.seconds:.1f} s"
    )


@dataclass(frozen=True)
class _Refresh:
    derivation: Derivation
    output: LakeTable
    run_id: str
    plan: Plan

    def carry_out(self) -> tuple[str, Counts]:
        match self.plan.kind:
            case "nothing":
                return "unchanged", Counts()
            case "acknowledge":
                return self._acknowledge(Counts())
            case "rebuild":
                return self._rebuild()
            case "increment":
                return self._increment(self.plan.scope or EVERYTHING)

    def _note(self, action: str, counts: Counts) -> CommitNote:
        return CommitNote(
            table=self.output.contract.name,
            action=action,  # type: ignore[arg-type]
            consumed=self.plan.consumed,
            recipe_version=self.derivation.recipe.version,
            counts=counts,
            run_id=self.run_id,
        )

    def _writer(self) -> DeltaWriter:
        return DeltaWriter(self.output.contract, self.output.location, get_session())

    def _acknowledge(self, counts: Counts) -> tuple[str, Counts]:
        note = self._note("acknowledge", counts)
        self.output.log.acknowledge(note, list(self.output.contract.partition_columns))
        return "acknowledge", counts

    def _rebuild(self) -> tuple[str, Counts]:
        recipe = self.derivation.recipe
        local = all(table.location.is_local for table in (self.output, *self.derivation.inputs.values()))
        if local and recipe.bulk_stream is not None:
            return self._rebuild_as_stream(recipe.bulk_stream)
        if self._is_held_easily():
            return self._rebuild_in_memory()
        make = recipe.bulk_transform or recipe.transform
        rows = make(**{name: table.df for name, table in self.derivation.inputs.items()})
        if not recipe.unique_by_construction:
            rows = rows.transform(proved_unique(self.output.contract))
        writer, note = self._writer(), self._note("rebuild", Counts())
        if self._make_room(writer):
            writer.append(rows, note)
        else:
            writer.overwrite(rows, note)
        return self._written(note)

    def _is_held_easily(self) -> bool:
        """Whether the whole table has few enough rows to pass through memory: about as many as its inputs have."""
        if not self.output.location.is_local or self.derivation.recipe.unique_by_construction:
            return False
        inputs = [table.log.row_count() for table in self.derivation.inputs.values() if table.seen is not None]
        return max(inputs) <= MOST_ROWS_IN_MEMORY

    def _rebuild_in_memory(self) -> tuple[str, Counts]:
        contract = self.output.contract
        rows = pl.DataFrame(self._computed(None).toArrow())
        require_unique(rows, contract)
        self.derivation.inspect(rows)
        writer, note = LocalWriter(contract, self.output.location), self._note("rebuild", Counts(inserted=rows.height))
        if not self._make_room(writer):
            writer.overwrite(rows.to_arrow(), note)
        elif rows.height:
            writer.append(rows.to_arrow(), note)
        else:
            return self._acknowledge(Counts())
        return "rebuild", note.counts

    def _rebuild_as_stream(self, stream: Stream) -> tuple[str, Counts]:
        inputs = {
            name: scan_scope(table.contract, table.location).select(stream.columns[name]).collect().to_arrow()
            for name, table in self.derivation.inputs.items()
        }
        writer, note = LocalWriter(self.output.contract, self.output.location), self._note("rebuild", Counts())
        self._make_room(writer)
        writer.overwrite_ordered(stream.rows(**inputs), note)
        return "rebuild", Counts(inserted=self.output.log.row_count())

    def _make_room(self, writer: DeltaWriter | LocalWriter) -> bool:
        """Make the table where there is none, or anew where it has other columns; whether it is empty then."""
        if self.output.seen is None:
            writer.create()
        elif column_differences(self.output.log.columns(), self.output.contract):
            writer.create(replace=True)
        else:
            return False
        return True

    def _increment(self, scope: Scope) -> tuple[str, Counts]:
        held = self._held_rows(scope)
        if max(held, self._expected_rows(scope)) > MOST_ROWS_IN_MEMORY:
            if held or self.derivation.recipe.bulk_stream is not None:
                return self._rebuild()
            note = self._note("append", Counts())
            self._writer().append(self._recomputed(scope).transform(proved_unique(self.output.contract)), note)
            return self._written(note)
        new = pl.DataFrame(self._recomputed(scope).toArrow())
        old = self._rows_held(scope) if held else new.clear()
        if repeated_keys(old, self.output.contract).height:
            return self._rebuild()
        return self._apply(*changed_rows(new, old, self.output.contract), scope)

    def _apply(self, changes: pl.DataFrame, counts: Counts, scope: Scope) -> tuple[str, Counts]:
        if counts.changed == 0:
            return self._acknowledge(counts)
        self.derivation.inspect(changes.filter(pl.col(CHANGE) != "delete"))
        note = self._note("append" if counts.changed == counts.inserted else "merge", counts)
        rows = changes.to_arrow()
        if self.output.location.is_local:
            local = LocalWriter(self.output.contract, self.output.location)
            local.append(rows, note) if note.action == "append" else local.merge(rows, note)
        else:
            writer = self._writer()
            frame = arrow_frame(writer.session, rows)
            if note.action == "append":
                writer.append(frame.drop(CHANGE), note)
            else:
                writer.merge(frame, note, within=self._scope_sql(scope, alias="t"))
        return note.action, counts

    def _held_rows(self, scope: Scope) -> int:
        """How many rows of the table lie in the scope."""
        time_column, log = self.output.contract.scan_time, self.output.log
        if time_column is None or self.derivation.recipe.by is None:
            return log.row_count()
        return log.count_in(scope, time_column)

    def _rows_held(self, scope: Scope) -> pl.DataFrame:
        confined = scope if self.derivation.recipe.by is not None else None
        if self.output.location.is_local:
            return scan_scope(self.output.contract, self.output.location, confined).collect()
        return pl.DataFrame(self.output.df.where(F.expr(self._scope_sql(scope))).toArrow())

    def _expected_rows(self, scope: Scope) -> float:
        """How many rows the scope's hours bring at most: as many as an input has, or pairs of its coins."""
        recipe = self.derivation.recipe
        confined = scope if recipe.by is not None else None
        sizes = [table.size_in(confined) for table in self.derivation.inputs.values() if table.seen is not None]
        if not recipe.unique_by_construction:
            return max(rows for rows, _ in sizes)
        return max(rows * (coins - 1) / 2 for rows, coins in sizes)

    def _written(self, note: CommitNote) -> tuple[str, Counts]:
        newest = next(iter(self.output.log.commits()))
        if newest.note == note:
            return note.action, Counts(inserted=newest.rows_written or 0)
        # Delta commits nothing for a frame without rows; what was consumed must be remembered all the same.
        return self._acknowledge(Counts())

    def _recomputed(self, scope: Scope) -> DataFrame:
        confined = scope if self.derivation.recipe.by is not None else None
        return self._computed(confined).where(F.expr(self._scope_sql(scope)))

    def _computed(self, scope: Scope | None) -> DataFrame:
        """The recipe applied to the rows that the scope needs; to whole tables without a scope."""
        recipe = self.derivation.recipe
        frames = {name: read_reach(table, recipe.inputs[name], scope) for name, table in self.derivation.inputs.items()}
        return recipe.transform(**frames, asked=scope) if recipe.asks else recipe.transform(**frames)

    def _scope_sql(self, scope: Scope, alias: str = "") -> str:
        contract = self.output.contract
        if contract.scan_time is None or self.derivation.recipe.by is None:
            return "TRUE"
        years = contract.partition_columns[0] if contract.partition_columns else None
        return scope.sql(contract.scan_time, year_column=years, alias=alias)
