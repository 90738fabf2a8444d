"""What requests to one host share is what each of them would have worked out for itself."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import requests

from klineforge.errors import PermanentExchangeError, TransientExchangeError
from klineforge.exchanges.deadline import bounded_session
from klineforge.exchanges.http import HttpClient

PROXY_NAMES = (
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
)


@contextmanager
def recording() -> Iterator[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """A server that sets a cookie, and the request lines and headers it gets."""
    seen: list[tuple[str, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            seen.append((self.path, dict(self.headers)))
            self.send_response(200)
            self.send_header("Set-Cookie", "who=knows")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def do_CONNECT(self) -> None:
            self.send_error(int(self.path.partition(".")[0].removeprefix("answers-")))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_NAMES:
        monkeypatch.delenv(name, raising=False)


def fetch(session: requests.Session, url: str) -> bytes:
    with session.get(url, stream=True, allow_redirects=False, timeout=(5, 5)) as response:
        return response.content


def test_later_requests_are_sent_like_the_first_and_carry_no_cookies() -> None:
    with recording() as (url, seen), bounded_session() as session, requests.Session() as plain:
        assert plain.get(url + "/a?symbol=BTC%26", timeout=5).content == b"ok"
        for path in ("/a?symbol=BTC%26", "/b/ü", "/a?symbol=BTC%26"):
            assert fetch(session, url + path) == b"ok"

    assert [path for path, _ in seen] == ["/a?symbol=BTC%26", "/a?symbol=BTC%26", "/b/%C3%BC", "/a?symbol=BTC%26"]
    assert {tuple(headers.items()) for _, headers in seen} == {tuple(seen[0][1].items())}


def test_environment_names_the_proxy_of_each_host(monkeypatch: pytest.MonkeyPatch) -> None:
    with recording() as (proxy, through), recording() as (direct, seen), bounded_session() as session:
        monkeypatch.setenv("HTTP_PROXY", proxy.replace("://", "://me:secret@"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        for _ in range(2):
            fetch(session, "http://exchange.invalid/file")
            fetch(session, direct + "/file")

    assert [path for path, _ in through] == ["http://exchange.invalid/file"] * 2
    assert [headers["Proxy-Authorization"] for _, headers in through] == ["Basic bWU6c2VjcmV0"] * 2
    assert [path for path, _ in seen] == ["/file"] * 2


def test_proxy_that_cannot_be_reached_is_not_taken_for_a_host_that_refuses(
    monkeypatch: pytest.MonkeyPatch, client: HttpClient
) -> None:
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTP_PROXY", f"http://me:secret@127.0.0.1:{nobody.getsockname()[1]}")
        with pytest.raises(TransientExchangeError, match="proxy of this machine: .*refused") as told:
            client.get("http://exchange.invalid/file", most_bytes=1)

    assert "after 3 attempts" in str(told.value)
    assert "check the network and proxy settings" in str(told.value)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("status", "kind"), [(403, PermanentExchangeError), (407, PermanentExchangeError), (503, TransientExchangeError)]
)
def test_proxy_that_does_not_let_through_is_named(
    monkeypatch: pytest.MonkeyPatch, client: HttpClient, status: int, kind: type[Exception]
) -> None:
    with recording() as (proxy, _):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        with pytest.raises(kind, match=f"the proxy of this machine: Tunnel connection failed: {status}"):
            client.get(f"https://answers-{status}.invalid/file", most_bytes=1)


def test_certificates_named_by_the_environment_are_the_only_trusted_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))

    with bounded_session() as session, pytest.raises(OSError, match=r"TLS CA certificate bundle.*missing\.pem"):
        fetch(session, "https://127.0.0.1:9/")


def test_redirects_are_nothing_for_this_session() -> None:
    with bounded_session() as session, pytest.raises(ValueError, match="allow_redirects=False"):
        session.get("http://127.0.0.1:9/")
