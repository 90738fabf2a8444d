"""Eight threads with one client: what one of them learns holds for all, and together they keep to the limit."""

from __future__ import annotations

import logging

import pytest
from exchanges.virtual_time import Answer, SimulatedServer, VirtualClock
from faults.catalogue import case

from klineforge.errors import PermanentExchangeError
from klineforge.exchanges.binance.market import DIALECT
from klineforge.exchanges.failures import BannedError
from klineforge.exchanges.http import HttpClient
from klineforge.exchanges.retry import RetryPolicy

NOON = 1_615_377_600.0
THREADS = 8
LIMIT = 6000
HOSTS = ("https://api.binance.com", "https://api1.binance.com", "https://api-gcp.binance.com")


def client(clock: VirtualClock, server: SimulatedServer) -> HttpClient:
    return HttpClient(
        DIALECT, policy=RetryPolicy(attempts=3), clock=clock, session_factory=server.session, jitter=lambda: 1.0
    )


def test_threads_that_share_the_budget_are_never_refused(caplog: pytest.LogCaptureFixture) -> None:
    clock, used, statuses = VirtualClock(NOON + 5), dict[int, int](), list[int]()

    def answer(_: str, now: float) -> Answer:
        minute = int(now // 60)
        used[minute] = used.get(minute, 0) + 20
        statuses.append(429 if used[minute] > LIMIT else 200)
        return statuses[-1], {"X-mBx-UsEd-Weight-1M": str(used[minute])}, b"{}"

    http = client(clock, SimulatedServer(clock, answer))

    def work(number: int) -> None:
        for turn in range(50):
            http.get(HOSTS[(number + turn) % len(HOSTS)] + "/listing", most_bytes=100, weight=20)

    with caplog.at_level(logging.INFO):
        results = clock.run([lambda number=number: work(number) for number in range(THREADS)])

    assert results == [None] * THREADS
    assert statuses == [200] * THREADS * 50
    assert max(used.values()) <= 5100
    announced = [record.message for record in caplog.records if "going on in" in record.message]
    assert len(announced) == 1
    assert "of the 6000 requests (by weight) that" in announced[0]


def test_other_programs_of_this_address_are_made_room_for() -> None:
    clock, arrivals = VirtualClock(NOON + 20), list[float]()

    def answer(_: str, now: float) -> Answer:
        arrivals.append(now)
        return 200, {"x-mbx-used-weight-1m": "5990" if now < NOON + 60 else "2"}, b"{}"

    http = client(clock, SimulatedServer(clock, answer))

    clock.run([lambda: http.get(HOSTS[0] + "/a", most_bytes=100, weight=2)])
    clock.run([lambda: http.get(HOSTS[1] + "/a", most_bytes=100, weight=2)] * THREADS)

    assert [arrival < NOON + 60 for arrival in arrivals] == [True] + [False] * THREADS


@case("11")
def test_ban_stops_every_thread_and_then_one_request_goes_ahead(caplog: pytest.LogCaptureFixture) -> None:
    clock, arrivals = VirtualClock(NOON + 20), list[float]()

    def answer(_: str, now: float) -> Answer:
        arrivals.append(now)
        if len(arrivals) <= THREADS:
            return 418, {"Retry-After": "120"}, b'{"code":-1003,"msg":"Way too much request weight used"}'
        return 200, {}, b"{}"

    http = client(clock, SimulatedServer(clock, answer))

    results = clock.run(
        [lambda host=HOSTS[n % 3]: http.get(host + "/a", most_bytes=100, weight=2).status for n in range(THREADS)]
    )

    assert results == [200] * THREADS
    assert max(arrivals[:THREADS]) < NOON + 21  # those that were on their way
    probe, *others = arrivals[THREADS:]
    assert probe >= NOON + 20 + 120
    assert min(others) >= probe + 0.6  # after the answer to the probe
    assert caplog.text.count("asks to wait 120 s (HTTP 418, code -1003: Way too much") == 1


def test_long_ban_ends_every_request_of_the_account_and_says_when_to_run_again() -> None:
    clock, arrivals = VirtualClock(NOON), list[str]()

    def answer(path: str, _: float) -> Answer:
        arrivals.append(path)
        return 418, {"retry-after": "7200"}, b""

    http = client(clock, SimulatedServer(clock, answer))

    first = clock.run([lambda: http.get(HOSTS[0] + "/first", *HOSTS[1:], most_bytes=100, weight=2)])
    later = clock.run([lambda: http.get(HOSTS[1] + "/later", most_bytes=100, weight=2)] * THREADS)

    assert arrivals == ["/first"]
    for error in [*first, *later]:
        assert isinstance(error, BannedError)
        assert "run again after 2021-03-10 14:00:01 UTC; what was fetched so far is kept" in str(error)


def test_request_that_waits_for_the_budget_does_not_keep_a_host_on_trial() -> None:
    clock, arrivals = VirtualClock(NOON + 5), list[tuple[str, float]]()

    def answer(path: str, now: float) -> Answer:
        arrivals.append((path, now - NOON))
        used = {"X-MBX-USED-WEIGHT-1M": "5990"} if path == "/costly" else {}
        return 403 if path == "/blocked" else 200, used, b"{}"

    http = client(clock, SimulatedServer(clock, answer))

    def blocked_then_costly() -> None:
        with pytest.raises(PermanentExchangeError):
            http.get(HOSTS[0] + "/blocked", most_bytes=100)
        clock.sleep(600)
        http.get(HOSTS[1] + "/costly", most_bytes=100, weight=2)
        http.get(HOSTS[0] + "/weighed", most_bytes=100, weight=2)

    def free() -> None:
        clock.sleep(610)
        http.get(HOSTS[0] + "/free", most_bytes=100)

    assert clock.run([blocked_then_costly, free]) == [None, None]
    assert [path for path, _ in arrivals] == ["/blocked", "/costly", "/free", "/weighed"]
