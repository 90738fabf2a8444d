"""What to ask next for one coin: pure decisions on sets of hours.

Planning goes in rounds. ``next_tasks`` looks at what is known and names the sources worth asking now; their outcomes
are folded into the state, and the next round plans with them, until nothing is left to ask. Whole months come from
monthly archives, days from daily ones, and what no archive has from REST, the last authority.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from klineforge.domain.hours import RangeSet, Span, intersect, normalised, subtract, total_hours
from klineforge.domain.parameters import EARLIEST_START, IngestionParameters, floor_hour
from klineforge.exchanges.coverage import CoinCoverage, SourceRecord
from klineforge.exchanges.periods import DAILY, MONTHLY, Period, days_of, hull, months_of
from klineforge.exchanges.recheck import RecheckTask, RevisionTask

# A month is one file; fewer missing days than this are fetched day by day.
MONTHLY_PAYS_FROM_DAYS: Final = 4
# Daily files appear on the morning after; before that REST is asked without trying (facts: listings of 2025).
DAILY_PUBLISHED_AFTER: Final = timedelta(hours=9)
# How long a file may still appear after its period: monthly ones came up to six weeks late, daily ones one week.
PATIENCE: Final[dict[str, timedelta]] = {MONTHLY: timedelta(days=60), DAILY: timedelta(days=14)}
REST_PAGE: Final = timedelta(hours=1000)


@dataclass(frozen=True)
class Sources:
    """Which sources may be asked.

    Args:
        archive_name: Names the archive file of a coin and period; None when the archive is off.
        rest: Whether REST may be asked.
    """

    archive_name: Callable[[str, Period], str] | None
    rest: bool


@dataclass(frozen=True)
class FirstCandleTask:
    """Ask REST for the coin's first candle; hours of ``span`` before it do not exist."""

    coin: str
    span: Span


@dataclass(frozen=True)
class ArchiveTask:
    """Fetch one archive file for the hours of ``span``."""

    coin: str
    period: Period
    span: Span


@dataclass(frozen=True)
class RestTask:
    """Ask REST for ``span``: candles of ``missing`` are new, those of ``again`` are compared with what is known."""

    coin: str
    span: Span
    missing: RangeSet
    again: RangeSet


Task = FirstCandleTask | ArchiveTask | RestTask | RecheckTask | RevisionTask


@dataclass(frozen=True)
class CoinState:
    """What is known of one coin at some moment of a run.

    Args:
        coin: Native symbol.
        wanted: Hours asked for by the user that are closed.
        again: Recent hours, loaded by earlier runs, that REST is asked for again.
        coverage: What is loaded, landed or known to be absent.
        tried: Archive files dealt with in this run.
        given_up: Hours not to be asked for again in this run.
        first_asked: Whether the first candle was asked for in this run.
        rechecks: Archive files to look at again once everything else is done.
    """

    coin: str
    wanted: RangeSet
    again: RangeSet
    coverage: CoinCoverage
    tried: frozenset[str] = frozenset()
    given_up: RangeSet = ()
    first_asked: bool = False
    rechecks: tuple[RecheckTask, ...] = ()

    @property
    def missing(self) -> RangeSet:
        """Hours still to be asked for in this run."""
        return subtract(subtract(self.wanted, self.coverage.settled), self.given_up)

    def without(self, spans: RangeSet) -> CoinState:
        """The state in which some hours are not asked for again."""
        return replace(
            self, given_up=normalised((*self.given_up, *spans)), again=subtract(self.again, normalised(spans))
        )


def wanted_hours(parameters: IngestionParameters, server_now: datetime) -> RangeSet:
    """The closed hours the user asks for.

    An hour counts as closed when it ended at least the grace before the server's time.
    """
    newest = floor_hour(server_now - parameters.grace)
    end = newest if parameters.end is None else min(parameters.end, newest)
    start = max(parameters.start, EARLIEST_START)
    return (Span(start, end),) if end > start else ()


def hours_to_read_again(
    in_bronze: CoinCoverage, wanted: RangeSet, look_back: timedelta, server_now: datetime
) -> RangeSet:
    """Recent hours whose candle bronze holds and REST may have corrected since.

    Args:
        in_bronze: What bronze holds, without what has only landed: there is nothing yet to compare that with.
        wanted: Hours asked for by the user that are closed.
        look_back: Age up to which hours are asked for again.
        server_now: The server's time.
    """
    if not look_back:
        return ()
    newest = floor_hour(server_now)
    return intersect(intersect((Span(newest - look_back, newest),), wanted), in_bronze.present)


def next_tasks(
    state: CoinState, sources: Sources, now: datetime
) -> tuple[FirstCandleTask | ArchiveTask | RestTask, ...]:
    """The sources worth asking now, independent of each other; empty when the coin is done.

    Args:
        state: What is known so far.
        sources: What may be asked.
        now: The server's time.
    """
    missing = state.missing
    if missing and sources.rest and not state.first_asked and not _known_before(missing[0].start, state.coverage):
        return (FirstCandleTask(state.coin, Span(missing[0].start, missing[-1].end)),)
    archives = _archive_tasks(state, sources, now) if sources.archive_name is not None else ()
    if archives:
        return archives
    return _rest_tasks(state) if sources.rest else ()


