"""The calendar periods that archive files are published for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from klineforge.domain.hours import RangeSet, Span

ArchiveKind = Literal["monthly_archive", "daily_archive"]
MONTHLY: Final[ArchiveKind] = "monthly_archive"
DAILY: Final[ArchiveKind] = "daily_archive"


@dataclass(frozen=True, order=True)
class Period:
    """One UTC month or day.

    >>> from datetime import UTC
    >>> Period(MONTHLY, datetime(2020, 12, 1, tzinfo=UTC)).label
    '2020-12'
    """

    kind: ArchiveKind
    start: datetime

    @property
    def span(self) -> Span:
        """All its hours."""
        if self.kind == DAILY:
            return Span(self.start, self.start + timedelta(days=1))
        return Span(self.start, (self.start + timedelta(days=32)).replace(day=1))

    @property
    def label(self) -> str:
        """The period as file names have it."""
        return f"{self.start:%Y-%m}" if self.kind == MONTHLY else f"{self.start:%Y-%m-%d}"


def months_of(spans: RangeSet) -> tuple[Period, ...]:
    """The months that the hours lie in, in order."""
    return _periods_of(spans, MONTHLY)


def days_of(spans: RangeSet) -> tuple[Period, ...]:
    """The days that the hours lie in, in order."""
    return _periods_of(spans, DAILY)


def hull(spans: RangeSet) -> Span:
    """The smallest span around a range set that is not empty."""
    return Span(spans[0].start, spans[-1].end)


def _periods_of(spans: RangeSet, kind: ArchiveKind) -> tuple[Period, ...]:
    found: dict[Period, None] = {}
    for span in spans:
        start = span.start.replace(hour=0, minute=0, second=0, microsecond=0)
        period = Period(kind, start.replace(day=1) if kind == MONTHLY else start)
        while period.start < span.end:
            found[period] = None
            period = Period(kind, period.span.end)
    return tuple(found)
