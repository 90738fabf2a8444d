"""What an answer means: good, worth another try, or a reason to stay away; and until when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from klineforge.errors import MalformedPayloadError
from klineforge.exchanges.dialect import Dialect, ServerError
from klineforge.exchanges.failures import AttemptFailed
from klineforge.exchanges.hosts import LEFT_ALONE_SECONDS
from klineforge.exchanges.retry import (
    BANNED_STATUS,
    BLOCKED_STATUS,
    BUSY_STATUS,
    REFUSED_STATUSES,
    RETRYABLE_STATUSES,
    Trouble,
    wait_asked,
)
from klineforge.exchanges.transport import Answer

# No ban is longer (exchange-protocols §2.4); more is a mistake in the header.
LONGEST_BAN_SECONDS: Final = 3 * 24 * 3600.0
# What object storage says of a key that does not exist to those who may not list its keys: not about the host.
DENIED_KEY: Final = b"<Code>AccessDenied</Code>"


@dataclass(frozen=True)
class Moment:
    """When an answer came.

    Args:
        now: Epoch seconds by this machine's clock.
        server_ahead: How far the exchange's clock is ahead of it, in seconds; instants in answers are by that clock.
    """

    now: float
    server_ahead: float = 0.0


def judge(
    answer: Answer, dialect: Dialect, moment: Moment, *, may_be_missing: bool, check: Callable[[bytes], object] | None
) -> None:
    """Let a good answer pass.

    Args:
        answer: What came.
        dialect: The exchange's way of reporting errors.
        moment: When it came.
        may_be_missing: A 404 is a good answer.
        check: Reads the body of an answer with status 200.

    Raises:
        AttemptFailed: When it is no good answer; with ``until``, by this machine's clock, when the exchange wants to be
            left alone.
    """
    if answer.status == 404 and may_be_missing:
        return
    if answer.status != 200:
        raise _refusal(answer, dialect, moment, may_be_missing=may_be_missing)
    try:
        if check is not None:
            check(answer.body)
    except MalformedPayloadError as error:
        raise AttemptFailed(Trouble.PAYLOAD, error.problem) from error


def _refusal(answer: Answer, dialect: Dialect, moment: Moment, *, may_be_missing: bool) -> AttemptFailed:
    status, error = answer.status, dialect.read_error(answer.body)
    detail = f"HTTP {status}" + (f", code {error.code}" if error.code is not None else "") + f": {error.message}"
    if status in {BUSY_STATUS, BANNED_STATUS} or error.code in dialect.busy_codes:
        return _busy(answer, error, detail, moment)
    if status == BLOCKED_STATUS and may_be_missing and DENIED_KEY in answer.body:
        return AttemptFailed(Trouble.REJECTED, detail)
    if status == BLOCKED_STATUS:
        return AttemptFailed(Trouble.BLOCKED, detail, until=moment.now + LEFT_ALONE_SECONDS)
    if status in REFUSED_STATUSES:
        return AttemptFailed(Trouble.REFUSED, detail)
    if status in RETRYABLE_STATUSES or error.code in dialect.retryable_codes:
        return AttemptFailed(Trouble.SERVER, detail)
    return AttemptFailed(Trouble.REJECTED, detail, error.code)


def _busy(answer: Answer, error: ServerError, detail: str, moment: Moment) -> AttemptFailed:
    banned = answer.status == BANNED_STATUS or error.banned_until is not None
    status = BANNED_STATUS if banned else BUSY_STATUS
    server_now = moment.now + moment.server_ahead
    asked = wait_asked(status, answer.headers.get("retry-after"), error.banned_until, server_now)
    trouble = Trouble.BANNED if banned else Trouble.BUSY
    return AttemptFailed(trouble, detail, until=moment.now + min(asked, LONGEST_BAN_SECONDS))
