"""A clock that waits for nothing, and a small Binance on the loopback interface whose every answer a test decides."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

HOUR = timedelta(hours=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECONDS_FROM = datetime(2025, 1, 1, tzinfo=UTC)


def utc(text: str) -> datetime:
    """An instant from its ISO text."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def hours(start: str, end: str) -> list[datetime]:
    """Every hour of a half-open range."""
    first, last = utc(start), utc(end)
    return [first + HOUR * i for i in range((last - first) // HOUR)]


class FakeClock:
    """Time that passes only by sleeping."""

    def __init__(self, now: datetime) -> None:
        self.epoch = now.timestamp()
        self.sleeps: list[float] = []
        self.interrupted = False

    def now(self) -> float:
        return self.epoch

    def monotonic(self) -> float:
        return self.epoch

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.epoch += seconds

    def interrupt(self) -> None:
        self.interrupted = True


@dataclass
class Reply:
    """One HTTP answer; ``cut`` promises more bytes than are sent."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


def millis(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(milliseconds=1)


def kline(opened: datetime, close: str = "1.50000000", *, micros: bool = False) -> list[Any]:
    """A candle in wire order."""
    first, last = millis(opened), millis(opened) + 3_599_999
    if micros:
        first, last = first * 1000, last * 1000 + 999
    prices = ["1.00000000", "2.00000000", "0.50000000", close, "10.00000000"]
    return [first, *prices, last, "15.00000000", 7, "4.00000000", "6.00000000", "0"]


def csv_of(rows: Iterable[list[Any]]) -> bytes:
    return "".join(",".join(map(str, row)) + "\n" for row in rows).encode()


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()


@dataclass
class FakeBinance:
    """Serves the candles it is given as monthly and daily archives and by REST.

    Args:
        now: The exchange's time.
        monthly_from: First month (``YYYY-MM``) that has no monthly file.
        daily_from: First day (``YYYY-MM-DD``) that has no daily file.
    """

    now: datetime
    monthly_from: str = "9999-12"
    daily_from: str = "9999-12-31"
    candles: dict[str, dict[datetime, str]] = field(default_factory=dict)
    archive_lacks: set[datetime] = field(default_factory=set)
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[Reply]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.answer))
        self._server.daemon_threads = True

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def trade(self, coin: str, opens: Iterable[datetime], close: str = "1.50000000") -> None:
        """Give a coin candles."""
        self.candles.setdefault(coin, {}).update(dict.fromkeys(opens, close))

    def asked(self, part: str) -> list[str]:
        """Requests whose path contains a text."""
        return [request for request in self.requests if part in request]

    def downloaded(self, part: str) -> list[str]:
        """Archive files asked for whose path contains a text, checksums aside."""
        return [
            request for request in self.asked("/data/spot/") if part in request and not request.endswith("CHECKSUM")
        ]

    def rechecked(self) -> list[str]:
        """Names of the archive files whose checksum was asked for."""
        return sorted(request.rsplit("/", 1)[-1].removesuffix(".CHECKSUM") for request in self.asked(".CHECKSUM"))

    def answer(self, target: str) -> Reply:
        path, query = unquote(urlsplit(target).path), parse_qs(urlsplit(target).query)
        with self._lock:
            self.requests.append(unquote(target))
            for part, replies in self.faults.items():
                if part in unquote(target) and replies:
                    return replies.pop(0) if len(replies) > 1 or replies[0].status == 299 else replies[0]
        if path.startswith("/data/spot/"):
            return self._archive(path)
        if path == "/api/v3/time":
            return Reply(body=json.dumps({"serverTime": millis(self.now)}).encode())
        if path == "/api/v3/exchangeInfo":
            return self._listing(query)
        return self._klines({name: values[0] for name, values in query.items()})

    def _archive(self, path: str) -> Reply:
        name = path.removesuffix(".CHECKSUM").rsplit("/", 1)[-1]
        content = self.files.get(name) or self._file(name, "/monthly/" in path)
        if content is None:
            return Reply(404, b"<Error><Code>NoSuchKey</Code></Error>")
        if path.endswith(".CHECKSUM"):
            return Reply(body=f"{hashlib.sha256(content).hexdigest()}  {name}".encode())
        return Reply(body=content)

    def _file(self, name: str, monthly: bool) -> bytes | None:
        coin, _, label = name.removesuffix(".zip").split("-", 2)
        if label >= (self.monthly_from if monthly else self.daily_from):
            return None
        opens = sorted(
            opened
            for opened in self.candles.get(coin, {})
            if f"{opened:%Y-%m-%d}".startswith(label) and opened not in self.archive_lacks
        )
        rows = [kline(o, self.candles[coin][o], micros=o >= MICROSECONDS_FROM) for o in opens]
        return zipped(name.replace(".zip", ".csv"), csv_of(rows)) if rows else None

    def _klines(self, query: dict[str, str]) -> Reply:
        coin = query["symbol"]
        if coin not in self.candles:
            return Reply(400, b'{"code":-1121,"msg":"Invalid symbol."}')
        first, last = int(query.get("startTime", 0)), int(query.get("endTime", 10**15))
        opens = sorted(o for o in self.candles[coin] if first <= millis(o) <= last and o <= self.now)
        page = opens[: min(1000, int(query.get("limit", 500)))]
        return Reply(body=json.dumps([kline(o, self.candles[coin][o]) for o in page]).encode())

    def _listing(self, query: dict[str, list[str]]) -> Reply:
        coins = json.loads(query["symbols"][0]) if "symbols" in query else query.get("symbol", [])
        if any(coin not in self.candles for coin in coins):
            return Reply(400, b'{"code":-1121,"msg":"Invalid symbol."}')
        symbols = [
            {"symbol": coin, "status": "TRADING", "baseAsset": coin[:-4], "quoteAsset": coin[-4:]} for coin in coins
        ]
        return Reply(body=json.dumps({"serverTime": millis(self.now), "symbols": symbols}).encode())


def _handler(answer: Callable[[str], Reply]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            reply = answer(self.path)
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(reply.body) + 100 * reply.cut))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = reply.cut

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    return Handler
