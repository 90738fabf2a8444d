"""One HTTP attempt: bytes within a size and a time, or a typed trouble. Deciding what to do about it is elsewhere."""

from __future__ import annotations

import ipaddress
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests
import urllib3

from klineforge.exchanges.clock import Clock
from klineforge.exchanges.deadline import DEADLINE, Deadline
from klineforge.exchanges.failures import AttemptFailed
from klineforge.exchanges.retry import Trouble

_CHUNK = 1 << 16
_PROXY_SAYS_NO = re.compile(r"Tunnel connection failed: 4\d\d")


@dataclass(frozen=True)
class Limits:
    """Bounds on one attempt, in seconds."""

    connect: float = 10.0
    read: float = 20.0
    total: float = 120.0


@dataclass(frozen=True)
class Answer:
    """What a server sent back; header names are lower case."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Sends GET requests with one session per thread and never follows a redirect by itself.

    Args:
        session_factory: Makes the sessions; they should keep to ``DEADLINE``, as those of ``bounded_session`` do.
        clock: Measures the total time.
        limits: Bounds on one attempt.
    """

    def __init__(self, session_factory: Callable[[], requests.Session], clock: Clock, limits: Limits) -> None:
        self._session_factory = session_factory
        self._clock = clock
        self._limits = limits
        self._local = threading.local()
        self._sessions: list[requests.Session] = []
        self._lock = threading.Lock()

    def get(self, url: str, most_bytes: int) -> Answer:
        """Fetch one URL once.

        Raises:
            AttemptFailed: When there is no complete answer within the limits.
        """
        total = self._limits.total
        deadline = Deadline(self._clock.monotonic() + total, total, self._clock.monotonic)
        token = DEADLINE.set(deadline)
        try:
            with self._session(url).get(
                url, stream=True, allow_redirects=False, timeout=(self._limits.connect, self._limits.read)
            ) as response:
                body = self._read(response, deadline, most_bytes)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(url, response.status_code, headers, body)
        except TimeoutError as error:
            raise AttemptFailed(Trouble.TIMEOUT, str(error)) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise AttemptFailed(_trouble(error), _told(error)) from error
        finally:
            DEADLINE.reset(token)

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            for session in self._sessions:
                session.close()
            self._sessions.clear()

    def _session(self, url: str) -> requests.Session:
        # A proxy is for the way out: requests for this machine must not leave it.
        kind = "local" if _is_loopback(url) else "remote"
        session: requests.Session | None = getattr(self._local, kind, None)
        if session is None:
            session = self._session_factory()
            session.trust_env = session.trust_env and kind == "remote"
            setattr(self._local, kind, session)
            with self._lock:
                self._sessions.append(session)
        return session

    def _read(self, response: requests.Response, deadline: Deadline, most_bytes: int) -> bytes:
        body = bytearray()
        while True:
            # read1 returns what has arrived, so that a server that drips bytes cannot outlast the deadline.
            chunk = response.raw.read1(_CHUNK, decode_content=True)
            if not chunk:
                break
            body += chunk
            if len(body) > most_bytes:
                raise AttemptFailed(Trouble.REJECTED, f"the answer is larger than {most_bytes} bytes")
            deadline.remaining()
        if response.raw.length_remaining:
            raise AttemptFailed(Trouble.CUT, f"{response.raw.length_remaining} bytes of the answer are missing")
        return bytes(body)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # A name, not an address.
        return False


def _trouble(error: Exception) -> Trouble:
    if isinstance(error, requests.exceptions.SSLError | urllib3.exceptions.SSLError):
        return Trouble.INSECURE if "certificate" in str(error).lower() else Trouble.CONNECTION
    if _is_about_a_proxy(error):
        # What a proxy says no to it will say no to again; one that cannot be reached may be there in a minute.
        return Trouble.REFUSED if _PROXY_SAYS_NO.search(_innermost(error)) else Trouble.CONNECTION
    if isinstance(error, requests.exceptions.Timeout | urllib3.exceptions.TimeoutError):
        return Trouble.TIMEOUT
    if isinstance(error, requests.exceptions.ConnectionError):
        return Trouble.CONNECTION
    if isinstance(error, urllib3.exceptions.HTTPError | requests.exceptions.ChunkedEncodingError):
        return Trouble.CUT
    return Trouble.REJECTED


def _is_about_a_proxy(error: Exception) -> bool:
    return isinstance(error, requests.exceptions.ProxyError | urllib3.exceptions.ProxyError)


def _told(error: Exception) -> str:
    """What happened, and that a proxy is to blame where one is: else its trouble is looked for at the host."""
    return f"the proxy of this machine: {_innermost(error)}" if _is_about_a_proxy(error) else _innermost(error)


def _innermost(error: BaseException) -> str:
    """The text of the exception that started it all: ``Connection refused`` rather than five nested reprs."""
    seen = {id(error)}
    while (cause := error.__cause__ or error.__context__) is not None and id(cause) not in seen:
        seen.add(id(cause))
        error = cause
    return str(error) or type(error).__name__
