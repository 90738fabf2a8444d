"""The demo exchange over HTTP."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import requests

from klineforge.errors import ConfigurationError, EnvironmentProblem
from klineforge.simulator.server import DemoExchange

KEY = "/data/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2026-07.zip"


def test_exchange_download_matches_its_checksum(exchange: DemoExchange, http: requests.Session) -> None:
    body = http.get(exchange.archive_url + KEY, timeout=10).content
    checksum = http.get(exchange.archive_url + KEY + ".CHECKSUM", timeout=10).text
    assert checksum == f"{hashlib.sha256(body).hexdigest()}  BTCUSDT-1h-2026-07.zip"


def test_exchange_download_tells_length_age_and_etag(exchange: DemoExchange, http: requests.Session) -> None:
    answer = http.get(exchange.archive_url + KEY, timeout=10)
    assert answer.headers["Content-Length"] == str(len(answer.content))
    assert answer.headers["Last-Modified"] == "Mon, 03 Aug 2026 08:30:00 GMT"
    assert answer.headers["ETag"] == f'"{hashlib.md5(answer.content, usedforsecurity=False).hexdigest()}"'
    assert answer.headers["Date"] == "Sun, 22 Nov 2026 17:30:00 GMT"


def test_exchange_download_known_by_etag_is_not_sent_again(exchange: DemoExchange, http: requests.Session) -> None:
    etag = http.get(exchange.archive_url + KEY, timeout=10).headers["ETag"]
    again = http.get(exchange.archive_url + KEY, headers={"If-None-Match": etag}, timeout=10)
    assert (again.status_code, again.content) == (304, b"")
    assert http.get(exchange.rest_url + "/api/v3/ping", timeout=10).json() == {}


def test_exchange_head_gives_the_headers_alone(exchange: DemoExchange, http: requests.Session) -> None:
    whole, head = http.get(exchange.archive_url + KEY, timeout=10), http.head(exchange.archive_url + KEY, timeout=10)
    assert head.content == b""
    assert head.headers["Content-Length"] == whole.headers["Content-Length"]


@pytest.mark.parametrize("key", ["/data/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2026-11.zip", "/", "/data/../x"])
def test_exchange_missing_key_is_404_with_an_s3_body(exchange: DemoExchange, http: requests.Session, key: str) -> None:
    answer = http.get(exchange.archive_url + key, timeout=10)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/xml"
    assert "<Code>NoSuchKey</Code>" in answer.text


def test_exchange_rest_refusal_arrives_as_400(exchange: DemoExchange, http: requests.Session) -> None:
    answer = http.get(exchange.rest_url + "/api/v3/klines?symbol=XYZUSDT&interval=1h", timeout=10)
    assert answer.status_code == 400
    assert answer.json() == {"code": -1121, "msg": "Invalid symbol."}
    assert int(answer.headers["X-MBX-USED-WEIGHT-1M"]) >= 2


def test_exchange_time_unit_header_is_read_in_any_case(exchange: DemoExchange, http: requests.Session) -> None:
    answer = http.get(exchange.rest_url + "/api/v3/time", headers={"x-MBX-Time-Unit": "microsecond"}, timeout=10)
    assert len(str(answer.json()["serverTime"])) == 16


def test_exchange_post_is_not_answered_as_a_get(exchange: DemoExchange, http: requests.Session) -> None:
    assert http.post(exchange.rest_url + "/api/v3/ping", timeout=10).status_code == 501


def test_exchange_connection_is_kept_alive(exchange: DemoExchange, http: requests.Session) -> None:
    ports = set()
    for _ in range(3):
        with http.get(exchange.rest_url + "/api/v3/ping", stream=True, timeout=10) as answer:
            ports.add(answer.raw.connection.sock.getsockname()[1])
            answer.json()
    assert len(ports) == 1


def test_exchange_parallel_downloads_are_all_the_same(exchange: DemoExchange) -> None:
    url = exchange.archive_url + KEY.replace("BTCUSDT", "SOLUSDT")
    with ThreadPoolExecutor(8) as pool:
        bodies = set(pool.map(lambda _: requests.get(url, timeout=10).content, range(16)))
    assert len(bodies) == 1


def test_exchange_remembers_what_was_asked_for(http: requests.Session) -> None:
    with DemoExchange() as exchange:
        http.get(exchange.rest_url + "/api/v3/time?x=1", timeout=10)
        assert exchange.requests == ("/api/v3/time?x=1",)


def test_exchange_clock_decides_what_exists(http: requests.Session) -> None:
    moments = [datetime(2026, 8, 3, 8, 29, tzinfo=UTC), datetime(2026, 8, 3, 8, 30, tzinfo=UTC)]
    clock = iter(moments[:1] * 2 + moments[1:] * 2)  # each answer looks twice: what exists, and the Date header
    with DemoExchange(clock=lambda: next(clock)) as exchange:
        assert [http.get(exchange.archive_url + KEY, timeout=10).status_code for _ in moments] == [404, 200]


def test_exchange_ended_leaves_no_thread_and_no_listener(http: requests.Session) -> None:
    before = set(threading.enumerate())
    with DemoExchange() as exchange:
        url = exchange.rest_url + "/api/v3/ping"
        http.get(url, timeout=10)
        assert set(threading.enumerate()) - before
    assert set(threading.enumerate()) - before == set()
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=10)


def test_exchange_restarted_on_the_same_port_answers(http: requests.Session) -> None:
    with DemoExchange() as first:
        port = int(first.archive_url.rpartition(":")[2])
        http.get(first.rest_url + "/api/v3/ping", timeout=10)
    with DemoExchange(port=port) as second:
        assert second.archive_url == f"http://127.0.0.1:{port}"


def test_exchange_stopped_twice_is_harmless() -> None:
    exchange = DemoExchange()
    exchange.start()
    exchange.stop()
    exchange.stop()


def test_exchange_started_twice_is_refused() -> None:
    with DemoExchange() as exchange, pytest.raises(RuntimeError, match="already running"):
        exchange.start()


def test_exchange_on_a_taken_port_says_what_to_do(exchange: DemoExchange) -> None:
    port = int(exchange.archive_url.rpartition(":")[2])
    with (
        pytest.raises(EnvironmentProblem, match=rf"port {port} of 127\.0\.0\.1: .*in use[\s\S]*choose another port"),
        DemoExchange(port=port),
    ):
        pass


def test_exchange_on_an_impossible_port_says_what_to_do() -> None:
    with pytest.raises(EnvironmentProblem, match="port 70000"), DemoExchange(port=70_000):
        pass


def test_exchange_url_before_the_start_is_refused() -> None:
    with pytest.raises(RuntimeError, match="not running"):
        _ = DemoExchange().archive_url


def test_exchange_history_before_the_market_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="begins at 2024-01-01, found a history start of 2023-12-31 00:00"):
        DemoExchange(history_start=datetime(2023, 12, 31, tzinfo=UTC))
