"""``/api/v3/klines``: which candles a request gets, the open one included (exchange-protocols §2.2)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import groupby

from klineforge.simulator.candles import DAY_IN_MICROSECONDS, Candle, still_open, whole_day, wire_fields
from klineforge.simulator.coins import COINS, POSITION
from klineforge.simulator.lifecycle import (
    GENESIS,
    Hours,
    hour_number,
    instant_of,
    is_known,
    traded_hours,
    trading_share,
)
from klineforge.simulator.market import Market
from klineforge.simulator.query import Query
from klineforge.simulator.replies import Json, RequestRefusedError

PARAMETERS = frozenset({"symbol", "interval", "startTime", "endTime", "timeZone", "limit"})
DEFAULT_LIMIT, LARGEST_LIMIT = 500, 1000

_HOUR_IN_MILLISECONDS = 3_600_000
_DAY_IN_MILLISECONDS = 24 * _HOUR_IN_MILLISECONDS
_FIRST_MICROSECONDS = 10**14
_WHOLE_HOUR_ZONE = re.compile(r"[+-]?\d{1,2}(:00)?")


class Klines:
    """Candles of the simulated market as the REST interface cuts them.

    Args:
        market: Where the candles come from.
        history_start: Candles before it are not served.
    """

    def __init__(self, market: Market, history_start: datetime = GENESIS) -> None:
        self._market = market
        self._first_hour = hour_number(history_start)

    def answer(self, query: Query, now: datetime, microseconds: bool) -> Json:
        """The rows a request gets: bounds inclusive on open time, ascending, never beyond the hour now open.

        Args:
            query: Parameters of the request.
            now: The exchange's clock; its hour is the open candle.
            microseconds: Print times in microseconds.

        Raises:
            RequestRefusedError: A parameter is missing or wrong, or the symbol is unknown.
        """
        symbol, interval = query.symbol(), query.mandatory("interval")
        start, end = _milliseconds(query.number("startTime")), _milliseconds(query.number("endTime"))
        limit = _limit(query.number("limit"))
        _check_time_zone(query.optional("timeZone"))
        if interval not in {"1h", "1d"}:
            raise RequestRefusedError(-1120, "Invalid interval.")
        if not is_known(symbol, now):
            raise RequestRefusedError(-1121, "Invalid symbol.")
        if interval == "1d":
            candles = self._days(symbol, start, end, limit, now)
        else:
            candles = self._seen(symbol, self._hours(symbol, start, end, limit, now), now)
        return [wire_fields(candle, microseconds) for candle in candles]

    def _days(self, symbol: str, start: int | None, end: int | None, limit: int, now: datetime) -> list[Candle]:
        """Candles of whole days, the one now open included, each made of its hours."""
        first = -(-self._first_hour // 24) if start is None else -(-start // _DAY_IN_MILLISECONDS)
        last = hour_number(now) // 24 if end is None else min(end // _DAY_IN_MILLISECONDS, hour_number(now) // 24)
        first = max(first, last - limit + 1) if start is None else first
        hours = traded_hours(symbol, max(first * 24, self._first_hour), min(last * 24 + 23, hour_number(now)) + 1)
        seen = self._seen(symbol, hours, now)
        days = groupby(seen, lambda candle: candle.open_time // DAY_IN_MICROSECONDS)
        return [whole_day(list(candles)) for _, candles in days][:limit]

    def _hours(self, symbol: str, start: int | None, end: int | None, limit: int, now: datetime) -> Hours:
        first, last = self._first_hour, hour_number(now)
        if start is not None:
            first = max(first, -(-start // _HOUR_IN_MILLISECONDS))
        if end is not None:
            last = min(last, end // _HOUR_IN_MILLISECONDS)
        hours = traded_hours(symbol, first, last + 1)
        return hours[-limit:] if start is None else hours[:limit]

    def _seen(self, symbol: str, hours: Hours, now: datetime) -> list[Candle]:
        """The candles as they stand now: all final but the one whose hour is not over."""
        candles = self._market.candles(symbol, hours)
        hour = hour_number(now)
        if candles and hours[-1] == hour:
            elapsed = (now - instant_of(hour)) / timedelta(hours=1)
            share = min(1.0, elapsed / trading_share(hour))
            candles[-1] = still_open(candles[-1], COINS[POSITION[symbol]], share)
        return candles


def _milliseconds(sent: int | None) -> int | None:
    """A bound in milliseconds; since 2024-12-17 Binance takes microseconds too and tells them by their size."""
    return sent // 1000 if sent is not None and sent >= _FIRST_MICROSECONDS else sent


def _limit(sent: int | None) -> int:
    if sent == 0:
        raise RequestRefusedError(-1130, "Data sent for parameter 'limit' is not valid.")
    return min(sent or DEFAULT_LIMIT, LARGEST_LIMIT)


def _check_time_zone(sent: str | None) -> None:
    """Whole-hour zones leave hourly candles as they are; the others are beyond the demo exchange."""
    if sent is not None and not _WHOLE_HOUR_ZONE.fullmatch(sent):
        raise RequestRefusedError(-1130, "Data sent for parameter 'timeZone' is not valid.")
