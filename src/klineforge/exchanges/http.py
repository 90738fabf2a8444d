"""The one client that talks to exchanges: it alone waits, repeats, and decides that a host is not worth asking."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

import requests

from klineforge.errors import TransientExchangeError
from klineforge.exchanges.budget import RESERVED, Budgets, RateLimit, Ticket, Wait
from klineforge.exchanges.clock import Clock, SystemClock
from klineforge.exchanges.deadline import bounded_session
from klineforge.exchanges.dialect import Dialect, Subject
from klineforge.exchanges.failures import (
    OF_THE_HOST,
    AttemptFailed,
    GivenUp,
    all_failed,
    final_error,
)
from klineforge.exchanges.hosts import FOR_THIS_RUN, HostGates
from klineforge.exchanges.retry import (
    NO_ANSWER,
    RetryPolicy,
    Trouble,
    backoff_seconds,
    is_better_elsewhere,
    should_retry,
)
from klineforge.exchanges.transport import Answer, Limits, Transport
from klineforge.exchanges.verdict import Moment, judge

logger = logging.getLogger(__name__)

MAX_REDIRECTS: Final = 3
# Answers after which a host on trial is asked like any other again.
_PASSED: Final = frozenset({Trouble.BUSY, Trouble.SERVER, Trouble.PAYLOAD, Trouble.REJECTED})


@dataclass(frozen=True)
class _Request:
    most_bytes: int
    weight: int
    subject: Subject
    may_be_missing: bool
    check: Callable[[bytes], object] | None


class HttpClient:
    """GET with retries, deadlines, rate limits and bans respected, shared by all threads of a run.

    Args:
        dialect: The exchange's way of reporting errors and counting requests.
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
        session_factory: Callable[[], requests.Session] = bounded_session,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.dialect = dialect
        self.policy = policy or RetryPolicy()
        self.clock = clock or SystemClock()
        self._transport = Transport(session_factory, self.clock, limits or Limits())
        self._gates = HostGates()
        self._budgets = Budgets(dialect.limits)
        self._server_ahead = 0.0
        self._jitter = jitter
        self._stopped = False

    def get(
        self,
        url: str,
        *alternatives: str,
        most_bytes: int,
        weight: int = 0,
        subject: Subject | None = None,
        may_be_missing: bool = False,
        check: Callable[[bytes], object] | None = None,
    ) -> Answer:
        """Fetch a URL, patiently.

        Args:
            url: What to fetch, without credentials.
            alternatives: The same from other hosts, asked in this order when a host fails as such.
            most_bytes: Largest answer accepted.
            weight: What the request costs by the exchange's price list; 0: it is not counted.
            subject: Coin and range, for messages.
            may_be_missing: Return a 404 instead of raising.
            check: Reads the body of a good answer; when it raises MalformedPayloadError the request is repeated.

        Raises:
            TransientExchangeError: Unreachable, busy or broken, after all attempts.
            BannedError: Banned for longer than the run is willing to wait.
            PermanentExchangeError: Refused, or the request itself is wrong (then a RejectedRequestError).
            MalformedPayloadError: ``check`` failed on every attempt.
        """
        request = _Request(most_bytes, weight, subject or Subject(), may_be_missing, check)
        errors = []
        candidates = self._gates.in_order((url, *alternatives), self.clock.now())
        for place, candidate in enumerate(candidates, 1):
            try:
                return self._get_from(candidate, request, candidates[place:])
            except GivenUp as given_up:
                if given_up.trouble not in OF_THE_HOST:
                    raise given_up.error from given_up
                errors.append(given_up.error)
                if alternatives:
                    self._prefer_others(candidate, given_up)
        raise all_failed(errors, request.subject)

    def note_server_time(self, ahead_seconds: float) -> None:
        """The exchange's clock is this much ahead of this machine's: its counters turn by it."""
        self._server_ahead = ahead_seconds

    def note_limits(self, url: str, limits: Iterable[RateLimit]) -> None:
        """The exchange names the limits that hold for a host, and with it for the host's account."""
        self._budgets.of(self.dialect.account_of(urlsplit(url).netloc)).set_limits(limits)

    def stop(self) -> None:
        """Let no request start any more and end all waiting."""
        self._stopped = True
        self.clock.interrupt()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def _get_from(self, url: str, request: _Request, others: Sequence[str]) -> Answer:
        """Ask one host until it answers or its attempts are used up; fewer of them where one of the others is well."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._attempt(url, request)
            except AttemptFailed as failure:
                if self._is_better_elsewhere(failure, attempt, url, others):
                    raise GivenUp(
                        failure.trouble, final_error(failure, url, request.subject, attempt, self.dialect)
                    ) from failure
                if self._is_shut_by(failure) or not should_retry(failure.trouble, attempt, self.policy):
                    raise self._given_up(failure, url, request.subject, attempt) from failure
                self._back_off(failure, attempt, url)

    def _attempt(self, url: str, request: _Request) -> Answer:
        host = urlsplit(url).netloc
        names = host, self.dialect.account_of(host)
        ticket = self._admitted(names, request.weight)
        told: dict[int, int] = {}
        passed = False
        try:
            answer = self._follow(url, request.most_bytes)
            told.update(self.dialect.read_usage(answer.headers))
            self._gates.note_answer(host)
            judge(
                answer,
                self.dialect,
                Moment(self.clock.now(), self._server_ahead),
                may_be_missing=request.may_be_missing,
                check=request.check,
            )
            passed = True
        except AttemptFailed as failure:
            passed = failure.trouble in _PASSED
            # Before the gate is left: what one thread has learnt holds for all at once.
            self._keep_away(failure, url)
            raise
        finally:
            if ticket is not None:
                self._budgets.of(names[1]).settle(ticket, told)
            self._gates.leave(names, passed)
        return answer

    def _admitted(self, names: Sequence[str], weight: int) -> Ticket | None:
        """Wait until the host may be asked and there is room in the budget of its account."""
        host, account = names
        while not self._stopped:
            seconds = self._gates.enter(names, self.clock.now())
            if not seconds:
                if not weight:
                    return None
                leave = self._budgets.of(account).reserve(weight, self.clock.now() + self._server_ahead)
                if isinstance(leave, Ticket):
                    return leave
                self._gates.leave(names, passed=False)
                self._announce(leave, host)
                seconds = leave.seconds
            self.clock.sleep(seconds)
        raise TransientExchangeError("the run was stopped", exchange=self.dialect.exchange)

    def _announce(self, wait: Wait, host: str) -> None:
        if wait.is_news:
            logger.info(
                "%d of the %d requests (by weight) that %s allows every %d s are used, %.0f %% are kept free; "
                "going on in %.0f s",
                wait.used,
                wait.limit.most,
                host,
                wait.limit.seconds,
                RESERVED * 100,
                wait.seconds,
            )

    def _follow(self, url: str, most_bytes: int) -> Answer:
        target = url
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._transport.get(target, most_bytes)
            location = answer.headers.get("location")
            if not 300 <= answer.status < 400 or location is None:
                return answer
            try:
                target = urljoin(target, location)
                leaves = urlsplit(target)[:2] != urlsplit(url)[:2]
            except ValueError as error:
                raise AttemptFailed(Trouble.REJECTED, f"redirected to what is no address: {error}") from error
            if leaves:
                raise AttemptFailed(
                    Trouble.REJECTED, f"redirected to another host ({urlsplit(target).netloc}), which is not followed"
                )
        raise AttemptFailed(Trouble.REJECTED, f"redirected more than {MAX_REDIRECTS} times")

    def _keep_away(self, failure: AttemptFailed, url: str) -> None:
        """Close the gate of the host, or of its account, as the failure demands."""
        host, now = urlsplit(url).netloc, self.clock.now()
        until = failure.until or now
        if failure.trouble in {Trouble.BUSY, Trouble.BANNED} and not self._is_shut_by(failure):
            until = min(until, now + self.policy.longest_wait)
            if self._gates.pause(self.dialect.account_of(host), until, trial=failure.trouble is Trouble.BANNED):
                logger.warning("%s asks to wait %.0f s (%s)", host, until - now, failure.detail)
        elif failure.trouble is Trouble.BANNED:
            self._gates.shut(self.dialect.account_of(host), until, self._given_up(failure, url, Subject(), 1))
        elif failure.trouble is Trouble.BLOCKED:
            self._gates.shut(host, until, self._given_up(failure, url, Subject(), 1))
        elif failure.trouble in {Trouble.REFUSED, Trouble.INSECURE}:
            self._gates.shut(host, FOR_THIS_RUN, self._given_up(failure, url, Subject(), 1))

    def _is_shut_by(self, failure: AttemptFailed) -> bool:
        """Whether a ban outlasts the patience of the run."""
        until = failure.until or 0.0
        return failure.trouble is Trouble.BANNED and until - self.clock.now() > self.policy.longest_wait

    def _is_better_elsewhere(self, failure: AttemptFailed, attempt: int, url: str, others: Sequence[str]) -> bool:
        now = self.clock.now()
        failed_lately = self._gates.failed_lately(urlsplit(url).netloc, now)
        if not is_better_elsewhere(failure.trouble, attempt, failed_lately=failed_lately):
            return False
        hosts = (urlsplit(other).netloc for other in others)
        return any(self._gates.is_well((host, self.dialect.account_of(host)), now) for host in hosts)

    def _back_off(self, failure: AttemptFailed, attempt: int, url: str) -> None:
        if failure.trouble in {Trouble.BUSY, Trouble.BANNED}:
            # The gate holds every thread back for as long as the exchange asked.
            return
        seconds = backoff_seconds(attempt, self.policy, self._jitter())
        logger.debug("attempt %d failed (%s); next in %.1f s: %s", attempt, failure.detail, seconds, url)
        self.clock.sleep(seconds)

    def _given_up(self, failure: AttemptFailed, url: str, about: Subject, attempts: int) -> GivenUp:
        if failure.trouble in NO_ANSWER:
            # Later requests of other coins to the same host must not carry the coin of this one.
            reason = GivenUp(failure.trouble, final_error(failure, url, Subject(), attempts, self.dialect))
            self._gates.note_exhausted(urlsplit(url).netloc, self.clock.now(), reason)
        return GivenUp(failure.trouble, final_error(failure, url, about, attempts, self.dialect))

    def _prefer_others(self, url: str, given_up: GivenUp) -> None:
        host = urlsplit(url).netloc
        if self._gates.prefer_others(host, self.clock.now()):
            logger.warning("%s is asked last from now on: %s", host, given_up.error.problem)
