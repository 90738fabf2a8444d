"""Servers that never finish: every attempt ends at its limit, wherever the server is slow."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import repeat
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

import pytest
from faults.catalogue import case

from klineforge.errors import PermanentExchangeError, TransientExchangeError
from klineforge.exchanges.binance.market import DIALECT
from klineforge.exchanges.http import HttpClient
from klineforge.exchanges.retry import RetryPolicy
from klineforge.exchanges.transport import Limits

PROXIES = ("NO_PROXY", "no_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
SHORT = Limits(connect=0.2, read=0.2, total=0.4)
# For servers that always send something: whatever the machine is busy with, no single read is what ends them.
PATIENT = Limits(connect=60.0, read=60.0, total=0.4)
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

Serve = Callable[[Callable[[bytes], None], threading.Event], None]


@contextlib.contextmanager
def serving(serve: Serve) -> Iterator[str]:
    """A server on loopback that answers every connection with what a function writes."""
    released = threading.Event()

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            # A client that has had enough closes the connection.
            with contextlib.suppress(OSError):
                serve(self.request.sendall, released)

    server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def drip(begin: bytes, drop: bytes) -> Serve:
    """Send a beginning, then some bytes again and again, faster than the time-out of a read."""

    def serve(send: Callable[[bytes], None], released: threading.Event) -> None:
        send(begin)
        while not released.wait(0.02):
            send(drop)

    return serve


def fetch(url: str, limits: Limits = SHORT, most_bytes: int = 1_000_000) -> bytes:
    client = HttpClient(DIALECT, policy=RetryPolicy(attempts=1), limits=limits)
    try:
        return client.get(url, most_bytes=most_bytes).body
    finally:
        client.close()


@case("3")
@pytest.mark.parametrize(
    "serve",
    [
        drip(b"HTTP/1.1 200 ", b"O"),
        drip(HEAD + b"X-Endless: ", b"x"),
        drip(HEAD, b"X-More: headers\r\n"),
        drip(HEAD + b"Content-Length: 100000\r\n\r\n", b"x"),
        drip(HEAD + b"\r\n", b"x"),
        drip(CHUNKED, b"1\r\nx\r\n"),
        drip(CHUNKED + b"5;note=", b"x"),
        drip(CHUNKED + b"0\r\n", b"X-Trailer: more\r\n"),
    ],
    ids=["status", "header", "headers", "body", "body to the end", "chunks", "size of a chunk", "trailers"],
)
def test_server_that_drips_is_cut_off_at_the_deadline(serve: Serve) -> None:
    with (
        serving(serve) as url,
        pytest.raises(TransientExchangeError, match=r"no answer in time \(the answer took longer than 0.4 s\)"),
    ):
        fetch(url, PATIENT)


@case("2")
@pytest.mark.parametrize(
    "begin", [b"", HEAD, HEAD + b"Content-Length: 5\r\n\r\n", CHUNKED], ids=["silent", "headers", "body", "chunk"]
)
def test_server_that_hangs_is_cut_off_by_the_time_out_of_a_read(begin: bytes) -> None:
    def serve(send: Callable[[bytes], None], released: threading.Event) -> None:
        send(begin)
        released.wait()

    with serving(serve) as url, pytest.raises(TransientExchangeError, match=r"no answer in time \(.*timed out"):
        fetch(url, Limits(connect=5.0, read=0.1, total=60.0))


def test_server_that_hangs_is_cut_off_at_the_deadline_where_that_comes_first() -> None:
    def serve(_: Callable[[bytes], None], released: threading.Event) -> None:
        released.wait()

    with serving(serve) as url, pytest.raises(TransientExchangeError, match="took longer than 0.2 s"):
        fetch(url, Limits(connect=5.0, read=60.0, total=0.2))


def test_body_without_an_end_is_refused_when_it_is_too_large() -> None:
    def serve(send: Callable[[bytes], None], released: threading.Event) -> None:
        send(CHUNKED)
        for chunk in repeat(b"1000\r\n" + b"x" * 4096 + b"\r\n"):
            if released.is_set():
                return
            send(chunk)

    with serving(serve) as url, pytest.raises(PermanentExchangeError, match="larger than 50000 bytes"):
        fetch(url, Limits(total=60.0), most_bytes=50_000)


@case("2")
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full queue refuses instead of keeping silent")
def test_server_that_accepts_no_connection_is_cut_off_by_the_time_out_of_connecting() -> None:
    with contextlib.ExitStack() as open_sockets:
        full = open_sockets.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # nobody takes them out of the queue
            waiting = open_sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())

        with pytest.raises(TransientExchangeError, match=r"no answer in time \(.*timed out"):
            fetch(f"http://127.0.0.1:{full.getsockname()[1]}/", Limits(connect=0.1, read=60.0, total=60.0))


def test_proxy_that_drips_is_cut_off_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(drip(HEAD + b"X-Endless: ", b"x")) as url:
        for name in PROXIES:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HTTP_PROXY", url)
        with pytest.raises(TransientExchangeError, match="took longer than 0.4 s"):
            fetch("http://exchange.invalid/", PATIENT)


def test_name_that_is_looked_up_for_ever_is_given_up_like_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: released.wait() and [])
    try:
        with pytest.raises(
            TransientExchangeError, match=r"no answer in time .*exchange.invalid was not resolved within 0"
        ):
            fetch("http://exchange.invalid/")
    finally:
        released.set()


def test_name_without_an_address_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)

    def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(TransientExchangeError, match=r"no connection \(.*Name or service not known"):
        fetch("http://exchange.invalid/")


def test_second_address_of_a_name_is_tried_when_the_first_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    seen: list[bytes] = []

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                seen.append(connection.recv(65536))
                connection.sendall(HEAD + b"Content-Length: 2\r\n\r\nok")

        thread = threading.Thread(target=serve)
        thread.start()
        original = socket.getaddrinfo

        def both(host: str, *rest: Any, **named: Any) -> Any:
            if host != "exchange.invalid":
                return original(host, *rest, **named)
            kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
            return [(*kind, ("127.0.0.2", port)), (*kind, ("127.0.0.1", port))]

        monkeypatch.setattr(socket, "getaddrinfo", both)
        fetch(f"http://exchange.invalid:{port}/")
        thread.join()

    assert f"Host: exchange.invalid:{port}\r\n".encode() in seen[0]
