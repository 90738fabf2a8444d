"""From one failed attempt to the error a user reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from klineforge.errors import ExchangeError, MalformedPayloadError, PermanentExchangeError, TransientExchangeError
from klineforge.exchanges.dialect import Dialect, Subject
from klineforge.exchanges.retry import NO_ANSWER, Trouble

UNREACHABLE_ADVICE: Final = (
    "check the network and proxy settings of this machine, or use another address with --params archive_url=... "
    "or rest_url=... (the word off switches a source off); `make demo` works without the internet"
)
LATER_ADVICE: Final = "wait a few minutes and run again; what was fetched so far is kept"

# Trouble of a host that another host need not have. Limits and bans are not among it: they are about this machine's
# address, and going on elsewhere would only make a ban longer.
OF_THE_HOST: Final = NO_ANSWER | {
    Trouble.CUT,
    Trouble.PAYLOAD,
    Trouble.SERVER,
    Trouble.BLOCKED,
    Trouble.REFUSED,
    Trouble.INSECURE,
}


class AttemptFailed(Exception):  # noqa: N818 - an intermediate result, never shown to a user
    """One attempt gave no usable answer.

    Args:
        trouble: The class of the failure.
        detail: What exactly happened.
        code: The exchange's own error code, if it gave one.
        until: End of a ban or block, epoch seconds, where the trouble is one.
    """

    def __init__(self, trouble: Trouble, detail: str, code: int | None = None, until: float | None = None) -> None:
        super().__init__(detail)
        self.trouble = trouble
        self.detail = detail
        self.code = code
        self.until = until


class GivenUp(Exception):  # noqa: N818 - an intermediate result, never shown to a user
    """A host is not asked any more, at least for this request.

    Args:
        trouble: Why.
        error: What to tell the user when no other host helps.
    """

    def __init__(self, trouble: Trouble, error: ExchangeError) -> None:
        super().__init__(str(error))
        self.trouble = trouble
        self.error = error


class RejectedRequestError(PermanentExchangeError):
    """The exchange understood the request and said no; ``code`` is its reason, None when it gave none."""

    code: int | None = None


class UnknownCoinError(PermanentExchangeError):
    """The exchange has no such symbol; nothing else about this coin is worth asking."""


class BannedError(TransientExchangeError):
    """This machine's address is banned for longer than a run waits; a run after ``until`` (UTC) goes on."""

    until: datetime | None = None


def final_error(failure: AttemptFailed, url: str, about: Subject, attempts: int, dialect: Dialect) -> ExchangeError:
    """The error to raise when nothing more will be tried.

    Args:
        failure: The last attempt.
        url: What was requested.
        about: Coin and range; an empty subject gives a message about the host as such.
        attempts: How many attempts were made.
        dialect: The exchange's way of reporting errors.
    """
    host = urlsplit(url).netloc
    tried = f" after {attempts} attempts" if attempts > 1 else ""
    kind, problem, advice = _described(failure, host, tried, dialect)
    error = kind(
        problem, exchange=dialect.exchange, coin=about.coin, time_range=about.time_range, url=url, advice=advice
    )
    if isinstance(error, RejectedRequestError):
        error.code = failure.code
    if isinstance(error, BannedError) and failure.until is not None:
        error.until = datetime.fromtimestamp(failure.until, UTC)
    return error


def all_failed(errors: Sequence[ExchangeError], about: Subject) -> ExchangeError:
    """The error to raise when every host of a source has failed: names them all.

    Args:
        errors: The error of each host, at least one.
        about: Coin and range.
    """
    if len(errors) == 1:
        return errors[0]
    kinds = {type(error) for error in errors}
    lasting = all(isinstance(error, PermanentExchangeError) for error in errors)
    kind = kinds.pop() if len(kinds) == 1 else PermanentExchangeError if lasting else TransientExchangeError
    told = "; ".join(_with_host(error) for error in errors)
    advice = dict.fromkeys(error.advice for error in errors if error.advice)
    return kind(
        f"none of the {len(errors)} hosts could deliver: {told}",
        exchange=errors[0].exchange,
        coin=about.coin,
        time_range=about.time_range,
        url=errors[0].url,
        advice="; or ".join(advice) or None,
    )


def _with_host(error: ExchangeError) -> str:
    host = urlsplit(error.url or "").netloc
    return error.problem if host in error.problem else f"{host}: {error.problem}"


def _described(
    failure: AttemptFailed, host: str, tried: str, dialect: Dialect
) -> tuple[type[ExchangeError], str, str | None]:
    trouble = failure.trouble
    if trouble in NO_ANSWER:
        problem = f"could not reach {host}{tried}: {trouble.value} ({failure.detail})"
        return TransientExchangeError, problem, UNREACHABLE_ADVICE
    if trouble in {Trouble.BANNED, Trouble.BLOCKED, Trouble.REFUSED}:
        return _described_refusal(failure, host, tried, dialect)
    if trouble is Trouble.INSECURE:
        problem = f"the connection to {host} is not trusted: {failure.detail}"
        return PermanentExchangeError, problem, UNREACHABLE_ADVICE
    if trouble is Trouble.PAYLOAD:
        return MalformedPayloadError, f"{failure.detail}{tried}", LATER_ADVICE
    if trouble is Trouble.REJECTED:
        return RejectedRequestError, failure.detail, None
    return TransientExchangeError, f"{trouble.value}{tried}: {failure.detail}", LATER_ADVICE


def _described_refusal(
    failure: AttemptFailed, host: str, tried: str, dialect: Dialect
) -> tuple[type[ExchangeError], str, str | None]:
    trouble = failure.trouble
    if trouble is Trouble.BANNED and failure.until is not None:
        when = _clock_time(failure.until)
        problem = f"{host} has banned this machine's address until {when} ({failure.detail})"
        return BannedError, problem, f"run again after {when}; what was fetched so far is kept"
    if trouble is Trouble.BLOCKED and failure.until is not None:
        problem = f"{host} refused: {failure.detail}; it is left alone until {_clock_time(failure.until)}"
        return PermanentExchangeError, problem, dialect.refused_advice
    return PermanentExchangeError, f"{host} refused{tried}: {failure.detail}", dialect.refused_advice


def _clock_time(epoch: float) -> str:
    """An instant for people, rounded up to the second."""
    return f"{datetime.fromtimestamp(-(-epoch // 1), UTC):%Y-%m-%d %H:%M:%S} UTC"
