"""Decide, before any query runs, what a derived table needs: nothing, a note, some rows, or a rebuild."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

from klineforge.domain.hours import BEGINNING, FOREVER, Span
from klineforge.domain.scope import Scope
from klineforge.errors import ConfigurationError
from klineforge.incremental.recipe import Derivation, Reach, Recipe
from klineforge.lake.log import ChangeFeedGoneError, TableLog
from klineforge.lake.memory import newest_note
from klineforge.lake.note import TAKEN_BACK, CommitNote, InputVersion
from klineforge.lake.table import LakeTable

Kind = Literal["nothing", "acknowledge", "increment", "rebuild"]

EVERYTHING = Scope((), {(): (Span(BEGINNING, FOREVER),)})


@dataclass(frozen=True)
class Plan:
    """What to do for one table.

    Args:
        kind: ``nothing`` is up to date; ``acknowledge`` has new input versions without changed rows.
        consumed: Input versions the table will rest on.
        scope: Rows to recompute, for an increment.
        reason: Why, in words for the log.
    """

    kind: Kind
    consumed: Mapping[str, InputVersion]
    scope: Scope | None = None
    reason: str = ""


def plan(derivation: Derivation, output: LakeTable, *, forced: bool = False) -> Plan:
    """Compare what the output remembers with what its inputs are now.

    Args:
        derivation: Recipe and inputs.
        output: The table to bring up to date.
        forced: Rebuild whatever is remembered.

    Raises:
        ConfigurationError: When none of the inputs exists.
        ContractError: When a table has other columns than its contract.
    """
    consumed = {table.contract.name: table.seen for table in derivation.inputs.values() if table.seen is not None}
    if not consumed and derivation.inputs:
        missing = ", ".join(table.contract.name for table in derivation.inputs.values())
        raise ConfigurationError(
            f"{derivation.recipe.name} cannot be made: the lake has no {missing}; run the pipelines before it first, "
            "for example 'kedro run' without --pipeline"
        )
    for table in derivation.inputs.values():
        table.require_contract()
    if forced:
        return Plan("rebuild", consumed, reason="asked for")
    output.require_contract()
    if output.seen is None:
        return Plan("rebuild", consumed, reason="first run")
    noted, doubt = newest_note(output.log, derivation.recipe.name)
    if noted is None:
        return Plan("rebuild", consumed, reason=doubt)
    memory = noted.note
    if memory.recipe_version != derivation.recipe.version:
        taken_back = memory.recipe_version == TAKEN_BACK
        why = "a table that it reads was repaired, or another program wrote to it"
        reason = why if taken_back else "made by another version of the formulas"
        return Plan("rebuild", consumed, reason=reason)
    try:
        return _increment(derivation, memory, consumed)
    except ChangeFeedGoneError as gone:
        return Plan("rebuild", consumed, reason=str(gone))


def _increment(derivation: Derivation, memory: CommitNote, consumed: Mapping[str, InputVersion]) -> Plan:
    scope: Scope | None = None
    moved = False
    for argument, table in derivation.inputs.items():
        name = table.contract.name
        before, now = memory.consumed.get(name), consumed.get(name)
        if before == now:
            continue
        if now is None or (before is not None and (before.id != now.id or before.version > now.version)):
            return Plan("rebuild", consumed, reason=f"{name} is not the table that was read last time")
        first = -1 if before is None else before.version
        if not changed_between(table.log, first, now.version):
            continue
        if made_anew_between(table.log, first, now.version):
            return Plan("rebuild", consumed, reason=f"{name} was made anew")
        moved = True
        touched = affected(derivation.recipe, derivation.recipe.inputs[argument], table, first, now.version)
        scope = touched if scope is None else scope.union(touched)
    if scope:
        return Plan("increment", consumed, scope.planned())
    return Plan("acknowledge" if moved else "nothing", consumed)


def changed_between(log: TableLog, after: int, upto: int) -> bool:
    """Whether any commit in ``(after, upto]`` may have changed rows.

    Raises:
        ChangeFeedGoneError: When the log no longer tells: a commit that is gone may have changed anything.
    """
    log.require_history(after, upto)
    recent = takewhile(lambda commit: commit.version > after, log.commits())
    return any(commit.changes_rows for commit in recent if commit.version <= upto)


def made_anew_between(log: TableLog, after: int, upto: int) -> bool:
    """Whether a commit in ``(after, upto]`` replaced all rows: its change feed would be twice the table."""
    recent = takewhile(lambda commit: commit.version > after, log.commits())
    notes = [commit.note for commit in recent if commit.version <= upto]
    return any(note is not None and note.action == "rebuild" for note in notes)


def affected(recipe: Recipe, reach: Reach, table: LakeTable, after: int, upto: int) -> Scope:
    """Output rows that may differ because of an input's changes in the commits ``(after, upto]``."""
    if recipe.by is None:
        return EVERYTHING
    contract = table.contract
    changes = table.log.changes(after, upto, recipe.by, contract.scan_time)
    return changes.widened(back=reach.ahead, forward=reach.forward).in_whole(reach.whole)
