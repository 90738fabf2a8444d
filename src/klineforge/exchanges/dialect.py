"""What differs between exchanges when requests are counted or go wrong, handed to the client as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from klineforge.exchanges.budget import RateLimit


@dataclass(frozen=True)
class ServerError:
    """An exchange's own description of an error.

    Args:
        code: Its error code; None when the body is not in its format.
        message: Its words.
        banned_until: End of a ban, epoch seconds, when the words name one.
    """

    code: int | None
    message: str
    banned_until: float | None = None


def _by_itself(host: str) -> str:
    return host


def _says_nothing(headers: Mapping[str, str]) -> Mapping[int, int]:  # noqa: ARG001 - the shape is the point
    return {}


@dataclass(frozen=True)
class Dialect:
    """How an exchange reports errors and counts requests.

    Args:
        exchange: Exchange code.
        read_error: Reads the body of an error answer; never raises.
        retryable_codes: Error codes that pass by themselves.
        busy_codes: Error codes that mean the same as status 429.
        refused_advice: What to do when the host refuses this location or network.
        limits: The exchange's limits, assumed until it names them.
        read_usage: From headers, names in lower case, to the weight counted so far by length of window in seconds;
            never raises.
        account_of: Names the account on which a host counts requests; hosts with the same one share their limits.
    """

    exchange: str
    read_error: Callable[[bytes], ServerError]
    retryable_codes: frozenset[int] = frozenset()
    busy_codes: frozenset[int] = frozenset()
    refused_advice: str | None = None
    limits: tuple[RateLimit, ...] = ()
    read_usage: Callable[[Mapping[str, str]], Mapping[int, int]] = _says_nothing
    account_of: Callable[[str], str] = _by_itself


@dataclass(frozen=True)
class Subject:
    """What a request is about, for messages.

    Args:
        coin: Native symbol.
        time_range: Half-open UTC range, as text.
    """

    coin: str | None = None
    time_range: str | None = None
