"""The score that a campaign keeps of each coin, and the report made from it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from klineforge.domain.hours import RangeSet, intersect, normalised, subtract, total_hours
from klineforge.errors import ExchangeError
from klineforge.exchanges.failures import UnknownCoinError
from klineforge.exchanges.outcome import Download, Outcome
from klineforge.exchanges.planning import CoinState, FirstCandleTask, RestTask, Task
from klineforge.exchanges.recheck import RecheckTask, RevisionTask
from klineforge.exchanges.report import CoinReport


@dataclass
class Trouble:
    """Something that went wrong.

    Args:
        error: What.
        hours: The hours it is about.
        final: Whether it matters although the hours may have come from another source.
    """

    error: ExchangeError
    hours: RangeSet
    final: bool


@dataclass
class CoinRun:
    """The score of one coin.

    Args:
        state: What is known of it.
        known_at_start: Hours asked for that needed no download.
    """

    state: CoinState
    known_at_start: RangeSet
    outstanding: int = 0
    stopped: bool = False
    files: int = 0
    rows: int = 0
    silent: int = 0
    not_found: list[Download] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    revised_hours: dict[str, RangeSet] = field(default_factory=dict)
    rechecked: int = 0
    files_revised: int = 0
    unanswered: list[ExchangeError] = field(default_factory=list)

    def add(self, task: Task, outcome: Outcome) -> None:
        """Count what a task has brought."""
        self.state = outcome.applied_to(self.state)
        self.rechecked += isinstance(task, RecheckTask)
        self.files_revised += isinstance(task, RevisionTask)
        for download in outcome.downloads:
            record = download.unit.record
            if record.has_rows:
                self.files += 1 if download.content is not None else 0
                self.rows += record.row_count
                self._add_revised(record.source_kind, download.revised)
            elif record.status == "empty":
                self.silent += record.span.hours
            else:
                self.not_found.append(download)
        if outcome.defect is not None:
            self.troubles.append(Trouble(outcome.defect, (task.span,), final=False))

    def add_failure(self, task: Task, error: ExchangeError) -> None:
        """Note that a task could not be done."""
        if isinstance(task, RecheckTask | RevisionTask):
            # What was loaded before stands, and the file is looked at again by a later run.
            self.unanswered.append(error)
            return
        self.stopped = self.stopped or isinstance(error, UnknownCoinError)
        if isinstance(task, FirstCandleTask):
            # The archives may still be there.
            self.state = replace(self.state, first_asked=True)
        else:
            self.state = self.state.without((task.span,))
        compared = isinstance(task, RestTask) and bool(task.again)
        self.troubles.append(Trouble(error, (task.span,), final=self.stopped or compared))

    def report(self, now: datetime) -> CoinReport:
        """The result.

        Args:
            now: The server's time when the run was planned.
        """
        missing = subtract(self.state.wanted, self.state.coverage.settled)
        kept = [trouble for trouble in self.troubles if trouble.final or intersect(trouble.hours, missing)]
        history_done = any(task.slow for task in self.state.rechecks) and not self.unanswered and not self.stopped
        return CoinReport(
            coin=self.state.coin,
            hours_wanted=total_hours(self.state.wanted),
            hours_known=total_hours(self.known_at_start),
            files=self.files,
            rows=self.rows,
            hours_without_candle=self.silent,
            files_not_found=len(self.not_found),
            hours_missing=total_hours(missing),
            failures=tuple(dict.fromkeys(str(trouble.error) for trouble in kept)),
            hours_revised={kind: total_hours(spans) for kind, spans in sorted(self.revised_hours.items())},
            files_rechecked=self.rechecked,
            files_revised=self.files_revised,
            rechecks_failed=len(self.unanswered),
            history_checked_until=now.isoformat() if history_done else None,
        )

    def _add_revised(self, source_kind: str, hours: RangeSet) -> None:
        if hours:
            self.revised_hours[source_kind] = normalised((*self.revised_hours.get(source_kind, ()), *hours))
