"""The demo exchange as an HTTP server on the loopback interface: archives and REST under one address."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from klineforge.errors import ConfigurationError, EnvironmentProblem
from klineforge.simulator.archive import NO_SUCH_KEY, ArchiveFile, Archives, StoredObject, archive_file, checksum_line
from klineforge.simulator.faults.fault import Fault
from klineforge.simulator.faults.injector import Injected, Injector
from klineforge.simulator.lifecycle import GENESIS
from klineforge.simulator.loopback import HOST, Answer, LoopbackServer
from klineforge.simulator.market import DEMO_SEED, Market
from klineforge.simulator.replies import Reply
from klineforge.simulator.rest import RestInterface

_REMEMBERED_REQUESTS = 100_000


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
        faults: What goes wrong; nothing by default.
        pause: Waits between the pieces of an answer that drips; None waits by the machine's clock.

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
        faults: Sequence[Fault] = (),
        pause: Callable[[float], None] | None = None,
    ) -> None:
        if history_start < GENESIS:
            raise ConfigurationError(
                f"the simulated market begins at {GENESIS:%Y-%m-%d}, found a history start of "
                f"{history_start:%Y-%m-%d %H:%M}: choose a later one"
            )
        market = Market(seed)
        self._archives = Archives(market, history_start)
        self._rest = RestInterface(market, history_start)
        self._faults = Injector(faults)
        self._clock = clock
        self._pause = pause
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

    @property
    def injected(self) -> tuple[Injected, ...]:
        """Every answer that a fault spoilt: what, where and when; oldest first."""
        return self._faults.injected

    def inject(self, *faults: Fault) -> None:
        """Let these faults happen from now on, and none of the former ones; without any, all is well again."""
        self._faults.arm(faults)

    def start(self) -> None:
        """Listen and answer in background threads until ``stop``.

        Raises:
            EnvironmentProblem: When the port is taken, forbidden or not a port.
        """
        if self._server is not None:
            raise RuntimeError("the demo exchange is already running")
        self._server = _listen(self._port, self.answer, self._clock, self._pause)
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
        decoded = unquote(target)
        if parts.path.startswith("/api/"):
            return self._faults.reply(self._rest.answer(parts.path, parts.query, headers, now), decoded, now, None)
        key = unquote(parts.path).removeprefix("/")
        file = archive_file(key.removesuffix(".CHECKSUM"))
        stored = None if file is None else self._stored(key, file, now)
        return self._faults.reply(_download(stored, headers), decoded, now, file)

    def _stored(self, key: str, file: ArchiveFile, now: datetime) -> StoredObject | None:
        """What is kept under a key: the file as the faults have made it, or its checksum."""
        faultless = self._archives.find(key.removesuffix(".CHECKSUM"), now)
        if faultless is None:
            return None
        stored = self._faults.archive(faultless, file, f"/{key}", now)
        if not key.endswith(".CHECKSUM"):
            return stored
        line = self._faults.checksum(checksum_line(file.name, stored.body), file, f"/{key}", now)
        return StoredObject(line, stored.modified, "binary/octet-stream")


def _download(stored: StoredObject | None, headers: Mapping[str, str]) -> Reply:
    if stored is None:
        return Reply(HTTPStatus.NOT_FOUND, NO_SUCH_KEY, "application/xml")
    described = {
        "ETag": stored.etag,
        "Last-Modified": format_datetime(stored.modified, usegmt=True),
        "Accept-Ranges": "none",
    }
    if headers.get("if-none-match") == stored.etag:
        return Reply(HTTPStatus.NOT_MODIFIED, b"", stored.content_type, described)
    return Reply(HTTPStatus.OK, stored.body, stored.content_type, described)


def _listen(
    port: int, answer: Answer, clock: Callable[[], datetime], pause: Callable[[float], None] | None
) -> LoopbackServer:
    try:
        return LoopbackServer(port, answer, clock, pause)
    except (OSError, OverflowError) as error:
        raise EnvironmentProblem(
            f"the demo exchange cannot listen on port {port} of {HOST}: {error}\n"
            "  what to do: choose another port, or 0 for any free one, or stop the program that uses this one"
        ) from error
