"""The client against a server that misbehaves on request, with a clock that waits for nothing."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import timedelta

import pytest
from ingestion.fakes import FakeBinance, FakeClock, Reply, utc

from klineforge.errors import MalformedPayloadError, PermanentExchangeError, TransientExchangeError
from klineforge.exchanges.binance.parse import parse_klines_page, parse_server_time
from klineforge.exchanges.dialect import Subject
from klineforge.exchanges.failures import BannedError, GivenUp, RejectedRequestError
from klineforge.exchanges.hosts import GIVE_UP_AFTER, HostGates
from klineforge.exchanges.http import HttpClient
from klineforge.exchanges.retry import Trouble
from klineforge.exchanges.transport import Answer

NOW = utc("2021-03-10T12:00:15")
GOOD = Reply(body=b'{"serverTime":1615377600000}')
TIME = "/api/v3/time"


@pytest.fixture
def exchange() -> Iterator[FakeBinance]:
    with FakeBinance(NOW) as server:
        yield server


def ask(client: HttpClient, exchange: FakeBinance, path: str = TIME, most_bytes: int = 10_000) -> Answer:
    return client.get(exchange.url + path, most_bytes=most_bytes, subject=Subject("BTCUSDT", "some hours"))


def answers(exchange: FakeBinance, *replies: Reply) -> None:
    """Give these answers one after the other, the last one for ever."""
    exchange.faults["/"] = list(replies)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_trouble_is_retried_with_growing_waits(
    client: HttpClient, exchange: FakeBinance, clock: FakeClock, status: int
) -> None:
    answers(exchange, Reply(status, b"<html>bad gateway</html>"), Reply(status), GOOD)

    assert ask(client, exchange).body == GOOD.body
    assert clock.sleeps == [0.5, 1.0]


def test_server_trouble_that_stays_ends_in_an_error_with_coin_range_and_url(
    client: HttpClient, exchange: FakeBinance
) -> None:
    answers(exchange, Reply(503, b"<html>maintenance</html>"))

    with pytest.raises(
        TransientExchangeError, match=r"binance BTCUSDT some hours: .*after 3 attempts: HTTP 503: <html>.*\n.*/time\n"
    ):
        ask(client, exchange)
    assert len(exchange.requests) == 3


@pytest.mark.parametrize("code", [-1000, -1001, -1007, -1008])
def test_passing_error_codes_are_retried(client: HttpClient, exchange: FakeBinance, code: int) -> None:
    answers(exchange, Reply(400, b'{"code":%d,"msg":"busy"}' % code), GOOD)

    assert ask(client, exchange).status == 200


@pytest.mark.parametrize("code", [-1100, -1102, -1104, -1120, -1121, -9999])
def test_rejected_requests_are_not_retried_and_tell_their_code(
    client: HttpClient, exchange: FakeBinance, code: int
) -> None:
    answers(exchange, Reply(400, b'{"code":%d,"msg":"no"}' % code))

    with pytest.raises(RejectedRequestError, match=f"HTTP 400, code {code}: no") as caught:
        ask(client, exchange)
    assert caught.value.code == code
    assert len(exchange.requests) == 1


def test_busy_exchange_is_left_alone_for_as_long_as_it_asks(
    client: HttpClient, exchange: FakeBinance, clock: FakeClock
) -> None:
    answers(exchange, Reply(429, headers={"Retry-After": "7"}), GOOD)

    ask(client, exchange)

    assert clock.sleeps == [7.0]


@pytest.mark.parametrize(
    "header",
    [{}, {"Retry-After": "soon"}, {"Retry-After": "0"}, {"Retry-After": "-1"}],
    ids=["none", "no number", "no wait", "negative"],
)
def test_busy_exchange_that_does_not_say_how_long_is_asked_in_the_next_minute(
    client: HttpClient, exchange: FakeBinance, clock: FakeClock, header: dict[str, str]
) -> None:
    answers(exchange, Reply(429, headers=header), GOOD)

    ask(client, exchange)

    assert clock.sleeps == [45.0]


def test_busy_exchange_that_asks_for_an_absurd_wait_is_asked_after_the_longest_one(
    client: HttpClient, exchange: FakeBinance, clock: FakeClock
) -> None:
    answers(exchange, Reply(429, headers={"Retry-After": "9" * 400}), GOOD)

    ask(client, exchange)

    assert clock.sleeps == [client.policy.longest_wait]


def test_short_ban_is_waited_out(client: HttpClient, exchange: FakeBinance, clock: FakeClock) -> None:
    answers(exchange, Reply(418, headers={"Retry-After": "120"}), GOOD)

    ask(client, exchange)

    assert clock.sleeps == [120.0]


def test_long_ban_named_in_the_body_ends_all_requests_to_the_host(client: HttpClient, exchange: FakeBinance) -> None:
    until = int(NOW.timestamp() * 1000) + 3_600_000
    answers(exchange, Reply(418, b'{"code":-1003,"msg":"Way too much; IP banned until %d. Use the"}' % until))

    for _ in range(2):
        with pytest.raises(BannedError, match="until 2021-03-10 13:00:15 UTC.*\n.*\n.*run again after 2021") as caught:
            ask(client, exchange)
        assert caught.value.until == NOW + timedelta(hours=1)
    assert len(exchange.requests) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [(403, b"<html>Request blocked</html>"), (451, b'{"code":0,"msg":"restricted location"}'), (407, b"")],
)
def test_refusal_ends_all_requests_to_the_host(
    client: HttpClient, exchange: FakeBinance, status: int, body: bytes
) -> None:
    answers(exchange, Reply(status, body))

    for _ in range(2):
        with pytest.raises(PermanentExchangeError, match=f"refused: HTTP {status}.*\n.*\n.*data-api.binance.vision"):
            ask(client, exchange)
    assert len(exchange.requests) == 1


def test_answer_that_breaks_off_is_fetched_again(client: HttpClient, exchange: FakeBinance) -> None:
    answers(exchange, Reply(body=GOOD.body, cut=True), GOOD)

    assert ask(client, exchange).body == GOOD.body


def test_answer_whose_compression_lies_is_fetched_again(client: HttpClient, exchange: FakeBinance) -> None:
    lying = Reply(body=b"not gzip at all", headers={"Content-Encoding": "gzip"})
    packed = Reply(body=gzip.compress(GOOD.body), headers={"Content-Encoding": "gzip"})
    answers(exchange, lying, packed)

    assert ask(client, exchange).body == GOOD.body


def test_page_of_a_captive_portal_is_not_taken_for_data(client: HttpClient, exchange: FakeBinance) -> None:
    answers(exchange, Reply(200, b"<html>Please log in</html>"))

    with pytest.raises(MalformedPayloadError, match="expected a JSON array of klines, found '<html>Please log in"):
        client.get(exchange.url + TIME, most_bytes=1000, check=parse_klines_page)
    assert len(exchange.requests) == 3


def test_unreadable_answer_is_fetched_again(client: HttpClient, exchange: FakeBinance) -> None:
    answers(exchange, Reply(body=b'{"serverTi'), GOOD)

    answer = client.get(exchange.url + TIME, most_bytes=1000, check=parse_server_time)

    assert answer.body == GOOD.body


def test_oversized_answer_is_refused(client: HttpClient, exchange: FakeBinance) -> None:
    answers(exchange, Reply(body=b"x" * 200_000))

    with pytest.raises(PermanentExchangeError, match="larger than 1000 bytes"):
        ask(client, exchange, most_bytes=1000)


def test_redirect_on_the_same_host_is_followed(client: HttpClient, exchange: FakeBinance) -> None:
    answers(exchange, Reply(302, headers={"Location": "/elsewhere"}), GOOD)

    assert ask(client, exchange).body == GOOD.body
    assert exchange.requests == [TIME, "/elsewhere"]


@pytest.mark.parametrize("target", ["http://127.0.0.2:80/api", "//example.org/api", "https://example.org"])
def test_redirect_to_another_host_is_not_followed(client: HttpClient, exchange: FakeBinance, target: str) -> None:
    answers(exchange, Reply(301, headers={"Location": target}))

    with pytest.raises(PermanentExchangeError, match="redirected to another host .*, which is not followed"):
        ask(client, exchange)


def test_redirect_in_a_circle_ends(client: HttpClient, exchange: FakeBinance) -> None:
    answers(exchange, Reply(302, headers={"Location": TIME}))

    with pytest.raises(PermanentExchangeError, match="redirected more than 3 times"):
        ask(client, exchange)


def test_missing_file_is_an_answer_only_where_it_may_be(client: HttpClient, exchange: FakeBinance) -> None:
    answers(exchange, Reply(404, b"<Error><Code>NoSuchKey</Code></Error>"))

    assert client.get(exchange.url + "/data/x.zip", most_bytes=1000, may_be_missing=True).status == 404
    with pytest.raises(PermanentExchangeError, match="HTTP 404"):
        ask(client, exchange)


def test_host_that_never_answers_is_given_up_after_one_request(client: HttpClient, clock: FakeClock) -> None:
    for coin in ("BTCUSDT", "ETHUSDT"):
        with pytest.raises(TransientExchangeError, match="could not reach 127.0.0.1:9 after 3 attempts.*refused"):
            client.get("http://127.0.0.1:9/api/v3/time", most_bytes=10, subject=Subject(coin))
    assert clock.sleeps == [0.5, 1.0]


def test_host_that_answered_before_is_given_up_only_after_several_requests() -> None:
    gates, reason = HostGates(), GivenUp(Trouble.CONNECTION, TransientExchangeError("could not reach it"))
    gates.note_answer("host")
    for _ in range(GIVE_UP_AFTER - 1):
        gates.note_exhausted("host", 0.0, reason)
    assert gates.enter(["host"], 0.0) == 0.0

    gates.note_exhausted("host", 0.0, reason)

    with pytest.raises(GivenUp, match="could not reach it"):
        gates.enter(["host"], 0.0)
    assert gates.enter(["another"], 0.0) == 0.0


def test_stopped_client_sends_nothing(client: HttpClient, exchange: FakeBinance, clock: FakeClock) -> None:
    client.stop()

    with pytest.raises(TransientExchangeError, match="the run was stopped"):
        ask(client, exchange)
    assert exchange.requests == []
    assert clock.interrupted
