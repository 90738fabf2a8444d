"""How Binance counts requests: what they cost, which hosts share an account, what it says about the use so far."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from klineforge.exchanges.binance.constants import SHARED_ACCOUNT_HOSTS
from klineforge.exchanges.binance.parse import parse_json
from klineforge.exchanges.budget import RAW_REQUESTS, REQUEST_WEIGHT, RateLimit

# Names in lower case; one header per limit, with the length of its window.
_USED_WEIGHT: Final = re.compile(r"x-mbx-used-weight-(\d{1,4})([smhd])\Z", re.ASCII)
_SECONDS: Final = {"S": 1, "M": 60, "H": 3600, "D": 86400}
_INTERVALS: Final = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400}
_MAX_COUNT: Final = 10**9
# The exchange has no longer window; to wait for the end of one would be to hang.
_LONGEST_WINDOW: Final = 86_400

# §2.3, until the listing names them.
DEFAULT_LIMITS: Final = (RateLimit(REQUEST_WEIGHT, 60, 6000), RateLimit(RAW_REQUESTS, 300, 61_000))


def account_of(host: str) -> str:
    """The rate account of a host; the trading hosts have one between them.

    >>> account_of("api3.binance.com") == account_of("api.binance.com")
    True
    >>> account_of("data-api.binance.vision")
    'data-api.binance.vision'
    """
    return "*.binance.com" if host.lower() in SHARED_ACCOUNT_HOSTS else host


def read_usage(headers: Mapping[str, str]) -> dict[int, int]:
    """Weight used so far in the current window, by its length in seconds; headers that cannot be read say nothing.

    >>> read_usage({"x-mbx-used-weight": "12", "x-mbx-used-weight-1m": "12", "date": "..."})
    {60: 12}
    """
    used = {}
    for name, value in headers.items():
        match = _USED_WEIGHT.match(name.lower())
        if match is not None and (count := _count(value)) is not None:
            used[int(match.group(1)) * _SECONDS[match.group(2).upper()]] = count
    return used


def parse_rate_limits(content: bytes) -> tuple[RateLimit, ...]:
    """Read the limits out of ``/api/v3/exchangeInfo``; kinds and intervals that are not known are left out."""
    payload = parse_json(content, "the exchange's listing as JSON")
    entries = payload.get("rateLimits") if isinstance(payload, dict) else None
    limits = (_limit(entry) for entry in (entries if isinstance(entries, list) else []))
    return tuple(limit for limit in limits if limit is not None)


def _limit(entry: Any) -> RateLimit | None:
    if not isinstance(entry, dict) or entry.get("rateLimitType") not in (REQUEST_WEIGHT, RAW_REQUESTS):
        return None
    interval = entry.get("interval")
    unit = _INTERVALS.get(interval) if isinstance(interval, str) else None
    number, most = _count(entry.get("intervalNum")), _count(entry.get("limit"))
    if unit is None or not number or not most or unit * number > _LONGEST_WINDOW:
        return None
    return RateLimit(entry["rateLimitType"], unit * number, most)


def _count(value: object) -> int | None:
    """A number of things as text or number; None when it is none."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value).strip()
    if not (text.isascii() and text.isdigit()) or len(text) > 10:
        return None
    return min(int(text), _MAX_COUNT)
