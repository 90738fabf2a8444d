"""Ingest every hour soon after it has closed and bring all tables up to date, until told to stop."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any, Final

import click

from klineforge.cli.project import Project
from klineforge.cli.user_errors import user_error_in
from klineforge.domain.parameters import floor_hour
from klineforge.errors import IngestionIncompleteError, LakeBusyError, TransientExchangeError
from klineforge.lake.journal import JOURNAL

logger = logging.getLogger(__name__)

HOUR: Final = timedelta(hours=1)
# Seconds between attempts while an hour that has closed brings no candle: exchanges publish late, and halt.
PAUSES: Final = (10.0, 20.0, 40.0, 80.0, 160.0)
# What another attempt may mend; anything else ends the command.
PASSING: Final = (TransientExchangeError, IngestionIncompleteError, LakeBusyError)


@dataclass(frozen=True)
class Follower:
    """The loop, with everything that touches the world handed in.

    Args:
        run: Ingests and computes once; the number of new or changed candles in the fact table.
        now: The exchange's time, UTC.
        stop: Set when somebody wants the end; what is running is finished first.
        after: How long after its end an hour is asked for.
        pauses: Seconds between attempts while a closed hour brings nothing.
    """

    run: Callable[[], int]
    now: Callable[[], datetime]
    stop: threading.Event
    after: timedelta
    pauses: tuple[float, ...] = PAUSES

    def go(self) -> None:
        """Catch up, then take hour after hour as it closes.

        Raises:
            KlineForgeError: What another attempt would not mend.
        """
        reached = floor_hour(self.now() - self.after)
        self._attempt()
        while not self._wait_until(reached + HOUR + self.after):
            reached = floor_hour(self.now() - self.after)
            self._take(reached)

    def _take(self, closed: datetime) -> None:
        """Ask for the hour that ended at ``closed`` until it is there, or the next one has."""
        for pause in (*self.pauses, None):
            if self._attempt():
                late = (self.now() - closed).total_seconds()
                logger.info("the hour that closed at %s is in all tables, %.0f s later", f"{closed:%H:%M}", late)
                return
            if pause is None or self.now() >= closed + HOUR or self.stop.wait(pause):
                break
        if not self.stop.is_set():
            logger.warning("no new candle of the hour that closed at %s; the next hour asks again", f"{closed:%H:%M}")

    def _attempt(self) -> int:
        try:
            return self.run()
        except Exception as error:
            reason = user_error_in(error)
            if not isinstance(reason, PASSING):
                raise
            logger.error("%s", reason)  # noqa: TRY400 - the user's mistakes and the world's have no traceback
            return 0

    def _wait_until(self, moment: datetime) -> bool:
        """Wait; whether the wait ended because somebody wants the end."""
        while not self.stop.is_set() and (seconds := (moment - self.now()).total_seconds()) > 0:
            # In steps, because the exchange's clock and this machine's may drift and machines go to sleep.
            self.stop.wait(min(seconds, 60.0))
        return self.stop.is_set()


def known_pipelines(names: str) -> tuple[str, ...]:
    """Names of pipelines out of a text with commas.

    Raises:
        click.UsageError: When one is not registered; the message lists those that are.
    """
    from kedro.framework.project import pipelines

    chosen = tuple(name.strip() for name in names.split(",") if name.strip())
    unknown = [name for name in chosen if name not in pipelines]
    if unknown or not chosen:
        expected = ", ".join(sorted(pipelines))
        raise click.UsageError(f"--pipelines takes names of pipelines with commas, of {expected}; found {names!r}")
    return chosen


def follow(
    project: Project, after: timedelta, parameters: Mapping[str, Any], pipelines: Sequence[str] = ("__default__",)
) -> None:
    """Follow the exchange from the calling thread, the main one, until SIGINT or SIGTERM.

    Args:
        project: The project whose pipelines are run.
        after: How long after its end an hour is asked for; candles younger than that do not count as final.
        parameters: Runtime parameters, as after ``kedro run --params``.
        pipelines: What each run makes; together they have to make ``fact_1h_klines``.

    Raises:
        KlineForgeError: What another attempt would not mend.
    """
    tuning = dict(parameters.get("ingestion") or {}, grace_seconds=int(after.total_seconds()))
    runtime = {**parameters, "ingestion": tuning, "summary": False}
    with stopped_by_signal() as stop, exchange_time(project, runtime) as now:
        logger.info("following the exchange; Ctrl-C or SIGTERM ends it after the run in work")
        Follower(lambda: _run(project, runtime, pipelines), now, stop, after).go()
    logger.info("stopped")


def _run(project: Project, parameters: dict[str, Any], pipelines: Sequence[str]) -> int:
    from kedro.framework.project import settings

    from klineforge.runner import SideBySideRunner

    with settings.SESSION_CLASS.create(
        project_path=project.path, env=project.env, runtime_params=parameters
    ) as session:
        session.run(pipeline_names=list(pipelines), runner=SideBySideRunner())
    facts = [entry for entry in JOURNAL.entries if entry.table == "fact_1h_klines"]
    return sum(entry.inserted + entry.updated for entry in facts)


@contextmanager
def exchange_time(project: Project, parameters: dict[str, Any]) -> Iterator[Callable[[], datetime]]:
    """The exchange's own clock, of which one client keeps track while the block runs.

    Args:
        project: The project whose exchange is asked.
        parameters: Runtime parameters of its runs.

    Yields:
        A function that tells the time, UTC; this machine's while the exchange does not tell.
    """
    from kedro.framework.project import settings

    with settings.SESSION_CLASS.create(
        project_path=project.path, env=project.env, runtime_params=parameters
    ) as session:
        catalog = session.load_context().catalog
    market = catalog.load("binance_market")

    def now() -> datetime:
        try:
            told: datetime = market.server_now()
        except TransientExchangeError as error:
            logger.warning("the exchange does not tell its time, this machine's is taken: %s", error.problem)
            return datetime.now(UTC)
        return told

    try:
        yield now
    finally:
        catalog.release("binance_market")


@contextmanager
def stopped_by_signal() -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; the second one acts as it would without this."""
    stop = threading.Event()
    former: dict[int, Any] = {}

    def ask(_number: int, _frame: FrameType | None) -> None:
        restore()
        stop.set()

    def restore() -> None:
        for number, handler in former.items():
            signal.signal(number, handler)

    former.update({number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)})
    try:
        yield stop
    finally:
        restore()
