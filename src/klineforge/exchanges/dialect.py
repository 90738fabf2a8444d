"""What differs between exchanges when a request goes wrong, handed to the client as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


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


@dataclass(frozen=True)
class Dialect:
    """How an exchange reports errors.

    Args:
        exchange: Exchange code.
        read_error: Reads the body of an error answer; never raises.
        retryable_codes: Error codes that pass by themselves.
        busy_codes: Error codes that mean the same as status 429.
        refused_advice: What to do when the host refuses this location or network.
    """

    exchange: str
    read_error: Callable[[bytes], ServerError]
    retryable_codes: frozenset[int] = frozenset()
    busy_codes: frozenset[int] = frozenset()
    refused_advice: str | None = None


@dataclass(frozen=True)
class Subject:
    """What a request is about, for messages.

    Args:
        coin: Native symbol.
        time_range: Half-open UTC range, as text.
    """

    coin: str | None = None
    time_range: str | None = None
