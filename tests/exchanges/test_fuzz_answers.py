"""Whatever a server says, in headers and on the wire: a typed error or an answer, and no request to anybody else."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import requests
from exchanges.hostile import JSON, mutations_of, unhurried
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ingestion.fakes import FakeClock, utc

from klineforge.errors import ExchangeError
from klineforge.exchanges.binance.market import DIALECT
from klineforge.exchanges.clock import SystemClock
from klineforge.exchanges.deadline import bounded_session
from klineforge.exchanges.failures import AttemptFailed
from klineforge.exchanges.http import HttpClient
from klineforge.exchanges.retry import RetryPolicy, wait_asked
from klineforge.exchanges.transport import Answer, Limits, Transport
from klineforge.exchanges.verdict import LONGEST_BAN_SECONDS, Moment, judge

HOST = "http://127.0.0.1:9"
NOW = 1_700_000_000.0
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
ZIPPED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"hello" * 50, mtime=0)
HEADER_TEXTS = st.one_of(
    st.text(st.characters(max_codepoint=255), max_size=40),
    st.integers().map(str),
    mutations_of(b"Mon, 23 Nov 2026 01:17:43 GMT").map(lambda content: content.decode("latin-1")),
)


@unhurried
@given(st.sampled_from([403, 418, 429, 451, 500, 503, 302, 200, 404]), HEADER_TEXTS, JSON)
@example(429, "Mon, 01 Jan 2021 00:00:00 +99999999999999", None).via("a time zone beyond the calendar")
@example(418, "Mon, 1 Jan 2021 99999999999999999999:00:00", None)
@example(429, "9" * 5000, {"code": -1003, "msg": []})
@example(418, "", {"code": True, "msg": "banned until 9999999999999"})
def test_refusal_of_any_kind_is_judged(status: int, retry_after: str, body: object) -> None:
    text = json.dumps(body).encode()
    answer = Answer(HOST, status, {"retry-after": retry_after}, text)

    if status == 200:
        judge(answer, DIALECT, Moment(NOW), may_be_missing=False, check=None)
        return
    with pytest.raises(AttemptFailed) as failed:
        judge(answer, DIALECT, Moment(NOW), may_be_missing=False, check=None)
    assert failed.value.until is None or NOW <= failed.value.until <= NOW + LONGEST_BAN_SECONDS
    assert wait_asked(429, retry_after, None, NOW) >= 0


class _Redirecting(requests.Session):
    """Answers everything with the same redirect, and remembers where requests would really have gone."""

    def __init__(self, location: str) -> None:
        super().__init__()
        self.location = location
        self.hosts: set[str] = set()

    def get(self, url: str | bytes, **_: object) -> requests.Response:
        prepared = self.prepare_request(requests.Request("GET", url))
        self.hosts.add(urlsplit(str(prepared.url)).netloc)
        response = requests.Response()
        response.status_code = 302
        response.headers["Location"] = self.location
        response.raw = _NoBody()
        return response


class _NoBody:
    length_remaining = 0

    def read1(self, *_: object, **__: object) -> bytes:
        return b""

    def close(self) -> None:
        """Nothing is open."""

    release_conn = close


@unhurried
@given(
    st.one_of(
        st.lists(
            st.sampled_from(
                ["http:", "https:", "//", "/", "\\", "@", ":", "#", "?", "[", "]", "%2f", "..", "\t", " ", "evil.test",
                 "127.0.0.1:9", "127.0.0.1", "9", "\x00", "é", "ftp:", ";"]
            ),
            max_size=8,
        ).map("".join),
        st.text(st.characters(max_codepoint=255), max_size=30),
    )
)  # fmt: skip
@example("http://[::1").via("no address at all")
@example("//evil.test/x")
@example("http://127.0.0.1:9@evil.test/")
@example("http://127.0.0.1:9\\@evil.test/")
@example("https://127.0.0.1:9/")
@example("http:////evil.test")
def test_redirect_never_leads_to_another_host(location: str) -> None:
    session = _Redirecting(location)
    http = HttpClient(
        DIALECT,
        policy=RetryPolicy(attempts=1),
        clock=FakeClock(utc("2021-03-10")),
        session_factory=lambda: session,
    )

    with pytest.raises(ExchangeError):
        http.get(f"{HOST}/api", most_bytes=100)

    assert session.hosts == {"127.0.0.1:9"}


@contextmanager
def server(content: bytes) -> Iterator[str]:
    """A server that sends these bytes to whoever asks anything, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(65536)
                    connection.sendall(content)
                except OSError:
                    # The client has had enough.
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def fetched(url: str, most_bytes: int = 1000) -> Answer | None:
    """The answer; None when the attempt failed in a typed way."""
    transport = Transport(bounded_session, SystemClock(), Limits(connect=5, read=5, total=5))
    try:
        return transport.get(url, most_bytes)
    except AttemptFailed:
        return None
    finally:
        transport.close()


@settings(unhurried, max_examples=min(settings().max_examples, 300))
@given(mutations_of(ANSWER, CHUNKED, ZIPPED))
@example(b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n")
@example(b"HTTP/1.1 200 OK\r\nContent-Length: 5, 7\r\n\r\nhello")
@example(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello")
@example(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n")
@example(b"HTTP/1.1 200 OK\r\nContent-Encoding: " + b"gzip, " * 50 + b"gzip\r\n\r\nhello")
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 100_000 + b"\r\n")
def test_any_bytes_on_the_wire_are_an_answer_or_a_failed_attempt(content: bytes) -> None:
    with server(content) as url:
        answer = fetched(url)

    assert answer is None or len(answer.body) <= 1000


@pytest.mark.parametrize("status", [b"200 OK", b"302 Found\r\nLocation: /y", b"429 Too Many"])
def test_body_without_end_is_read_no_further_than_its_limit(status: bytes) -> None:
    sent = 0

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            nonlocal sent
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 " + status + b"\r\n\r\n")
                try:
                    while sent < 1 << 28:
                        sent += connection.send(b"x" * 65536)
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        assert fetched(f"http://127.0.0.1:{listener.getsockname()[1]}/x") is None
        thread.join()

    # The buffers of the two sockets hold some megabytes.
    assert sent < 1 << 26
