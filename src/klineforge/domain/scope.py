"""Which rows a recomputation is about: ranges of time per subject, as a value and as a predicate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from klineforge.domain.hours import FOREVER, Period, RangeSet, Span, coarsened, in_whole, normalised

if TYPE_CHECKING:
    import polars as pl

Subject = tuple[str, ...]

# More disjuncts than this make query planning slower than reading a few rows too many.
MOST_SPANS = 120


@dataclass(frozen=True)
class Scope:
    """Ranges of time per subject.

    Args:
        by: Columns that name a subject; empty for one anonymous subject ``()``.
        ranges: Normalised half-open ranges by subject; subjects without any range do not occur.
    """

    by: tuple[str, ...]
    ranges: Mapping[Subject, RangeSet]

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def all_spans(self) -> Iterable[Span]:
        """Every span of every subject."""
        return (span for spans in self.ranges.values() for span in spans)

    @property
    def envelope(self) -> Span:
        """The smallest span that holds all others."""
        return Span(min(s.start for s in self.all_spans()), max(s.end for s in self.all_spans()))

    def widened(self, back: timedelta = timedelta(0), forward: timedelta = timedelta(0)) -> Scope:
        """Every span stretched by the same amounts."""
        return Scope(
            self.by,
            {who: normalised(span.widened(back, forward) for span in spans) for who, spans in self.ranges.items()},
        )

    def in_whole(self, period: Period | None) -> Scope:
        """Every span stretched to the calendar periods it touches; None changes nothing."""
        if period is None:
            return self
        return Scope(
            self.by,
            {who: normalised(in_whole(span, period) for span in spans) for who, spans in self.ranges.items()},
        )

    def union(self, other: Scope) -> Scope:
        """Both scopes together; they must have the same subject columns."""
        if self.by != other.by:
            raise ValueError(f"scopes by {self.by} and {other.by} cannot be joined")
        everyone = {**self.ranges, **other.ranges}
        return Scope(
            self.by,
            {who: normalised([*self.ranges.get(who, ()), *other.ranges.get(who, ())]) for who in everyone},
        )

    def planned(self, most: int = MOST_SPANS) -> Scope:
        """A scope that covers this one with at most about ``most`` spans in all distinct range sets together."""
        distinct = set(self.ranges.values())
        if sum(len(spans) for spans in distinct) <= most:
            return self
        each = max(1, most // len(distinct))
        return Scope(self.by, {who: coarsened(spans, each) for who, spans in self.ranges.items()})

    def sql(self, time_column: str, *, year_column: str | None = None, alias: str = "") -> str:
        """The scope as a SQL predicate over the subject columns and the time column."""
        prefix = f"{alias}." if alias else ""
        clauses = [
            _both(_subjects_sql(self.by, subjects, prefix), _spans_sql(f"{prefix}{time_column}", spans))
            for spans, subjects in self._grouped().items()
        ]
        everything = " OR ".join(f"({clause})" for clause in clauses) or "FALSE"
        if year_column is None or not self.ranges:
            return f"({everything})"
        envelope = self.envelope
        return f"({prefix}{year_column} BETWEEN {envelope.start.year} AND {envelope.end.year} AND ({everything}))"

    def before_sql(self, time_column: str) -> str:
        """Rows of each subject that lie before its first range."""
        clauses = [
            _both(_subjects_sql(self.by, subjects, ""), f"{time_column} < {_instant(start)}")
            for start, subjects in self._by_first_start().items()
        ]
        return "(" + (" OR ".join(f"({clause})" for clause in clauses) or "FALSE") + ")"

    def polars(self, time_column: str) -> pl.Expr:
        """The scope as a polars predicate."""
        clauses = [
            _subjects_polars(self.by, subjects) & _spans_polars(time_column, spans)
            for spans, subjects in self._grouped().items()
        ]
        return _any_of(clauses)

    def polars_before(self, time_column: str) -> pl.Expr:
        """Rows of each subject that lie before its first range, as a polars predicate."""
        import polars as pl

        clauses = [
            _subjects_polars(self.by, subjects) & (pl.col(time_column) < start)
            for start, subjects in self._by_first_start().items()
        ]
        return _any_of(clauses)

    def _by_first_start(self) -> dict[datetime, list[Subject]]:
        firsts: dict[datetime, list[Subject]] = {}
        for who, spans in self.ranges.items():
            firsts.setdefault(spans[0].start, []).append(who)
        return firsts

    def _grouped(self) -> dict[RangeSet, list[Subject]]:
        groups: dict[RangeSet, list[Subject]] = {}
        for who, spans in sorted(self.ranges.items()):
            groups.setdefault(spans, []).append(who)
        return groups


def _subjects_sql(by: tuple[str, ...], subjects: list[Subject], prefix: str) -> str:
    if not by:
        return ""
    if len(by) == 1:
        return f"{prefix}{by[0]} IN ({', '.join(_text(who[0]) for who in subjects)})"
    first, *rest = by
    clauses: list[str] = []
    for head in sorted({who[0] for who in subjects}):
        tails = [who[1:] for who in subjects if who[0] == head]
        clauses.append(f"({prefix}{first} = {_text(head)} AND {_subjects_sql(tuple(rest), tails, prefix)})")
    return "(" + " OR ".join(clauses) + ")"


def _both(one: str, other: str) -> str:
    return f"{one} AND {other}" if one else other


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _instant(moment: datetime) -> str:
    return f"TIMESTAMP'{moment:%Y-%m-%d %H:%M:%S.%f}Z'"


def _spans_sql(column: str, spans: RangeSet) -> str:
    clauses = [
        f"{column} >= {_instant(span.start)}" + (f" AND {column} < {_instant(span.end)}" if span.end < FOREVER else "")
        for span in spans
    ]
    return "(" + " OR ".join(f"({clause})" for clause in clauses) + ")"


def _subjects_polars(by: tuple[str, ...], subjects: list[Subject]) -> pl.Expr:
    import polars as pl

    if not by:
        return pl.lit(value=True)
    first, *rest = by
    if not rest:
        return pl.col(first).is_in([who[0] for who in subjects])
    heads = sorted({who[0] for who in subjects})
    return _any_of(
        [
            (pl.col(first) == head) & _subjects_polars(tuple(rest), [who[1:] for who in subjects if who[0] == head])
            for head in heads
        ]
    )


def _spans_polars(time_column: str, spans: RangeSet) -> pl.Expr:
    import polars as pl

    time = pl.col(time_column)
    return _any_of(
        [(time >= span.start) & (time < span.end) if span.end < FOREVER else time >= span.start for span in spans]
    )


def _any_of(conditions: list[pl.Expr]) -> pl.Expr:
    """Where at least one holds, as a balanced tree: a chain of some hundred takes polars seconds and gigabytes."""
    import polars as pl

    if not conditions:
        return pl.lit(value=False)
    if len(conditions) == 1:
        return conditions[0]
    middle = len(conditions) // 2
    return _any_of(conditions[:middle]) | _any_of(conditions[middle:])
