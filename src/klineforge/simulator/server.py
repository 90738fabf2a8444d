"""The demo exchange as an HTTP server on the loopback interface: archives and REST under one address."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from klineforge.errors import ConfigurationError, EnvironmentProblem
from klineforge.simulator.archive import Archives
from klineforge.simulator.lifecycle import GENESIS
from klineforge.simulator.loopback import HOST, Answer, LoopbackServer
from klineforge.simulator.market import DEMO_SEED, Market
from klineforge.simulator.replies import Reply
from klineforge.simulator.rest import RestInterface

_REMEMBERED_REQUESTS = 100_000
_NO_SUCH_KEY = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"
)


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


class DemoExchange:
    """Serves a simulated market by Binance's protocol while its ``with`` block lasts.

    The candles depend on the seed alone; the clock decides which of them exist yet and what the open one shows.

    Args:
        seed: Chooses the market.
        clock: The exchange's time; aware UTC instants.
        port: Port to listen on; 0 takes any free one.
        history_start: First hour the exchange has candles for, aware UTC, not before ``GENESIS``.

    Raises:
        ConfigurationError: When the seed is negative or the history begins before the market does.
        EnvironmentProblem: On entering, when the port cannot be had.

    Example:
        >>> with DemoExchange() as exchange:
        ...     exchange.archive_url == exchange.rest_url
        True
    """

    def __init__(
        self,
        *,
        seed: int = DEMO_SEED,
        clock: Callable[[], datetime] = utc_now,
        port: int = 0,
        history_start: datetime = GENESIS,
    ) -> None:
        if history_start < GENESIS:
            raise ConfigurationError(
                f"the simulated market begins at {GENESIS:%Y-%m-%d}, found a history start of "
                f"{history_start:%Y-%m-%d %H:%M}: choose a later one"
            )
        market = Market(seed)
        self._archives = Archives(market, history_start)
        self._rest = RestInterface(market, history_start)
        self._clock = clock
        self._port = port
        self._requests: deque[str] = deque(maxlen=_REMEMBERED_REQUESTS)
        self._server: LoopbackServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def archive_url(self) -> str:
        """Base URL of the archives, without a trailing slash; the exchange must be running."""
        if self._server is None:
            raise RuntimeError("the demo exchange is not running: use it in a `with` block or call start() first")
        return f"http://{HOST}:{self._server.server_address[1]}"

    @property
    def rest_url(self) -> str:
        """Base URL of the REST interface: the same address as the archives."""
        return self.archive_url

    @property
    def requests(self) -> tuple[str, ...]:
        """Targets of the requests so far (path and query), oldest first."""
        return tuple(self._requests)

    def start(self) -> None:
        """Listen and answer in background threads until ``stop``.

        Raises:
            EnvironmentProblem: When the port is taken, forbidden or not a port.
        """
        if self._server is not None:
            raise RuntimeError("the demo exchange is already running")
        self._server = _listen(self._port, self.answer, self._clock)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="demo-exchange", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, close every connection and wait for the threads; harmless when not running."""
        server, thread, self._server, self._thread = self._server, self._thread, None, None
        if server is None or thread is None:
            return
        server.shutdown()
        thread.join()
        server.server_close()
        server.close_connections()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def answer(self, target: str, headers: Mapping[str, str]) -> Reply:
        """Answer a GET or HEAD request without the wire.

        Args:
            target: Path and query of the request.
            headers: Its headers by lower-case name.
        """
        self._requests.append(target)
        now = self._clock()
        parts = urlsplit(target)
        if parts.path.startswith("/api/"):
            return self._rest.answer(parts.path, parts.query, headers, now)
        return self._download(unquote(parts.path).removeprefix("/"), headers, now)

    def _download(self, key: str, headers: Mapping[str, str], now: datetime) -> Reply:
        stored = self._archives.find(key, now)
        if stored is None:
            return Reply(HTTPStatus.NOT_FOUND, _NO_SUCH_KEY, "application/xml")
        described = {
            "ETag": stored.etag,
            "Last-Modified": format_datetime(stored.modified, usegmt=True),
            "Accept-Ranges": "none",
        }
        if headers.get("if-none-match") == stored.etag:
            return Reply(HTTPStatus.NOT_MODIFIED, b"", stored.content_type, described)
        return Reply(HTTPStatus.OK, stored.body, stored.content_type, described)


def _listen(port: int, answer: Answer, clock: Callable[[], datetime]) -> LoopbackServer:
    try:
        return LoopbackServer(port, answer, clock)
    except (OSError, OverflowError) as error:
        raise EnvironmentProblem(
            f"the demo exchange cannot listen on port {port} of {HOST}: {error}\n"
            "  what to do: choose another port, or 0 for any free one, or stop the program that uses this one"
        ) from error
