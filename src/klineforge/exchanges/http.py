"""The one client that talks to exchanges: it alone waits, repeats, and decides that a host is not worth asking."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

import requests

from klineforge.errors import ExchangeError, MalformedPayloadError, TransientExchangeError
from klineforge.exchanges.clock import Clock, SystemClock
from klineforge.exchanges.dialect import Dialect, ServerError, Subject
from klineforge.exchanges.failures import HOPELESS, NO_ANSWER, AttemptFailed, final_error
from klineforge.exchanges.hosts import HostGates
from klineforge.exchanges.retry import (
    BANNED_STATUS,
    BUSY_STATUS,
    REFUSED_STATUSES,
    RETRYABLE_STATUSES,
    RetryPolicy,
    Trouble,
    backoff_seconds,
    should_retry,
    wait_asked,
)
from klineforge.exchanges.transport import Answer, Limits, Transport

logger = logging.getLogger(__name__)

MAX_REDIRECTS = 3


class HttpClient:
    """GET with retries, deadlines, rate limits and bans respected, shared by all threads of a run.

    Args:
        dialect: The exchange's way of reporting errors.
        policy: How often and how long to retry.
        limits: Bounds on one attempt.
        clock: Source of time and the only way to wait.
        session_factory: Makes the session of each thread.
        jitter: Random numbers in [0, 1).
    """

    def __init__(
        self,
        dialect: Dialect,
        *,
        policy: RetryPolicy | None = None,
        limits: Limits | None = None,
        clock: Clock | None = None,
        session_factory: Callable[[], requests.Session] = requests.Session,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.dialect = dialect
        self.policy = policy or RetryPolicy()
        self.clock = clock or SystemClock()
        self._transport = Transport(session_factory, self.clock, limits or Limits())
        self._gates = HostGates()
        self._jitter = jitter
        self._stopped = False

    def get(
        self,
        url: str,
        *,
        most_bytes: int,
        subject: Subject | None = None,
        may_be_missing: bool = False,
        check: Callable[[bytes], object] | None = None,
    ) -> Answer:
        """Fetch a URL, patiently.

        Args:
            url: What to fetch, without credentials.
            most_bytes: Largest answer accepted.
            subject: Coin and range, for messages.
            may_be_missing: Return a 404 instead of raising.
            check: Reads the body of a good answer; when it raises MalformedPayloadError the request is repeated.

        Raises:
            TransientExchangeError: Unreachable, busy or broken, after all attempts.
            PermanentExchangeError: Refused, or the request itself is wrong (then a RejectedRequestError).
            MalformedPayloadError: ``check`` failed on every attempt.
        """
        host = urlsplit(url).netloc
        attempt = 0
        while True:
            attempt += 1
            self._pass_gate(host)
            try:
                answer = self._follow(url, most_bytes)
                self._gates.note_answer(host)
                self._judge(answer, may_be_missing, check)
            except AttemptFailed as failure:
                if not should_retry(failure.trouble, attempt, self.policy):
                    raise self._given_up(failure, url, subject or Subject(), attempt) from failure
                self._wait(failure, attempt, url)
            else:
                return answer

    def stop(self) -> None:
        """Let no request start any more and end all waiting."""
        self._stopped = True
        self.clock.interrupt()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def _pass_gate(self, host: str) -> None:
        while not self._stopped and (seconds := self._gates.seconds_closed(host, self.clock.now())) > 0:
            self.clock.sleep(seconds)
        if self._stopped:
            raise TransientExchangeError("the run was stopped", exchange=self.dialect.exchange)

    def _follow(self, url: str, most_bytes: int) -> Answer:
        target = url
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._transport.get(target, most_bytes)
            location = answer.headers.get("location")
            if not 300 <= answer.status < 400 or location is None:
                return answer
            target = urljoin(target, location)
            if urlsplit(target)[:2] != urlsplit(url)[:2]:
                raise AttemptFailed(
                    Trouble.REJECTED, f"redirected to another host ({urlsplit(target).netloc}), which is not followed"
                )
        raise AttemptFailed(Trouble.REJECTED, f"redirected more than {MAX_REDIRECTS} times")

    def _judge(self, answer: Answer, may_be_missing: bool, check: Callable[[bytes], object] | None) -> None:
        """Let a good answer pass and name the trouble with any other."""
        if answer.status == 404 and may_be_missing:
            return
        if answer.status != 200:
            raise self._refusal(answer, self.dialect.read_error(answer.body))
        try:
            if check is not None:
                check(answer.body)
        except MalformedPayloadError as error:
            raise AttemptFailed(Trouble.PAYLOAD, error.problem) from error

    def _refusal(self, answer: Answer, error: ServerError) -> AttemptFailed:
        status = answer.status
        detail = f"HTTP {status}" + (f", code {error.code}" if error.code is not None else "") + f": {error.message}"
        if status in {BUSY_STATUS, BANNED_STATUS} or error.code in self.dialect.busy_codes:
            return self._busy(answer, error, detail)
        if status in REFUSED_STATUSES:
            return AttemptFailed(Trouble.REFUSED, detail)
        if status in RETRYABLE_STATUSES or error.code in self.dialect.retryable_codes:
            return AttemptFailed(Trouble.SERVER, detail)
        return AttemptFailed(Trouble.REJECTED, detail, error.code)

    def _busy(self, answer: Answer, error: ServerError, detail: str) -> AttemptFailed:
        host, now = urlsplit(answer.url).netloc, self.clock.now()
        banned = answer.status == BANNED_STATUS or error.banned_until is not None
        asked = wait_asked(
            BANNED_STATUS if banned else BUSY_STATUS, answer.headers.get("retry-after"), error.banned_until, now
        )
        if banned and asked > self.policy.longest_wait:
            return AttemptFailed(Trouble.REFUSED, f"banned for another {asked:.0f} s ({detail})")
        asked = min(asked, self.policy.longest_wait)
        self._gates.close_until(host, now + asked)
        logger.warning("%s asks to wait %.0f s (%s)", host, asked, detail)
        return AttemptFailed(Trouble.BANNED if banned else Trouble.BUSY, detail)

    def _wait(self, failure: AttemptFailed, attempt: int, url: str) -> None:
        if failure.trouble in {Trouble.BUSY, Trouble.BANNED}:
            # The gate of the host holds every thread back for as long as the host asked.
            return
        seconds = backoff_seconds(attempt, self.policy, self._jitter())
        logger.debug("attempt %d failed (%s); next in %.1f s: %s", attempt, failure.detail, seconds, url)
        self.clock.sleep(seconds)

    def _given_up(self, failure: AttemptFailed, url: str, about: Subject, attempts: int) -> ExchangeError:
        host = urlsplit(url).netloc
        # Later requests of other coins to the same host must not carry the coin of this one.
        reason = final_error(failure, url, Subject(), attempts, self.dialect)
        if failure.trouble in NO_ANSWER:
            self._gates.note_exhausted(host, reason)
        elif failure.trouble in HOPELESS:
            self._gates.give_up(host, reason)
        return final_error(failure, url, about, attempts, self.dialect)
