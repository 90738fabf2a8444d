"""The REST interface: endpoints, request weights and time units (exchange-protocols §2)."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus

from klineforge.simulator import klines, listing
from klineforge.simulator.klines import Klines
from klineforge.simulator.lifecycle import GENESIS
from klineforge.simulator.market import Market
from klineforge.simulator.query import Query
from klineforge.simulator.replies import Json, Reply, RequestRefusedError, json_reply

WEIGHTS = {"/api/v3/klines": 2, "/api/v3/exchangeInfo": 20, "/api/v3/time": 1, "/api/v3/ping": 1}

_NO_PARAMETERS: frozenset[str] = frozenset()


class WeightMeter:
    """Request weight used in the current minute of the exchange's clock; it only counts, nothing is refused."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = -1
        self._used = 0

    def add(self, weight: int, now: datetime) -> int:
        """Count a request and return the weight used since the minute began."""
        minute = int(now.timestamp()) // 60
        with self._lock:
            if minute != self._minute:
                self._minute, self._used = minute, 0
            self._used += weight
            return self._used


class RestInterface:
    """Answers ``/api/v3`` requests about the simulated market.

    Args:
        market: Where the candles come from.
        history_start: Candles before it are not served.
    """

    def __init__(self, market: Market, history_start: datetime = GENESIS) -> None:
        self._klines = Klines(market, history_start)
        self._meter = WeightMeter()

    def answer(self, path: str, query: str, headers: Mapping[str, str], now: datetime) -> Reply:
        """Answer one request; refusals come as HTTP 400 with Binance's error body.

        Args:
            path: Path of the URL.
            query: Query string without the question mark.
            headers: Request headers by lower-case name; only the time unit is read.
            now: The exchange's clock.
        """
        used = str(self._meter.add(WEIGHTS.get(path, 1), now))
        counted = {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}
        if path not in WEIGHTS:
            return Reply(
                HTTPStatus.NOT_FOUND, b"<html><body><h2>404 Not found</h2></body></html>", "text/html", counted
            )
        try:
            return json_reply(self._content(path, query, _wants_microseconds(headers), now), counted)
        except RequestRefusedError as refused:
            return refused.reply(counted)

    def _content(self, path: str, query: str, microseconds: bool, now: datetime) -> Json:
        if path == "/api/v3/klines":
            return self._klines.answer(Query(query, klines.PARAMETERS), now, microseconds)
        if path == "/api/v3/exchangeInfo":
            return listing.exchange_info(Query(query, listing.PARAMETERS), now)
        Query(query, _NO_PARAMETERS)
        if path == "/api/v3/time":
            return {"serverTime": int(now.timestamp() * (1_000_000 if microseconds else 1000))}
        return {}


def _wants_microseconds(headers: Mapping[str, str]) -> bool:
    unit = headers.get("x-mbx-time-unit")
    if unit is None or unit.upper() == "MILLISECOND":
        return False
    if unit.upper() != "MICROSECOND":
        raise RequestRefusedError(-1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")
    return True
