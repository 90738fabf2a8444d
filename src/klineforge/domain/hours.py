"""Sets of half-open ranges of UTC hours, the unit in which loading, changes and recomputation are planned.

A ``Span`` is ``[start, end)``; a *range set* is a tuple of spans that is sorted, disjoint and free of touching
neighbours, so two equal sets of hours are always the same tuple.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

HOUR = timedelta(hours=1)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True, slots=True)
class Span:
    """Half-open range of time ``[start, end)``, both aware UTC instants.

    Raises:
        ValueError: When ``end`` is not after ``start`` or either instant is naive.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError(f"a span needs UTC instants, got {self.start!r} and {self.end!r}")
        if self.end <= self.start:
            raise ValueError(f"a span must end after it starts, got {self.start} to {self.end}")

    @property
    def hours(self) -> int:
        """Whole hours inside the span."""
        return (self.end - self.start) // HOUR

    def widened(self, back: timedelta = timedelta(0), forward: timedelta = timedelta(0)) -> Span:
        """The span with its start moved back and its end moved forward, kept inside the calendar.

        >>> day = Span(datetime(2021, 1, 2, tzinfo=UTC), datetime(2021, 1, 3, tzinfo=UTC))
        >>> day.widened(back=HOUR).start.hour
        23
        """
        start = BEGINNING if self.start - BEGINNING <= back else self.start - back
        end = FOREVER if forward >= FOREVER - self.end else self.end + forward
        return Span(start, end)

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M}..{self.end:%Y-%m-%d %H:%M}"


RangeSet = tuple[Span, ...]
Period = Literal["month", "year"]


def normalised(spans: Iterable[Span]) -> RangeSet:
    """Sort spans and join those that overlap or touch.

    >>> d = lambda day: datetime(2021, 1, day, tzinfo=UTC)
    >>> [str(s) for s in normalised([Span(d(3), d(4)), Span(d(1), d(2)), Span(d(2), d(3))])]
    ['2021-01-01 00:00..2021-01-04 00:00']
    """
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return tuple(joined)


def subtract(wanted: RangeSet, taken: RangeSet) -> RangeSet:
    """The hours of ``wanted`` that are not in ``taken``."""
    left: list[Span] = []
    position = 0
    for span in wanted:
        start = span.start
        while position < len(taken) and taken[position].end <= start:
            position += 1
        probe = position
        while probe < len(taken) and taken[probe].start < span.end:
            if taken[probe].start > start:
                left.append(Span(start, taken[probe].start))
            start = max(start, taken[probe].end)
            probe += 1
        if start < span.end:
            left.append(Span(start, span.end))
    return tuple(left)


def intersect(one: RangeSet, other: RangeSet) -> RangeSet:
    """The hours both sets hold."""
    both: list[Span] = []
    i = j = 0
    while i < len(one) and j < len(other):
        start, end = max(one[i].start, other[j].start), min(one[i].end, other[j].end)
        if start < end:
            both.append(Span(start, end))
        if one[i].end < other[j].end:
            i += 1
        else:
            j += 1
    return tuple(both)


def from_hours(opens: Iterable[datetime]) -> RangeSet:
    """The range set of single hours given by their opening instants."""
    return normalised(Span(opened, opened + HOUR) for opened in opens)


def coarsened(spans: RangeSet, most: int) -> RangeSet:
    """At most ``most`` spans that cover all of ``spans``, closing the smallest holes first.

    Covering more than asked is always safe for recomputation: rows that come out unchanged are dropped.
    """
    if len(spans) <= most:
        return spans
    holes = sorted(range(len(spans) - 1), key=lambda i: spans[i + 1].start - spans[i].end, reverse=True)
    kept = sorted(holes[: most - 1])
    merged: list[Span] = []
    first = 0
    for cut in [*kept, len(spans) - 1]:
        merged.append(Span(spans[first].start, spans[cut].end))
        first = cut + 1
    return tuple(merged)


def in_whole(span: Span, period: Period) -> Span:
    """The calendar months or years that a span touches, kept inside the calendar.

    >>> noon = datetime(2021, 12, 31, 12, tzinfo=UTC)
    >>> str(in_whole(Span(noon, noon + HOUR), "month"))
    '2021-12-01 00:00..2022-01-01 00:00'
    """
    start, last = _begin(span.start, period), _begin(span.end, period)
    return Span(start, span.end if span.end in {last, FOREVER} else _after(last, period))


def _begin(moment: datetime, period: Period) -> datetime:
    midnight = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return midnight if period == "month" else midnight.replace(month=1)


def _after(begin: datetime, period: Period) -> datetime:
    if period == "year" or begin.month == 12:
        return begin.replace(year=begin.year + 1, month=1)
    return begin.replace(month=begin.month + 1)


def total_hours(spans: RangeSet) -> int:
    """How many whole hours the set holds."""
    return sum(span.hours for span in spans)
