"""Bring one derived table up to date: exactly the affected rows, in one commit, or nothing at all."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import and_

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, Observation, Window
from pyspark.sql import functions as F

from klineforge.domain.hours import HOUR, Span, intersect, normalised, total_hours
from klineforge.domain.scope import Scope
from klineforge.errors import ContractError
from klineforge.incremental.plan import EVERYTHING, Plan, plan
from klineforge.incremental.recipe import Derivation, Reach
from klineforge.lake.note import CommitNote, Counts
from klineforge.lake.table import LakeTable
from klineforge.lake.writing import CHANGE, DeltaWriter, arrow_frame, column_differences
from klineforge.spark.session import get_session

logger = logging.getLogger(__name__)

# The changed rows are held in memory between the comparison and the commit; where more rows than this might change,
# making the table anew is cheaper and bounded.
MOST_ROWS_COMPARED = 8_000_000


_KINDS = ("insert", "update", "delete", "unchanged")


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
    """
    started = time.monotonic()
    todo = plan(derivation, output, forced=forced)
    action, counts = _Refresh(derivation, output, run_id, todo).carry_out()
    head = output.log.head()
    outcome = Outcome(
        table=output.contract.name,
        action=action,
        version=head.version if head else None,
        counts=counts,
        seconds=time.monotonic() - started,
        reason=todo.reason,
    )
    logger.info("%s", describe(outcome))
    return outcome


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
        make = recipe.bulk_transform or recipe.transform
        rows = make(**{name: table.df for name, table in self.derivation.inputs.items()})
        if not recipe.unique_by_construction:
            rows = rows.transform(proved_unique(self.output))
        writer, note = self._writer(), self._note("rebuild", Counts())
        if self.output.seen is None:
            writer.create()
            writer.append(rows, note)
        elif column_differences(self.output.log.columns(), self.output.contract):
            writer.create(replace=True)
            writer.append(rows, note)
        else:
            writer.overwrite(rows, note)
        return self._written(note)

    def _increment(self, scope: Scope) -> tuple[str, Counts]:
        recomputed = self._recomputed(scope)
        time_column = self.output.contract.scan_time
        if time_column is not None and not self.output.log.has_rows_in(scope, time_column):
            note = self._note("append", Counts())
            self._writer().append(recomputed.transform(proved_unique(self.output)), note)
            return self._written(note)
        if self._rows_in(scope) > MOST_ROWS_COMPARED:
            return self._rebuild()
        return self._apply(*self._changes(recomputed, scope), scope)

    def _apply(self, changes: pa.Table, counts: Counts, scope: Scope) -> tuple[str, Counts]:
        if counts.changed == 0:
            return self._acknowledge(counts)
        writer = self._writer()
        rows = arrow_frame(writer.session, changes)
        if counts.changed == counts.inserted:
            writer.append(rows.where(F.col(CHANGE) == "insert").drop(CHANGE), self._note("append", counts))
            return "append", counts
        note = self._note("merge", counts)
        if self.derivation.recipe.by is None:
            # A small table in few files: writing it anew costs less than finding rows in it.
            writer.overwrite(rows.where(F.col(CHANGE) != "delete").drop(CHANGE), note)
        else:
            writer.merge(rows, note, within=self._scope_sql(scope, alias="t"))
        return "merge", counts

    def _rows_in(self, scope: Scope) -> float:
        """About how many rows of the table lie in the scope's hours, from its statistics."""
        rows, time_column = self.output.log.row_count(), self.output.contract.scan_time
        known = self.output.log.time_range(time_column) if time_column else None
        if known is None:
            return rows
        whole = Span(known[0], known[1] + HOUR)
        hours = intersect(normalised(scope.all_spans()), (whole,))
        return rows * total_hours(hours) / max(1, whole.hours)

    def _written(self, note: CommitNote) -> tuple[str, Counts]:
        newest = next(iter(self.output.log.commits()))
        if newest.note == note:
            return note.action, Counts(inserted=newest.rows_written or 0)
        # Delta commits nothing for a frame without rows; what was consumed must be remembered all the same.
        return self._acknowledge(Counts())

    def _recomputed(self, scope: Scope) -> DataFrame:
        recipe = self.derivation.recipe
        frames = {name: _read(table, recipe.inputs[name], scope) for name, table in self.derivation.inputs.items()}
        return recipe.transform(**frames).where(F.expr(self._scope_sql(scope)))

    def _scope_sql(self, scope: Scope, alias: str = "") -> str:
        contract = self.output.contract
        if contract.scan_time is None or self.derivation.recipe.by is None:
            return "TRUE"
        years = contract.partition_columns[0] if contract.partition_columns else None
        return scope.sql(contract.scan_time, year_column=years, alias=alias)

    def _changes(self, recomputed: DataFrame, scope: Scope) -> tuple[pa.Table, Counts]:
        existing = self.output.df.where(F.expr(self._scope_sql(scope)))
        compared = compare(recomputed, existing, self.output)
        if self.derivation.recipe.by is None:
            rows: pa.Table = compared.toArrow()
            kinds = Counter(rows[CHANGE].to_pylist())
        else:
            observation = Observation()
            counting = [F.count_if(F.col(CHANGE) == kind).alias(kind) for kind in _KINDS]
            rows = compared.observe(observation, *counting).where(F.col(CHANGE) != "unchanged").toArrow()
            kinds = Counter(observation.get)
        require_unique(rows, self.output)
        return rows, Counts(*(kinds[kind] for kind in _KINDS))