def settled_until(server_now: datetime, look_back: timedelta) -> datetime:
    """Until when an empty answer of REST is believed: whole days older than the look-back.

    Younger hours may still turn up, because REST reads from a database that lags; whole days, because a coin that is
    no longer traded would otherwise bring one record of nothing per hour.
    """
    edge = floor_hour(server_now - look_back)
    return edge.replace(hour=0)


def is_gone_for_good(record: SourceRecord, period: Span, now: datetime) -> bool:
    """Whether a file that was not found is too old to appear any more; then that is worth remembering."""
    return period.end + PATIENCE[record.source_kind] <= now


def _is_worth_a_month(missing: RangeSet) -> bool:
    """Whether the hours lie in so many days that a monthly file pays; the days are named only if that is in doubt."""
    whole = total_hours(missing) >= 24 * MONTHLY_PAYS_FROM_DAYS
    return whole or len(days_of(missing)) >= MONTHLY_PAYS_FROM_DAYS


def _known_before(start: datetime, coverage: CoinCoverage) -> bool:
    settled = coverage.settled
    return bool(settled) and settled[0].start <= start


def _archive_tasks(state: CoinState, sources: Sources, now: datetime) -> tuple[ArchiveTask, ...]:
    missing = state.missing
    months = months_of(missing)
    planner = _MonthPlanner(state, sources, now, months)
    return tuple(task for month in months for task in planner.tasks(month, intersect(missing, (month.span,))))


@dataclass(frozen=True)
class _MonthPlanner:
    """Chooses the files of one month after the other, on the same state."""

    state: CoinState
    sources: Sources
    now: datetime
    months: tuple[Period, ...]

    def tasks(self, month: Period, missing: RangeSet) -> tuple[ArchiveTask, ...]:
        """The files to ask for the missing hours of a month."""
        monthly = ArchiveTask(self.state.coin, month, hull(missing))
        monthly_open = month.span.end <= self.now and self._open(month, missing)
        if monthly_open and _is_worth_a_month(missing):
            return (monthly,)
        days = self._days(month, missing)
        candidates = [day for day in self._chosen(month, days) if self._open(day, intersect(missing, (day.span,)))]
        if candidates:
            return tuple(ArchiveTask(self.state.coin, day, hull(intersect(missing, (day.span,)))) for day in candidates)
        return (monthly,) if monthly_open and days and not self.sources.rest else ()

    def _days(self, month: Period, missing: RangeSet) -> list[Period]:
        """Days whose file could bring something."""
        published = self.now - (DAILY_PUBLISHED_AFTER if self.sources.rest else timedelta(0))
        days = [day for day in days_of(missing) if day.span.end <= published]
        read = self.state.coverage.consulted.get(self._name(month), ())
        if self.sources.rest:
            # Single hours, and what a monthly file lacks, are REST's.
            return [] if read else [day for day in days if intersect(missing, (day.span,)) == (day.span,)]
        if read:
            # A day that the monthly file has in part is no better in its daily file; one that it lacks may be, also at
            # its end: monthly files were published that stopped in the middle (exchange-protocols §1.6). Days before
            # the coin's first candle are before its listing.
            wanted = self.state.wanted
            days = [day for day in days if intersect(missing, (day.span,)) == intersect(wanted, (day.span,))]
            present = self.state.coverage.present
            return [day for day in days if present and present[0].start < day.span.start]
        return days

    def _chosen(self, month: Period, days: list[Period]) -> list[Period]:
        """All days where the coin is known to have traded; elsewhere a few that tell whether it did."""
        traded = bool(intersect(self.state.coverage.present, (month.span,)))
        inside = self._inside(month.span)
        if traded or len(days) < MONTHLY_PAYS_FROM_DAYS or (inside and not self.sources.rest):
            return days
        return [days[0], days[-3], days[-1]] if inside or self._adjacent(month) else []

    def _inside(self, span: Span) -> bool:
        present = self.state.coverage.present
        return bool(present) and present[0].start < span.start and span.end < present[-1].end

    def _adjacent(self, month: Period) -> bool:
        """Whether the month borders on known candles or, while none are known, on an end of what is asked for."""
        present = self.state.coverage.present
        if not present:
            newest_past = [other for other in self.months if other.span.end <= self.now][-1:]
            return month in (self.months[0], self.months[-1], *newest_past)
        first, last = months_of(present[:1])[0], months_of(present[-1:])[-1]
        return month.span.end == first.span.start or month.span.start == last.span.end

    def _open(self, period: Period, missing: RangeSet) -> bool:
        """Whether a file may still be asked for: not in this run, not read for these hours, not gone for good."""
        name = self._name(period)
        coverage = self.state.coverage
        if name in self.state.tried or not subtract(missing, coverage.consulted.get(name, ())):
            return False
        asked = coverage.not_found.get(name)
        return asked is None or asked < period.span.end + PATIENCE[period.kind]

    def _name(self, period: Period) -> str:
        if self.sources.archive_name is None:
            raise ValueError("archive files are named only while the archive is in use")
        return self.sources.archive_name(self.state.coin, period)


def _rest_tasks(state: CoinState) -> tuple[RestTask, ...]:
    missing = state.missing
    spans = normalised((*missing, *state.again))
    return tuple(
        RestTask(state.coin, page, intersect(missing, (page,)), intersect(state.again, (page,)))
        for span in spans
        for page in _pages(span)
    )


def _pages(span: Span) -> list[Span]:
    pages = []
    start = span.start
    while start < span.end:
        pages.append(Span(start, min(start + REST_PAGE, span.end)))
        start += REST_PAGE
    return pages
