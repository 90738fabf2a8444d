"""What a run decides to do for a table, for any past of the table and its input, against a model in a few lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

from hypothesis import event, given
from hypothesis import strategies as st
from law.effort import effort
from law.records import START

from klineforge.contracts import CONTRACTS
from klineforge.domain.hours import HOUR, Span, normalised
from klineforge.domain.scope import Scope
from klineforge.incremental.plan import Plan, plan
from klineforge.incremental.recipe import Derivation
from klineforge.lake.log import ChangeFeedGoneError, Commit
from klineforge.lake.note import Action, CommitNote, InputVersion
from klineforge.lake.table import LakeTable
from klineforge.recipes.marts import VOLUME

FACT = "fact_1h_klines"
WHO = ("binance", "AAAUSDT")
DAY = timedelta(hours=24)


@dataclass(frozen=True)
class InputCommit:
    """A commit of the input: KlineForge's own (``action``) or a foreign ``operation``, and the hours it changed."""

    action: Action | None
    operation: str
    hours: frozenset[int]

    @property
    def changes_rows(self) -> bool:
        """Whether rows may say something else after it."""
        return self.action in {"append", "merge", "rebuild"} if self.action else self.operation == "DELETE"


@dataclass(frozen=True)
class OutputCommit:
    """A commit of the output: with the input version it rests on, or a foreign ``operation``."""

    consumed: int | None
    operation: str = "MERGE"
    recipe_version: str = VOLUME.version
    id: str = "now"


@dataclass(frozen=True)
class Past:
    """All that happened: the logs of both tables, oldest commit first, and the oldest entry the input's log holds."""

    input: tuple[InputCommit, ...]
    output: tuple[OutputCommit, ...]
    kept_from: int


@dataclass
class FakeLog:
    """A log in memory.

    Args:
        entries: Oldest first.
        feed: Hours changed by version.
        kept_from: Oldest version whose entry is still there.
    """

    entries: Sequence[Commit]
    feed: Sequence[frozenset[int]] = ()
    kept_from: int = 0

    def commits(self) -> Iterator[Commit]:
        """Newest first, as far as the log goes."""
        return (commit for commit in reversed(self.entries) if commit.version >= self.kept_from)

    def require_history(self, after: int, upto: int) -> None:
        """Refuse when an entry is gone."""
        if any(version < self.kept_from for version in range(after + 1, upto + 1)):
            raise ChangeFeedGoneError("gone")

    def changes(self, after: int, upto: int, by: tuple[str, ...], time_column: str | None) -> Scope:  # noqa: ARG002
        """The hours that changed."""
        self.require_history(after, upto)
        hours = [hour for feed in self.feed[after + 1 : upto + 1] for hour in feed]
        return Scope(by, {WHO: normalised(map(_span, hours))} if hours else {})


def _span(hour: int) -> Span:
    return Span(START + hour * HOUR, START + (hour + 1) * HOUR)


_input_commits = st.one_of(
    st.builds(
        InputCommit,
        st.sampled_from(["append", "merge", "rebuild"]),
        st.just("MERGE"),
        st.frozensets(st.integers(0, 60), max_size=4),
    ),
    st.builds(InputCommit, st.just("acknowledge"), st.just("WRITE"), st.just(frozenset())),
    st.builds(InputCommit, st.none(), st.sampled_from(["OPTIMIZE", "VACUUM END"]), st.just(frozenset())),
    st.builds(InputCommit, st.none(), st.just("DELETE"), st.frozensets(st.integers(0, 60), min_size=1, max_size=2)),
)
_output_commits = st.one_of(
    st.builds(OutputCommit, st.integers(-1, 7)),
    st.builds(OutputCommit, st.integers(-1, 7), recipe_version=st.sampled_from([VOLUME.version, "another"])),
    st.builds(OutputCommit, st.integers(-1, 7), id=st.sampled_from(["now", "before"])),
    st.builds(OutputCommit, st.none(), st.sampled_from(["OPTIMIZE", "CREATE TABLE", "DELETE", "RESTORE"])),
)
PASTS = st.builds(
    Past,
    st.lists(_input_commits, min_size=1, max_size=8).map(tuple),
    st.lists(_output_commits, max_size=4).map(tuple),
    st.sampled_from([0, 0, 0, 1, 3, 6]),
)


@effort(400)
@given(PASTS)
def test_plan_is_that_of_the_model(past: Past) -> None:
    kind, hours = expected(past)
    found = planned(past)
    event(kind)
    assert found.kind == kind
    if kind == "increment":
        assert found.scope is not None
        assert found.scope.ranges == {WHO: normalised(_span(hour).widened(forward=DAY) for hour in hours)}
    newest = len(past.input) - 1
    assert found.consumed == {FACT: InputVersion("now", newest)}, "the next run begins where this one has looked"


def expected(past: Past) -> tuple[str, frozenset[int]]:
    """What must be done, and for an increment the hours of the input that changed."""
    newest = len(past.input) - 1
    harmless = {"OPTIMIZE", "CREATE TABLE"}
    trusted = [commit for commit in past.output if commit.consumed is not None or commit.operation not in harmless]
    memory = trusted[-1] if trusted else None
    if memory is None or memory.consumed is None or memory.recipe_version != VOLUME.version:
        return "rebuild", frozenset()
    # Minus one is a memory from before the input was there.
    unread = past.input[memory.consumed + 1 :]
    is_another = memory.consumed >= 0 and memory.id != "now"
    is_unknown = bool(unread) and min(past.kept_from, newest) > memory.consumed + 1
    made_anew = any(commit.action == "rebuild" for commit in unread)
    if is_another or memory.consumed > newest or is_unknown or made_anew:
        return "rebuild", frozenset()
    hours = frozenset(hour for commit in unread for hour in commit.hours)
    if hours or not any(commit.changes_rows for commit in unread):
        return ("increment" if hours else "nothing"), hours
    return "acknowledge", frozenset()


def planned(past: Past) -> Plan:
    """What the package decides."""
    kept_from = min(past.kept_from, len(past.input) - 1)
    entries = [
        Commit(version, commit.operation, commit.action and CommitNote(FACT, commit.action))
        for version, commit in enumerate(past.input)
    ]
    fact = _table(FACT, FakeLog(entries, [commit.hours for commit in past.input], kept_from), len(past.input))
    made = [Commit(version, commit.operation, _note(commit)) for version, commit in enumerate(past.output)]
    output = _table(VOLUME.name, FakeLog(made), len(past.output))
    return plan(Derivation(VOLUME, {"candles": fact}), output)


def _note(commit: OutputCommit) -> CommitNote | None:
    if commit.consumed is None:
        return None
    consumed = {FACT: InputVersion(commit.id, commit.consumed)} if commit.consumed >= 0 else {}
    return CommitNote(VOLUME.name, "merge", consumed, commit.recipe_version)


def _table(name: str, log: FakeLog, length: int) -> LakeTable:
    return cast(
        "LakeTable",
        SimpleNamespace(
            contract=CONTRACTS[name],
            log=log,
            seen=InputVersion("now", length - 1) if length else None,
            require_contract=lambda: None,
        ),
    )
