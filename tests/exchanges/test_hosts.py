"""Hosts that block, ban or fail: how long they are left alone, who asks first afterwards, and who is asked instead."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from faults.catalogue import case
from ingestion.fakes import FakeBinance, FakeClock, Reply, hours, utc

from klineforge.domain.hours import Span
from klineforge.errors import ExchangeError, MalformedPayloadError, PermanentExchangeError, TransientExchangeError
from klineforge.exchanges.binance.market import DIALECT
from klineforge.exchanges.binance.parse import parse_server_time
from klineforge.exchanges.binance.rest import RestClient
from klineforge.exchanges.dialect import Subject
from klineforge.exchanges.failures import BannedError, GivenUp, RejectedRequestError
from klineforge.exchanges.hosts import LEFT_ALONE_SECONDS, TRIAL_POLL_SECONDS, HostGates
from klineforge.exchanges.http import HttpClient
from klineforge.exchanges.retry import RetryPolicy, Trouble
from klineforge.exchanges.transport import Answer

NOW = utc("2021-03-10T12:00:15")
GOOD = Reply(body=b'{"serverTime":1615377600000}')
TIME = "/api/v3/time"
NOBODY = "http://127.0.0.1:9"
REASON = GivenUp(Trouble.BLOCKED, PermanentExchangeError("blocked"))


@pytest.fixture
def first() -> Iterator[FakeBinance]:
    with FakeBinance(NOW) as server:
        yield server


@pytest.fixture
def second() -> Iterator[FakeBinance]:
    with FakeBinance(NOW) as server:
        yield server


def ask(client: HttpClient, *urls: str) -> Answer:
    url, *others = (url + TIME for url in urls)
    return client.get(url, *others, most_bytes=10_000, subject=Subject("BTCUSDT"), check=parse_server_time)


def elsewhere(gates: HostGates, now: float) -> float:
    """What another thread is told at the gate."""
    told: list[float] = []
    thread = threading.Thread(target=lambda: told.append(gates.enter(["host"], now)))
    thread.start()
    thread.join()
    return told[0]


@case("13")
def test_firewall_is_left_alone_for_ten_minutes_and_then_asked_again(
    client: HttpClient, first: FakeBinance, clock: FakeClock
) -> None:
    first.faults["/"] = [Reply(403, b"<html>Request blocked</html>"), GOOD]
    for _ in range(3):
        with pytest.raises(
            PermanentExchangeError, match="refused: HTTP 403: .*left alone until 2021-03-10 12:10:15 UTC"
        ):
            ask(client, first.url)
        clock.epoch += 199
    assert len(first.requests) == 1

    clock.epoch += 3

    assert ask(client, first.url).status == 200


def test_firewall_that_still_blocks_is_left_alone_for_another_ten_minutes(
    client: HttpClient, first: FakeBinance, clock: FakeClock
) -> None:
    first.faults["/"] = [Reply(403, b"blocked")]
    for asked in (1, 1, 2, 2):
        with pytest.raises(PermanentExchangeError):
            ask(client, first.url)
        assert len(first.requests) == asked
        clock.epoch += LEFT_ALONE_SECONDS / 2


def test_gate_on_trial_lets_one_request_through_and_the_others_wait_for_its_outcome() -> None:
    gates = HostGates()
    gates.shut("host", 600.0, REASON)
    with pytest.raises(GivenUp, match="blocked"):
        gates.enter(["host"], 599.0)

    assert gates.enter(["host"], 600.0) == 0.0
    assert elsewhere(gates, 600.0) == TRIAL_POLL_SECONDS
    gates.leave(["host"], passed=False)
    assert elsewhere(gates, 601.0) == 0.0  # now the other thread tries
    assert gates.enter(["host"], 601.0) == TRIAL_POLL_SECONDS


def test_trial_that_ends_well_opens_the_gate_for_all() -> None:
    gates = HostGates()
    gates.pause("host", 120.0, trial=True)
    assert gates.enter(["host"], 20.0) == 100.0
    assert gates.enter(["host"], 120.0) == 0.0

    gates.leave(["host"], passed=True)

    assert [gates.enter(["host"], 121.0), elsewhere(gates, 121.0)] == [0.0, 0.0]


def test_late_good_answer_does_not_end_a_ban() -> None:
    gates = HostGates()
    gates.enter(["host"], 0.0)
    gates.pause("host", 120.0, trial=True)

    gates.leave(["host"], passed=True)

    assert gates.enter(["host"], 60.0) == 60.0
    assert gates.enter(["host"], 120.0) == 0.0
    assert elsewhere(gates, 120.0) == TRIAL_POLL_SECONDS


def test_ban_of_absurd_length_ends_after_three_days(client: HttpClient, first: FakeBinance) -> None:
    first.faults["/"] = [Reply(418, headers={"Retry-After": "9" * 400})]

    with pytest.raises(BannedError, match="banned this machine's address until 2021-03-13 12:00:15 UTC"):
        ask(client, first.url)


@case("12")
@pytest.mark.parametrize("machine_ahead", [-7200, 7200])
def test_end_of_a_ban_is_by_the_clock_of_the_exchange(
    client: HttpClient, first: FakeBinance, clock: FakeClock, machine_ahead: int
) -> None:
    until = int(NOW.timestamp() * 1000) + 200_000
    first.faults["/"] = [Reply(418, b'{"code":-1003,"msg":"IP banned until %d."}' % until), GOOD]
    clock.epoch += machine_ahead
    client.note_server_time(-machine_ahead)

    ask(client, first.url)

    assert clock.sleeps == [pytest.approx(200.0)]


@case("18")
@pytest.mark.parametrize(
    "fault",
    [
        Reply(503, b"<html>"),
        Reply(403, b"blocked"),
        Reply(451, b"restricted location"),
        Reply(200, b"<html>maintenance</html>"),
        Reply(cut=True),
    ],
    ids=["5xx", "firewall", "location", "no data", "broken off"],
)
def test_host_that_fails_is_left_for_the_next(
    client: HttpClient, first: FakeBinance, second: FakeBinance, fault: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    first.faults["/"] = [fault]

    for _ in range(3):
        assert ask(client, first.url, second.url).url == second.url + TIME

    assert len(first.requests) <= 3  # the attempts of the first request
    assert len(second.requests) == 3
    assert caplog.text.count("is asked last from now on") == 1


def test_host_that_failed_is_the_first_again_after_a_while(
    client: HttpClient, first: FakeBinance, second: FakeBinance, clock: FakeClock
) -> None:
    first.faults["/"] = [Reply(503), Reply(503), Reply(503), GOOD]
    ask(client, first.url, second.url)

    clock.epoch += LEFT_ALONE_SECONDS

    assert ask(client, first.url, second.url).url == first.url + TIME


def test_host_that_cannot_be_reached_is_left_for_the_next(client: HttpClient, second: FakeBinance) -> None:
    assert ask(client, NOBODY, second.url).url == second.url + TIME


def test_all_hosts_that_fail_are_named_with_their_reasons(
    client: HttpClient, first: FakeBinance, second: FakeBinance
) -> None:
    first.faults["/"] = [Reply(451, b'{"code":0,"msg":"restricted location"}')]
    second.faults["/"] = [Reply(502, b"<html>")]

    with pytest.raises(TransientExchangeError, match="BTCUSDT: none of the 3 hosts could deliver") as caught:
        ask(client, first.url, NOBODY, second.url)

    for part in (f"{first.url[7:]} refused: HTTP 451", "could not reach 127.0.0.1:9", f"{second.url[7:]}: the server"):
        assert part in str(caught.value)
    assert "data-api.binance.vision" in str(caught.value)
    assert "run again" in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(Reply(451), PermanentExchangeError), (Reply(200, b"<html>"), MalformedPayloadError)],
    ids=["refused", "unreadable"],
)
def test_hosts_that_all_fail_in_the_same_way_give_an_error_of_that_kind(
    client: HttpClient, first: FakeBinance, second: FakeBinance, fault: Reply, kind: type[ExchangeError]
) -> None:
    first.faults["/"] = second.faults["/"] = [fault]

    with pytest.raises(kind, match="none of the 2 hosts"):
        ask(client, first.url, second.url)


@case("18")
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Reply(400, b'{"code":-1121,"msg":"Invalid symbol."}'), RejectedRequestError),
        (Reply(429, headers={"Retry-After": "1"}), TransientExchangeError),
        (Reply(418, headers={"Retry-After": "86400"}), BannedError),
    ],
    ids=["wrong request", "too many requests", "banned"],
)
def test_wrong_requests_limits_and_bans_are_not_taken_to_another_host(
    client: HttpClient, first: FakeBinance, second: FakeBinance, fault: Reply, kind: type[ExchangeError]
) -> None:
    first.faults["/"] = [fault]

    with pytest.raises(kind):
        ask(client, first.url, second.url)

    assert second.requests == []


@case("18")
def test_hosts_of_one_account_wait_together(first: FakeBinance, second: FakeBinance, clock: FakeClock) -> None:
    dialect = replace(DIALECT, account_of=lambda _: "account")
    client = HttpClient(dialect, policy=RetryPolicy(attempts=1), clock=clock)
    first.faults["/"] = [Reply(429, headers={"Retry-After": "30"})]
    with pytest.raises(TransientExchangeError, match="too many requests: HTTP 429"):
        ask(client, first.url)

    assert ask(client, second.url).status == 200

    assert clock.sleeps == [30.0]
    client.close()


def test_candles_name_the_host_they_came_from(client: HttpClient, first: FakeBinance, second: FakeBinance) -> None:
    second.trade("BTCUSDT", hours("2021-03-01", "2021-03-02"))
    first.faults["/"] = [Reply(451)]
    rest = RestClient(client, first.url, second.url)

    (page,) = rest.pages("BTCUSDT", Span(utc("2021-03-01"), utc("2021-03-02")))
    rest.listing(["BTCUSDT"])

    assert page.records.num_rows == 24
    assert page.url.startswith(second.url + "/api/v3/klines?symbol=BTCUSDT&")
    assert rest.listing_url() == second.url + "/api/v3/exchangeInfo"
