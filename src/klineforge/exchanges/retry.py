"""Which failed requests are worth repeating, and when: pure functions over named constants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final

# Answers that mean the server is in trouble, not the request.
RETRYABLE_STATUSES: Final = frozenset({408, 425, 500, 502, 503, 504, 520, 522, 524})
# Rate limit: everybody waits, then goes on.
BUSY_STATUS: Final = 429
# Banned for a while: no call at all until it is over.
BANNED_STATUS: Final = 418
# Blocked by a firewall: repeating makes it worse, some time without requests makes it better.
BLOCKED_STATUS: Final = 403
# Refused by location, or by a proxy that wants a login: this will not change while a run lasts.
REFUSED_STATUSES: Final = frozenset({401, 407, 451})

MINUTE: Final = 60.0
DEFAULT_BAN_SECONDS: Final = 120.0
# Whole seconds are the unit of Retry-After.
SHORTEST_WAIT_ASKED: Final = 1.0


class Trouble(Enum):
    """What went wrong with one attempt."""

    CONNECTION = "no connection"
    TIMEOUT = "no answer in time"
    CUT = "the answer broke off"
    PAYLOAD = "the answer cannot be read"
    SERVER = "the server has a problem"
    BUSY = "too many requests"
    BANNED = "banned for too many requests"
    BLOCKED = "blocked"
    REFUSED = "refused"
    INSECURE = "the connection is not trusted"
    REJECTED = "the request was rejected"


RETRYABLE: Final = frozenset(
    {Trouble.CONNECTION, Trouble.TIMEOUT, Trouble.CUT, Trouble.PAYLOAD, Trouble.SERVER, Trouble.BUSY, Trouble.BANNED}
)


NO_ANSWER: Final = frozenset({Trouble.CONNECTION, Trouble.TIMEOUT})
# One connection may be lost by chance; to wait for a second time-out where another host would answer is to lose time.
TRIES_WHERE_ANOTHER_IS_WELL: Final = 2


@dataclass(frozen=True)
class RetryPolicy:
    """How patient a client is.

    Args:
        attempts: Requests made in all, at least 1.
        base_seconds: Wait before the second attempt; doubles each time.
        longest_backoff: Ceiling of the doubling, in seconds.
        longest_wait: Longest wait on the server's request, in seconds; a longer ban is an error.
    """

    attempts: int = 5
    base_seconds: float = 0.5
    longest_backoff: float = 20.0
    longest_wait: float = 300.0


def should_retry(trouble: Trouble, attempt: int, policy: RetryPolicy) -> bool:
    """Whether attempt number ``attempt`` (from 1) may be followed by another one."""
    return trouble in RETRYABLE and attempt < policy.attempts


def is_better_elsewhere(trouble: Trouble, attempt: int, *, failed_lately: bool) -> bool:
    """Whether a host that gave no answer is left for another one that is well, before its attempts are used up.

    Args:
        trouble: What went wrong.
        attempt: Number of the attempt, from 1.
        failed_lately: Whether another request has left this host already.
    """
    return trouble in NO_ANSWER and (failed_lately or attempt >= TRIES_WHERE_ANOTHER_IS_WELL)


def backoff_seconds(attempt: int, policy: RetryPolicy, jitter: float) -> float:
    """Seconds to wait after failed attempt number ``attempt`` (from 1).

    Args:
        attempt: How many attempts have failed.
        policy: Base and ceiling.
        jitter: Random number in [0, 1); spreads clients over the upper half of the wait.
    """
    full = min(policy.longest_backoff, policy.base_seconds * 2.0 ** (attempt - 1))
    return full * (0.5 + 0.5 * jitter)


def wait_asked(status: int, retry_after: str | None, banned_until: float | None, now: float) -> float:
    """Seconds the server wants clients to stay away, after 429 or 418.

    ``Retry-After`` comes first (seconds or a date), then the end of the ban named in the body, then the next full
    minute, where the exchange's counters start again (two minutes for a ban). A header that asks for no wait at all is
    not believed: whoever goes on at once after a refusal gets banned.

    Args:
        status: 429 or 418.
        retry_after: The header as sent, or None.
        banned_until: End of a ban, epoch seconds, or None.
        now: Epoch seconds by the exchange's clock.
    """
    asked = _retry_after_seconds(retry_after, now)
    if asked is not None and asked >= SHORTEST_WAIT_ASKED:
        return asked
    if banned_until is not None and banned_until > now:
        return banned_until - now
    return DEFAULT_BAN_SECONDS if status == BANNED_STATUS else MINUTE - now % MINUTE


def _retry_after_seconds(text: str | None, now: float) -> float | None:
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return float(text.strip())
    try:
        moment = parsedate_to_datetime(text)
        # A date without a zone would be taken for one of this machine's.
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - now
    except (TypeError, ValueError, IndexError, OverflowError):
        # Not a number and not a date: as good as no header.
        return None