def _read(table: LakeTable, reach: Reach, scope: Scope) -> DataFrame:
    """The rows of an input that the scope's output rows are made from."""
    time_column = table.contract.scan_time
    rows = table.df
    if time_column is None or not scope.by:
        return rows
    reading = scope.widened(back=reach.back)
    years = table.contract.partition_columns[0] if table.contract.partition_columns else None
    recent = rows.where(F.expr(reading.sql(time_column, year_column=years)))
    if reach.stand_in is None:
        return recent
    return recent.unionByName(reach.stand_in(rows.where(F.expr(reading.before_sql(time_column)))))


def proved_unique(output: LakeTable) -> Callable[[DataFrame], DataFrame]:
    """A transformation that fails while writing when two rows share a key, without a query of its own.

    The window orders rows as the time-series tables are computed and sorted anyway.
    """
    *subject, last = output.contract.grain

    def prove(rows: DataFrame) -> DataFrame:
        ordered = Window.partitionBy(*subject).orderBy(last)
        repeated = F.lag(F.col(last)).over(ordered).eqNullSafe(F.col(last))
        message = F.concat(
            F.lit(f"table {output.contract.name}: key ({', '.join(output.contract.grain)}) occurs twice: "),
            F.to_json(F.struct(*output.contract.grain)),
        )
        marked = rows.withColumn("_repeated", repeated)
        return marked.where(F.when(F.col("_repeated"), F.raise_error(message)).otherwise(F.lit(True))).drop("_repeated")

    return prove


def compare(recomputed: DataFrame, existing: DataFrame, output: LakeTable) -> DataFrame:
    """Mark every row as ``insert``, ``update``, ``delete`` or ``unchanged`` by comparing two versions of a table.

    Returns:
        The contract's columns (of the recomputed row; of the existing one for deletions) and ``_change``.
    """
    keys = list(output.contract.grain)
    values = [name for name in output.contract.column_names if name not in keys]
    new = recomputed.select(*keys, F.struct(*values).alias("_new"))
    old = existing.select(*keys, F.struct(*values).alias("_old"))
    tolerances = {column.name: column.tolerance for column in output.contract.columns}
    same = reduce(and_, (_is_same(name, tolerances.get(name)) for name in values))
    change = (
        F.when(F.col("_old").isNull(), "insert")
        .when(F.col("_new").isNull(), "delete")
        .when(same, "unchanged")
        .otherwise("update")
    )
    row = F.coalesce(F.col("_new"), F.col("_old"))
    return (
        new.join(old, on=keys, how="full_outer")
        .withColumn(CHANGE, change)
        .select(*keys, *(row[name].alias(name) for name in values), CHANGE)
    )


def _is_same(name: str, tolerance: float | None) -> Column:
    new, old = F.col("_new")[name], F.col("_old")[name]
    if tolerance is None:
        return new.eqNullSafe(old)
    return new.eqNullSafe(old) | F.coalesce(F.abs(new - old) <= tolerance, F.lit(False))


def require_unique(rows: pa.Table, output: LakeTable) -> None:
    """Refuse rows that share a key: MERGE would insert both, silently.

    Raises:
        ContractError: Names the table and a key that occurs twice.
    """
    keys = list(output.contract.grain)
    counted = rows.select(keys).group_by(keys).aggregate([([], "count_all")])
    twice = counted.filter(pc.greater(counted["count_all"], 1))
    if twice.num_rows:
        raise ContractError(
            f"table {output.contract.name}: {twice.num_rows} keys of ({', '.join(keys)}) occur more than once, "
            f"for example {twice.slice(0, 1).to_pylist()[0]}; nothing was written"
        )
