"""A limit on the whole of an HTTP exchange, which time-outs of a socket are not.

A socket's time-out starts again with every byte, so a server that drips its status line, its headers or the sizes of
its chunks holds a client for ever. Here every read from the socket looks at the deadline of the attempt.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError

from klineforge.exchanges.names import addresses_of


@dataclass(frozen=True)
class Deadline:
    """When an attempt has to be over.

    Args:
        at: Monotonic seconds.
        total: What was allowed in all, in seconds, for messages.
        monotonic: The clock.
    """

    at: float
    total: float
    monotonic: Callable[[], float]

    def remaining(self) -> float:
        """Seconds left.

        Raises:
            TimeoutError: When there are none.
        """
        left = self.at - self.monotonic()
        if left <= 0:
            raise TimeoutError(f"the answer took longer than {self.total:g} s")
        return left


DEADLINE: Final[ContextVar[Deadline | None]] = ContextVar("deadline", default=None)


class _BoundedReads(io.RawIOBase):
    """The bytes of one answer, read from a socket no longer than the deadline allows."""

    def __init__(self, source: io.RawIOBase, connection: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._source = source
        self._connection = connection
        self._deadline = deadline
        self._pause = connection.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline.remaining()
        self._connection.settimeout(left if self._pause is None else min(left, self._pause))
        try:
            return self._source.readinto(buffer)
        except TimeoutError as error:
            timed_out = error
        self._deadline.remaining()
        raise timed_out

    def fileno(self) -> int:
        return self._source.fileno()

    def close(self) -> None:
        if not self.closed:
            self._source.close()
            super().close()


class _BoundedResponse(HTTPResponse):
    """An answer read within the deadline of the attempt that asks for it."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        deadline = DEADLINE.get()
        if deadline is not None:
            self.fp = io.BufferedReader(_BoundedReads(self.fp.detach(), sock, deadline))


class _BoundedConnection(HTTPConnection):
    """A connection whose host is also looked up within the deadline; each address has the time-out of connecting."""

    response_class = _BoundedResponse

    def _new_conn(self) -> socket.socket:
        name, deadline = self._dns_host, DEADLINE.get()
        try:
            addresses = addresses_of(name, self.port, _least(self.timeout, deadline))
        except TimeoutError as error:
            raise ConnectTimeoutError(self, str(error)) from error
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except UnicodeError:
            # The library has words of its own for what cannot be a name.
            return super()._new_conn()
        return self._connected(name, addresses, deadline)

    def _connected(self, name: str, addresses: Sequence[str], deadline: Deadline | None) -> socket.socket:
        failure: HTTPError = NewConnectionError(self, f"{name} has no address")
        for address in addresses:
            if deadline is not None:
                deadline.remaining()
            self._dns_host = address
            try:
                return super()._new_conn()
            except (NewConnectionError, ConnectTimeoutError) as error:
                failure = error
            finally:
                # Certificates are about the name.
                self._dns_host = name
        raise failure


class _BoundedSecureConnection(_BoundedConnection, HTTPSConnection):
    """The same with TLS."""


def _least(timeout: Any, deadline: Deadline | None) -> float | None:
    left = None if deadline is None else deadline.remaining()
    return min((bound for bound in (timeout, left) if isinstance(bound, float | int)), default=None)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _BoundedConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _BoundedSecureConnection


_POOLS: Final = {"http": _Pool, "https": _SecurePool}


class _BoundedAdapter(HTTPAdapter):
    """Connections, direct or through a proxy, whose answers are read within the deadline."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager


@dataclass(frozen=True)
class _Way:
    """What every request to one origin has in common, worked out by the first.

    Args:
        template: The request, but for its address.
        settings: Proxies, certificates and the like, as the environment demands.
    """

    template: requests.PreparedRequest
    settings: Mapping[str, Any]


class _PlainSession(requests.Session):
    """A session that does only what differs from one file of a host to the next.

    The library works out headers, proxies, certificates and credentials anew for every request, follows redirects and
    keeps cookies. Thousands of small files need none of it, and it costs as much as sending does (ADR 14).
    """

    def __init__(self) -> None:
        super().__init__()
        self._ways: dict[str, _Way] = {}

    def get(self, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send one request.

        Args:
            url: What to fetch.
            options: ``timeout`` and ``stream`` as the library takes them; ``allow_redirects`` has to be false.
        """
        if options.pop("allow_redirects", True):
            raise ValueError("this session leaves redirects alone, pass allow_redirects=False")
        address = urlsplit(url)
        origin = f"{address.scheme}://{address.netloc}"
        way = self._ways.get(origin)
        if way is None:
            way = self._ways[origin] = self._way_to(url)
        request = way.template.copy()
        request.prepare_url(url, None)
        return self.get_adapter(url).send(request, **{**way.settings, **options})

    def _way_to(self, url: str) -> _Way:
        template = self.prepare_request(requests.Request("GET", url))
        return _Way(template, self.merge_environment_settings(url, {}, None, None, None))


def bounded_session() -> requests.Session:
    """A session that keeps to ``DEADLINE`` from the first byte of the status line to the last of the body."""
    session = _PlainSession()
    for scheme in ("http://", "https://"):
        session.mount(scheme, _BoundedAdapter())
    return session
