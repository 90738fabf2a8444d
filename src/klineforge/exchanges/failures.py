"""From one failed attempt to the error a user reads."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from klineforge.errors import ExchangeError, MalformedPayloadError, PermanentExchangeError, TransientExchangeError
from klineforge.exchanges.dialect import Dialect, Subject
from klineforge.exchanges.retry import Trouble

UNREACHABLE_ADVICE: Final = (
    "check the network and proxy settings of this machine, or use another address with --params archive_url=... "
    "or rest_url=... (the word off switches a source off); `make demo` works without the internet"
)
LATER_ADVICE: Final = "wait a few minutes and run again; what was fetched so far is kept"

NO_ANSWER: Final = frozenset({Trouble.CONNECTION, Trouble.TIMEOUT})
HOPELESS: Final = frozenset({Trouble.REFUSED, Trouble.INSECURE})


class AttemptFailed(Exception):  # noqa: N818 - an intermediate result, never shown to a user
    """One attempt gave no usable answer.

    Args:
        trouble: The class of the failure.
        detail: What exactly happened.
        code: The exchange's own error code, if it gave one.
    """

    def __init__(self, trouble: Trouble, detail: str, code: int | None = None) -> None:
        super().__init__(detail)
        self.trouble = trouble
        self.detail = detail
        self.code = code


class RejectedRequestError(PermanentExchangeError):
    """The exchange understood the request and said no; ``code`` is its reason, None when it gave none."""

    code: int | None = None


class UnknownCoinError(PermanentExchangeError):
    """The exchange has no such symbol; nothing else about this coin is worth asking."""


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
    return error


def _described(
    failure: AttemptFailed, host: str, tried: str, dialect: Dialect
) -> tuple[type[ExchangeError], str, str | None]:
    trouble = failure.trouble
    if trouble in NO_ANSWER:
        problem = f"could not reach {host}{tried}: {trouble.value} ({failure.detail})"
        return TransientExchangeError, problem, UNREACHABLE_ADVICE
    if trouble is Trouble.REFUSED:
        return PermanentExchangeError, f"{host} refused{tried}: {failure.detail}", dialect.refused_advice
    if trouble is Trouble.INSECURE:
        problem = f"the connection to {host} is not trusted: {failure.detail}"
        return PermanentExchangeError, problem, UNREACHABLE_ADVICE
    if trouble is Trouble.PAYLOAD:
        return MalformedPayloadError, f"{failure.detail}{tried}", LATER_ADVICE
    if trouble is Trouble.REJECTED:
        return RejectedRequestError, failure.detail, None
    return TransientExchangeError, f"{trouble.value}{tried}: {failure.detail}", LATER_ADVICE
