"""Carrying out the plans of all coins at once: many downloads in flight, one coin's trouble never another's.

The main thread plans and keeps score; worker threads download and land. Work in flight is bounded, so that memory does
not depend on how many hours are missing.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from klineforge.domain.hours import intersect, total_hours
from klineforge.errors import ExchangeError, PermanentExchangeError, TransientExchangeError
from klineforge.exchanges.coverage import RawCandle, RevisionReader, no_revisions
from klineforge.exchanges.failures import RejectedRequestError, UnknownCoinError
from klineforge.exchanges.landing import LandingZone
from klineforge.exchanges.outcome import Outcome
from klineforge.exchanges.planning import (
    CoinState,
    Sources,
    Task,
    is_gone_for_good,
    next_tasks,
)
from klineforge.exchanges.recheck import RevisionTask
from klineforge.exchanges.report import IngestionReport
from klineforge.exchanges.score import CoinRun, Trouble
from klineforge.interruption import INTERRUPTION

logger = logging.getLogger(__name__)

IN_FLIGHT_PER_WORKER: Final = 2
_SPANS_SHOWN: Final = 5


class Market(Protocol):
    """An exchange, as a campaign sees it."""

    @property
    def sources(self) -> Sources:
        """Which sources may be asked."""

    def carry_out(self, task: Task, known: Mapping[int, RawCandle], grace: timedelta, look_back: timedelta) -> Outcome:
        """Do one task or raise an ExchangeError."""

    def stop(self) -> None:
        """Let no request start any more."""


class Progress(Protocol):
    """Somebody who wants to know how far a campaign is."""

    def planned(self, coin: str, tasks: int) -> None:
        """More tasks of a coin are queued."""

    def finished_task(self, coin: str, rows: int) -> None:
        """A task of a coin is done."""

    def finished_coin(self, coin: str) -> None:
        """Nothing is left to do for a coin."""

    def tick(self) -> None:
        """Time has passed."""


@dataclass(frozen=True)
class Rules:
    """What holds for every task of a run.

    Args:
        now: The server's time when the run was planned.
        grace: How long a candle must have been closed.
        look_back: Age up to which hours are asked for again.
        workers: Downloads in flight at once.
    """

    now: datetime
    grace: timedelta
    look_back: timedelta
    workers: int


class Campaign:
    """One run over all coins.

    Args:
        market: The exchange.
        zone: Where downloads land.
        rules: What holds for every task.
        recent: Per coin the newest revision of recent candles in bronze.
        progress: Who is told how far it is.
        revisions: Reads what bronze holds of the hours of a file that was published anew.
    """

    def __init__(
        self,
        market: Market,
        zone: LandingZone,
        rules: Rules,
        recent: Mapping[str, Mapping[int, RawCandle]],
        progress: Progress,
        revisions: RevisionReader = no_revisions,
    ) -> None:
        self._market = market
        self._zone = zone
        self._rules = rules
        self._recent = recent
        self._progress = progress
        self._revisions = revisions
        self._rechecking = False
        self._queue: deque[tuple[CoinRun, Task]] = deque()
        self._running: dict[Future[Outcome], tuple[CoinRun, Task]] = {}

    def run(self, states: Mapping[str, CoinState]) -> IngestionReport:
        """Fetch everything the states lack, then look at archive files again that may have been replaced.

        Raises:
            ExchangeError: When nothing at all could be fetched for any coin because the exchange cannot be talked to.
            ConfigurationError: When the landing zone cannot be written to.
            RunInterruptedError: When the user ends the run; what has landed stays.
        """
        runs = [CoinRun(state, intersect(state.wanted, state.coverage.settled)) for state in states.values()]
        with (
            INTERRUPTION.ended_by(self._market.stop),
            ThreadPoolExecutor(self._rules.workers, thread_name_prefix="ingest") as pool,
        ):
            try:
                for run in runs:
                    self._plan(run)
                self._work(pool)
                self._raise_if_nothing_worked(runs)
                # Last, because a host that refuses has then delivered what is new.
                self._rechecking = True
                for run in runs:
                    self._queue_up(run, () if run.stopped else run.state.rechecks)
                self._work(pool)
            except BaseException:
                self._market.stop()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        for run in runs:
            _tell_revisions(run)
        return IngestionReport(tuple(run.report(self._rules.now) for run in runs))

    def _work(self, pool: ThreadPoolExecutor) -> None:
        while self._queue or self._running:
            INTERRUPTION.raise_if_requested()
            self._fill(pool)
            self._collect()

    def _queue_up(self, run: CoinRun, tasks: Sequence[Task]) -> None:
        run.outstanding += len(tasks)
        self._queue.extend((run, task) for task in tasks)
        self._progress.planned(run.state.coin, len(tasks))

    def _plan(self, run: CoinRun) -> None:
        tasks = () if run.stopped else next_tasks(run.state, self._market.sources, self._rules.now)
        if not tasks:
            self._finish(run)
            return
        self._queue_up(run, tasks)

    def _fill(self, pool: ThreadPoolExecutor) -> None:
        while self._queue and len(self._running) < self._rules.workers * IN_FLIGHT_PER_WORKER:
            run, task = self._queue.popleft()
            if run.stopped:
                self._settle(run)
            else:
                self._running[pool.submit(self._carry_out, task)] = run, task

    def _carry_out(self, task: Task) -> Outcome:
        known = self._recent.get(task.coin, {})
        if isinstance(task, RevisionTask):
            known = self._revisions(task.coin, task.period.kind, task.span)
        outcome = self._market.carry_out(task, known, self._rules.grace, self._rules.look_back)
        for download in outcome.downloads:
            # Absent files are noted when the coin is done: a coin that does not exist must leave no trace.
            if download.unit.record.status != "not_found":
                download.unit.land(self._zone, download.content)
        return outcome

    def _collect(self) -> None:
        done, _ = wait(self._running, timeout=1.0, return_when=FIRST_COMPLETED)
        self._progress.tick()
        for future in done:
            run, task = self._running.pop(future)
            rows = 0
            try:
                outcome = future.result()
                rows = outcome.rows
                self._score(run, task, outcome)
            except ExchangeError as error:
                logger.debug("%s failed: %s", task, error)
                run.add_failure(task, error)
            self._progress.finished_task(run.state.coin, rows)
            self._settle(run)

    def _settle(self, run: CoinRun) -> None:
        run.outstanding -= 1
        if run.outstanding == 0 and not self._rechecking:
            self._plan(run)

    def _score(self, run: CoinRun, task: Task, outcome: Outcome) -> None:
        run.add(task, outcome)
        if outcome.defect is not None:
            logger.warning("%s", outcome.defect)
        if outcome.follow_up:
            self._queue_up(run, outcome.follow_up)

    def _finish(self, run: CoinRun) -> None:
        coin = run.state.coin
        if self._never_existed(run):
            run.troubles.append(Trouble(no_archive_of(run.state), run.state.wanted, final=True))
        elif not run.stopped:
            for download in run.not_found:
                # A younger file may still be published: it is asked for again by the next run.
                if is_gone_for_good(download.unit.record, download.unit.period, self._rules.now):
                    download.unit.land(self._zone, download.content)
        self._progress.finished_coin(coin)

    def _never_existed(self, run: CoinRun) -> bool:
        """Without REST, a coin of which no file exists is taken for a spelling mistake."""
        found = run.state.coverage.present or run.troubles
        asked = run.state.tried or run.state.coverage.not_found
        return not self._market.sources.rest and bool(run.state.wanted) and not found and bool(asked)

    def _raise_if_nothing_worked(self, runs: list[CoinRun]) -> None:
        """Stop at once when the exchange as such, not some coin or file, is the reason that there is nothing."""
        if any(run.files or run.silent or not run.troubles for run in runs):
            return
        errors = [trouble.error for run in runs for trouble in run.troubles]
        if errors and all(_is_about_the_host(error) for error in errors):
            first = errors[0]
            raise type(first)(first.problem, exchange=first.exchange, url=first.url, advice=first.advice) from first


def _tell_revisions(run: CoinRun) -> None:
    coin = run.state.coin
    for kind, spans in sorted(run.revised_hours.items()):
        shown = ", ".join(map(str, spans[:_SPANS_SHOWN])) + (" ..." if len(spans) > _SPANS_SHOWN else "")
        logger.warning("%s: %s gave other candles than before for %d hours: %s", coin, kind, total_hours(spans), shown)
    if run.unanswered:
        logger.warning(
            "%s: %d archive files could not be looked at again, which loses nothing; a later run does, for example: %s",
            coin,
            len(run.unanswered),
            run.unanswered[0],
        )


def _is_about_the_host(error: ExchangeError) -> bool:
    if isinstance(error, UnknownCoinError | RejectedRequestError):
        return False
    return isinstance(error, TransientExchangeError | PermanentExchangeError)


def no_archive_of(state: CoinState) -> UnknownCoinError:
    """The error for a coin of which the archive has no file at all."""
    return UnknownCoinError(
        "the archive has no file of this coin for these hours",
        coin=state.coin,
        time_range=f"{state.wanted[0].start:%Y-%m-%d %H:%M}..{state.wanted[-1].end:%Y-%m-%d %H:%M}",
        advice="check the spelling of 'coins', the range, and archive_url; or leave this coin out",
    )
