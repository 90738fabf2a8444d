"""Binance's REST interface, as far as candles need it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

import pyarrow as pa

from klineforge.domain.hours import HOUR, Span
from klineforge.domain.parameters import EARLIEST_START
from klineforge.errors import MalformedPayloadError
from klineforge.exchanges.binance.constants import (
    DAY_INTERVAL,
    EXCHANGE,
    EXCHANGE_INFO_PATH,
    EXCHANGE_INFO_WEIGHT,
    INTERVAL,
    KLINES_PATH,
    KLINES_WEIGHT,
    MAX_LISTING_BYTES,
    MAX_PAGE_BYTES,
    MAX_ROWS_PER_PAGE,
    TIME_PATH,
    TIME_WEIGHT,
    UNKNOWN_SYMBOL,
)
from klineforge.exchanges.binance.epochs import UNREADABLE, open_micros, to_instant, to_micros, to_millis
from klineforge.exchanges.binance.limits import parse_rate_limits
from klineforge.exchanges.binance.parse import (
    ListedSymbol,
    parse_exchange_info,
    parse_klines_page,
    parse_server_time,
)
from klineforge.exchanges.dialect import Subject
from klineforge.exchanges.failures import RejectedRequestError, UnknownCoinError
from klineforge.exchanges.http import HttpClient
from klineforge.exchanges.transport import Answer

_MAX_SMALL_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class KlinePage:
    """One answer of ``/api/v3/klines``.

    Args:
        url: What was asked.
        content: The answer as sent.
        records: Its rows.
    """

    url: str
    content: bytes
    records: pa.Table

    @property
    def newest_micros(self) -> int:
        """Open time of the newest readable row, in epoch microseconds.

        Raises:
            ValueError: When no row is readable.
        """
        micros = open_micros(self.records)
        return int(micros[micros != UNREADABLE].max())


class RestClient:
    """Asks the REST interface.

    Args:
        http: The client that asks.
        base_urls: Roots of the interface, without a trailing slash, at least one; the first is asked first.
    """

    def __init__(self, http: HttpClient, *base_urls: str) -> None:
        self._http = http
        self._base_urls = base_urls
        self._listed_by = base_urls[0]

    def server_time(self) -> datetime:
        """The exchange's own time, which alone decides whether a candle is closed."""
        answer = self._ask(
            TIME_PATH, {}, weight=TIME_WEIGHT, most_bytes=_MAX_SMALL_BYTES, subject=None, check=parse_server_time
        )
        return to_instant(parse_server_time(answer.body) * 1000)

    @property
    def clocks(self) -> tuple[Callable[[], datetime], ...]:
        """One function for each host that asks it, and no other one, for the time."""
        return tuple(RestClient(self._http, base_url).server_time for base_url in self._base_urls)

    def listing(self, coins: Sequence[str]) -> tuple[ListedSymbol, ...]:
        """The listing of the coins; those the exchange does not list are left out."""
        try:
            return self._listing({"symbols": json.dumps(list(coins), separators=(",", ":"), ensure_ascii=False)})
        except RejectedRequestError as error:
            if error.code != UNKNOWN_SYMBOL:
                raise
        # One unknown symbol spoils the whole answer: ask for each by itself.
        return tuple(listed for coin in coins for listed in self._listing_of(coin))

    def listing_url(self) -> str:
        """Where the newest listing came from, for provenance."""
        return self._listed_by + EXCHANGE_INFO_PATH

    def first_candle(self, coin: str) -> KlinePage:
        """The coin's oldest candle; a page without rows when it never traded.

        Raises:
            UnknownCoinError: When the exchange does not know the coin.
        """
        return self._page(coin, {"startTime": 0, "limit": 1}, None)

    def candle_from(self, coin: str, instant: datetime) -> KlinePage:
        """The first candle that opens at an instant or later; a page without rows when there is none."""
        return self._page(coin, {"startTime": to_millis(instant), "limit": 1}, None)

    def candle_before(self, coin: str, instant: datetime) -> KlinePage:
        """The last candle that opens before an instant; a page without rows when there is none."""
        return self._page(coin, {"endTime": to_millis(instant) - 1, "limit": 1}, None)

    def pages(self, coin: str, span: Span) -> Iterator[KlinePage]:
        """All candles that open inside the span, page by page, the last page possibly empty.

        Raises:
            ValueError: When the span lies before the exchange existed; such a request would be answered with nothing.
            UnknownCoinError: When the exchange does not know the coin.
            MalformedPayloadError: When a page does not advance.
        """
        if span.start < EARLIEST_START:
            raise ValueError(f"klines before {EARLIEST_START.date()} cannot be asked for, got {span}")
        start, last = to_millis(span.start), to_millis(span.end) - 1
        while start <= last:
            page = self._page(coin, {"startTime": start, "endTime": last, "limit": MAX_ROWS_PER_PAGE}, span)
            yield page
            if not page.records.num_rows:
                return
            following = self._after(page, coin, span)
            if following <= start:
                raise _malformed(
                    f"expected klines from {to_instant(start * 1000)} on, found older ones", page, coin, span
                )
            if following > last + 1:
                opened = to_instant((following - 1) * 1000)
                raise _malformed(
                    f"expected klines before {span.end}, found one that opens at {opened}", page, coin, span
                )
            start = following
            if to_instant(start * 1000) > span.end - HOUR:
                return

    def _after(self, page: KlinePage, coin: str, span: Span) -> int:
        try:
            return page.newest_micros // 1000 + 1
        except ValueError as error:
            problem = f"none of the {page.records.num_rows} klines of a page has a readable open time"
            raise _malformed(problem, page, coin, span) from error

    def days(self, coin: str, span: Span) -> KlinePage:
        """The candles of the whole UTC days that open inside the span, 1,000 at most.

        Raises:
            UnknownCoinError: When the exchange does not know the coin.
        """
        bounds = {"startTime": to_millis(span.start), "endTime": to_millis(span.end) - 1, "limit": MAX_ROWS_PER_PAGE}
        return self._page(coin, bounds, span, interval=DAY_INTERVAL)

    def _page(self, coin: str, bounds: dict[str, int], span: Span | None, *, interval: str = INTERVAL) -> KlinePage:
        try:
            answer = self._ask(
                KLINES_PATH,
                {"symbol": coin, "interval": interval, **bounds},
                weight=KLINES_WEIGHT,
                most_bytes=MAX_PAGE_BYTES,
                subject=Subject(coin, None if span is None else str(span)),
                check=parse_klines_page,
            )
        except RejectedRequestError as error:
            if error.code == UNKNOWN_SYMBOL:
                raise unknown_coin(coin, error.url) from error
            raise
        return KlinePage(answer.url, answer.body, parse_klines_page(answer.body))

    def _listing(self, query: dict[str, str]) -> tuple[ListedSymbol, ...]:
        answer = self._ask(
            EXCHANGE_INFO_PATH,
            query,
            weight=EXCHANGE_INFO_WEIGHT,
            most_bytes=MAX_LISTING_BYTES,
            subject=None,
            check=parse_exchange_info,
        )
        self._http.note_limits(answer.url, parse_rate_limits(answer.body))
        self._listed_by = answer.url.partition(EXCHANGE_INFO_PATH)[0]
        return parse_exchange_info(answer.body)

    def _listing_of(self, coin: str) -> tuple[ListedSymbol, ...]:
        try:
            return self._listing({"symbol": coin})
        except RejectedRequestError as error:
            if error.code != UNKNOWN_SYMBOL:
                raise
            return ()

    def _ask(
        self,
        path: str,
        query: Mapping[str, object],
        *,
        weight: int,
        most_bytes: int,
        subject: Subject | None,
        check: Callable[[bytes], object],
    ) -> Answer:
        target = path + (f"?{urlencode(query)}" if query else "")
        first, *others = (base + target for base in self._base_urls)
        return self._http.get(first, *others, weight=weight, most_bytes=most_bytes, subject=subject, check=check)


def unknown_coin(coin: str, url: str | None) -> UnknownCoinError:
    """The error for a symbol that the exchange has never listed."""
    return UnknownCoinError(
        f"there is no symbol {coin!r}",
        exchange=EXCHANGE,
        coin=coin,
        url=url,
        advice="check the spelling of 'coins' (the exchange's own symbols, such as BTCUSDT) or leave this coin out",
    )


def _malformed(problem: str, page: KlinePage, coin: str, span: Span) -> MalformedPayloadError:
    return MalformedPayloadError(problem, exchange=EXCHANGE, coin=coin, time_range=str(span), url=page.url)


def is_final(open_micros_value: int, server_now: datetime, grace_seconds: float) -> bool:
    """Whether a candle has been closed for long enough by the server's clock; its own close time is not trusted."""
    return open_micros_value + 3_600_000_000 + int(grace_seconds * 1_000_000) <= to_micros(server_now)
