"""Binance as one object that carries out tasks: nothing is asked before the first call."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from klineforge.domain.hours import Span
from klineforge.errors import ChecksumMismatchError, ExchangeError, MalformedPayloadError
from klineforge.exchanges.binance import archive as archives
from klineforge.exchanges.binance.constants import (
    EXCHANGE,
    REFUSED_ADVICE,
    RETRYABLE_CODES,
    TOO_MANY_REQUESTS,
)
from klineforge.exchanges.binance.epochs import hours_of, open_micros
from klineforge.exchanges.binance.limits import DEFAULT_LIMITS, account_of, read_usage
from klineforge.exchanges.binance.pages import BEFORE_FIRST, Finality, empty_download, page_downloads
from klineforge.exchanges.binance.parse import ListedSymbol, parse_error_body
from klineforge.exchanges.binance.rest import RestClient
from klineforge.exchanges.binance.revisions import rechecked, revised
from klineforge.exchanges.binance.silence import with_proof
from klineforge.exchanges.coverage import RawCandle
from klineforge.exchanges.dialect import Dialect
from klineforge.exchanges.failures import RejectedRequestError
from klineforge.exchanges.http import HttpClient
from klineforge.exchanges.outcome import Outcome
from klineforge.exchanges.planning import ArchiveTask, FirstCandleTask, RestTask, Sources, Task, settled_until
from klineforge.exchanges.recheck import RecheckTask, RevisionTask
from klineforge.exchanges.servertime import ServerClock

logger = logging.getLogger(__name__)

# An empty answer about fresher hours may only mean that the exchange's database lags.
_DISBELIEF = timedelta(hours=24)

DIALECT = Dialect(
    exchange=EXCHANGE,
    read_error=parse_error_body,
    retryable_codes=RETRYABLE_CODES,
    busy_codes=frozenset({TOO_MANY_REQUESTS}),
    refused_advice=REFUSED_ADVICE,
    limits=DEFAULT_LIMITS,
    read_usage=read_usage,
    account_of=account_of,
)


@dataclass(frozen=True)
class Listing:
    """A snapshot of the exchange's listing.

    Args:
        symbols: The coins asked for that are listed.
        source_uri: Where it came from.
        fetched_at: When.
    """

    symbols: tuple[ListedSymbol, ...]
    source_uri: str
    fetched_at: datetime


class BinanceMarket:
    """Binance's archive and REST interface behind the questions that ingestion asks.

    Args:
        http: The client that asks.
        archive_url: Root of the archive; None when it is off.
        rest_url: Root of the REST interface, or several that serve the same; None or none of them when it is off.
    """

    def __init__(self, http: HttpClient, archive_url: str | None, rest_url: str | Sequence[str] | None) -> None:
        self._http = http
        self._trading: frozenset[str] = frozenset()
        self.archive_url = archive_url
        self.rest_urls = (rest_url,) if isinstance(rest_url, str) else tuple(rest_url or ())
        self._archive = None if archive_url is None else archives.ArchiveClient(http, archive_url)
        self._rest = RestClient(http, *self.rest_urls) if self.rest_urls else None
        self._server_clock = (
            None if self._rest is None else ServerClock(http.clock, self._rest.server_time, self._rest.clocks)
        )

    @property
    def sources(self) -> Sources:
        """Which sources may be asked."""
        return Sources(None if self._archive is None else archives.file_name, self._rest is not None)

    def local_now(self) -> datetime:
        """This machine's time."""
        return datetime.fromtimestamp(self._http.clock.now(), UTC)

    def server_now(self) -> datetime:
        """The exchange's time, to plan by: without REST, or while it does not tell, this machine's.

        Raises:
            ExchangeError: When REST is on but does not answer, and there is no archive to go on with.
        """
        if self._server_clock is None:
            return self.local_now()
        try:
            return self._time_told(self._server_clock)
        except ExchangeError as error:
            if self._archive is None:
                raise
            logger.warning("the exchange's clock cannot be read, planning by this machine's: %s", error.problem)
            return self.local_now()

    def _stamp(self) -> datetime:
        """When an answer came, by the exchange's clock as last told: silver compares it with the candle's end."""
        ahead = 0.0 if self._server_clock is None else self._server_clock.ahead_seconds()
        return self.local_now() + timedelta(seconds=ahead)

    def listing(self, coins: Sequence[str]) -> Listing | None:
        """Ask for the exchange's listing of some coins; None when REST is off."""
        if self._rest is None:
            return None
        listed = self._rest.listing(coins)
        self._trading = frozenset(symbol.symbol for symbol in listed if symbol.status == "TRADING")
        return Listing(listed, self._rest.listing_url(), self._stamp())

    def days(self, coin: str, span: Span) -> pa.Table | None:
        """The exchange's own candles of whole days, to compare hours with; None when REST is off.

        Args:
            coin: Native symbol.
            span: Days that open inside it are given.

        Returns:
            The exchange's fields as sent, one row per day.

        Raises:
            ExchangeError: When the exchange cannot deliver.
        """
        return None if self._rest is None else self._rest.days(coin, span).records

    def carry_out(self, task: Task, known: Mapping[int, RawCandle], grace: timedelta, look_back: timedelta) -> Outcome:
        """Do one task.

        Args:
            task: What to ask.
            known: What bronze holds of the hours that are compared, by open time in epoch milliseconds.
            grace: How long a candle must have been closed.
            look_back: Age up to which an empty answer is not believed.

        Raises:
            ExchangeError: When the exchange cannot deliver.
        """
        if isinstance(task, FirstCandleTask):
            return self._first_candle(task)
        if isinstance(task, ArchiveTask):
            return self._archive_file(task)
        if isinstance(task, RecheckTask | RevisionTask):
            return self._look_again(task, known)
        return self._pages(task, known, grace, look_back)

    def stop(self) -> None:
        """Let no request start any more."""
        self._http.stop()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def _time_told(self, clock: ServerClock) -> datetime:
        now = clock.now()
        self._http.note_server_time(clock.ahead_seconds())
        return now

    def _first_candle(self, task: FirstCandleTask) -> Outcome:
        if self._rest is None:
            raise ValueError("the first candle is asked for only while REST is in use")
        page = self._rest.first_candle(task.coin)
        hours = hours_of(open_micros(page.records))
        if not hours:
            logger.warning("%s is known to the exchange but has no candle yet", task.coin)
            return Outcome(given_up=(task.span,), first_asked=True)
        first = min(hours[0].start, task.span.end)
        if first <= task.span.start:
            return Outcome(first_asked=True)
        before = Span(task.span.start, first)
        return Outcome((empty_download(task.coin, before, page.url, BEFORE_FIRST, self._stamp()),), first_asked=True)

    def _archive_file(self, task: ArchiveTask) -> Outcome:
        if self._archive is None or self.archive_url is None:
            raise ValueError("archive files are asked for only while the archive is in use")
        name = archives.file_name(task.coin, task.period)
        try:
            file = self._archive.fetch(task)
        except (ChecksumMismatchError, MalformedPayloadError, RejectedRequestError) as error:
            return Outcome(tried=name, defect=error)
        if file is None:
            url = archives.file_url(self.archive_url, task.coin, task.period)
            return Outcome((archives.absent_download(task, url, self._stamp()),), tried=name)
        return Outcome((archives.loaded_download(task, file, self._stamp()),), tried=name)

    def _look_again(self, task: RecheckTask | RevisionTask, known: Mapping[int, RawCandle]) -> Outcome:
        if self._archive is None:
            raise ValueError("archive files are looked at only while the archive is in use")
        if isinstance(task, RecheckTask):
            return rechecked(self._archive, task, self._stamp())
        return revised(self._archive, task, known, self._stamp())

    def _pages(self, task: RestTask, known: Mapping[int, RawCandle], grace: timedelta, look_back: timedelta) -> Outcome:
        if self._rest is None or self._server_clock is None:
            raise ValueError("pages are asked for only while REST is in use")
        # Never by this machine's clock: if it is fast, a candle that is still open would pass for closed.
        now = self._time_told(self._server_clock)
        finality = Finality(now, grace.total_seconds(), settled_until(now, max(look_back, _DISBELIEF)))
        pages = list(self._rest.pages(task.coin, task.span))
        downloads = page_downloads(task, pages, known, finality, now)
        believed, defect = with_proof(self._rest, downloads, pages, trading=task.coin in self._trading)
        return Outcome(believed, given_up=(task.span,), defect=defect)
