"""Which archive files to look at again, because the exchange replaces published files without saying so (§1.6).

Only the small checksum file is asked for. Files of the last 90 days are looked at on every run; older ones once a week:
each has a moment of the week of its own, which follows from its name, and a run looks at the files whose moment has
passed since the history was last looked at (ADR 12).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from klineforge.domain.hours import BEGINNING, RangeSet, Span, intersect, normalised, subtract
from klineforge.domain.parameters import Recheck
from klineforge.exchanges.coverage import SourceRecord, Status
from klineforge.exchanges.periods import MONTHLY, Period, days_of, hull, months_of

LOOKED_AT_EVERY_RUN: Final = timedelta(days=90)
CYCLE: Final = timedelta(days=7)
_LONGEST_PERIOD: Final = timedelta(days=31)
# Without a memory of the last look: as if there were a run every day.
SHARE_WITHOUT_MEMORY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Held:
    """The newest download of a file for some of its hours."""

    span: Span
    sha256: str | None
    status: Status


@dataclass(frozen=True)
class RecheckTask:
    """Ask for the checksum of an archive file and compare it with what bronze holds.

    Args:
        coin: Native symbol.
        name: Name of the file.
        period: What the file is about.
        span: The hours that it is of interest for.
        held: What bronze holds of it, per stretch of hours; empty when the file did not exist.
        slow: Whether the file is old, so that it has a turn and is not looked at on every run.
        newest_before: Time of the newest download of the coin so far.
    """

    coin: str
    name: str
    period: Period
    span: Span
    held: tuple[Held, ...]
    slow: bool
    newest_before: datetime

    def changed(self, sha256: str) -> RangeSet:
        """Hours whose newest download is not that of the checksum."""
        if not self.held:
            return (self.span,)
        return normalised(held.span for held in self.held if held.sha256 != sha256)

    def now_vouched_for(self, sha256: str) -> RangeSet:
        """Hours that were loaded without a checksum from the very bytes that it describes."""
        return normalised(held.span for held in self.held if held.sha256 == sha256 and held.status == "unverified")


@dataclass(frozen=True)
class RevisionTask:
    """Download an archive file again for the hours whose checksum differs.

    Args:
        coin: Native symbol.
        period: What the file is about.
        changed: The hours.
        newest_before: Time of the newest download of the coin so far.
    """

    coin: str
    period: Period
    changed: RangeSet
    newest_before: datetime

    @property
    def span(self) -> Span:
        """The hours from the first to the last that changed."""
        return hull(self.changed)


@dataclass(frozen=True)
class Turn:
    """When a run looks at what.

    Args:
        mode: What the user asks for.
        since: Until when the history of the coin was looked at before; None when that is not remembered.
        now: The server's time.
    """

    mode: Recheck
    since: datetime | None
    now: datetime

    def is_recent(self, period: Period) -> bool:
        """Whether a file is looked at on every run."""
        return period.span.end > self.now - LOOKED_AT_EVERY_RUN

    def may_be_recent(self, record: SourceRecord) -> bool:
        """A quick answer for the many that are not: no period is longer than a month."""
        return record.span.start > self.now - LOOKED_AT_EVERY_RUN - _LONGEST_PERIOD

    def has_come(self, name: str) -> bool:
        """Whether the weekly moment of an old file has passed since the last look.

        Args:
            name: Name of the file.
        """
        since = self.since if self.since is not None and self.since <= self.now else self.now - SHARE_WITHOUT_MEMORY
        return self.mode == "all" or self.now - (self.now - _first_moment(name)) % CYCLE > since


def rechecks(
    records: Iterable[SourceRecord], wanted: RangeSet, missing: RangeSet, turn: Turn
) -> tuple[RecheckTask, ...]:
    """The files of one coin to look at in this run.

    Args:
        records: What bronze holds of the coin.
        wanted: Hours asked for by the user; files of other hours are left alone.
        missing: Hours that no other source is going to be asked for: files that did not exist may have them by now.
        turn: When to look at what.
    """
    loaded = tuple(records)
    if turn.mode == "off" or not loaded:
        return ()
    newest = max(record.ingestion_ts for record in loaded)
    found = []
    for name, known in _by_file(loaded).items():
        if not turn.may_be_recent(known[0]) and not turn.has_come(name):
            continue
        period = _period(known[0])
        held = _held(known)
        span = intersect(wanted if held else missing, (period.span,))
        slow = not held or not turn.is_recent(period)
        if span and (not slow or turn.has_come(name)):
            found.append(RecheckTask(known[0].coin, name, period, hull(span), held, slow, newest))
    return tuple(found)


def after(moment: datetime, newest_before: datetime) -> datetime:
    """The time of a revision: never before what it revises, however this machine's clock was set in between."""
    return max(moment, newest_before + timedelta(microseconds=1))


def _first_moment(name: str) -> datetime:
    digest = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    return BEGINNING + timedelta(seconds=digest % int(CYCLE.total_seconds()))


def _by_file(records: Iterable[SourceRecord]) -> dict[str, list[SourceRecord]]:
    files: defaultdict[str, list[SourceRecord]] = defaultdict(list)
    for record in records:
        if record.source_kind != "rest":
            files[record.file_name].append(record)
    return dict(sorted(files.items()))


def _period(record: SourceRecord) -> Period:
    periods = months_of if record.source_kind == MONTHLY else days_of
    return periods((record.span,))[0]


def _held(records: Iterable[SourceRecord]) -> tuple[Held, ...]:
    """The newest download of each hour."""
    held: list[Held] = []
    covered: RangeSet = ()
    for record in sorted(records, key=lambda record: record.ingestion_ts, reverse=True):
        if record.has_rows:
            held.extend(Held(span, record.sha256, record.status) for span in subtract((record.span,), covered))
            covered = normalised((*covered, record.span))
    return tuple(sorted(held, key=lambda part: part.span))
