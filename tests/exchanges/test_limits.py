"""How Binance names its limits and what it has counted; anything that cannot be read says nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from faults.catalogue import case
from ingestion.fakes import FakeBinance, FakeClock, Reply, hours, utc
from ingestion.lake import market_of

from klineforge.domain.hours import Span
from klineforge.exchanges.binance.limits import DEFAULT_LIMITS, account_of, parse_rate_limits, read_usage
from klineforge.exchanges.binance.market import DIALECT
from klineforge.exchanges.binance.rest import RestClient
from klineforge.exchanges.budget import RAW_REQUESTS, REQUEST_WEIGHT, RateLimit
from klineforge.exchanges.http import HttpClient
from klineforge.exchanges.retry import RetryPolicy

NOW = utc("2021-03-10T12:00:15")
# As sent in 2026.
SENT = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
    {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200000},
    {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61000},
]


def limits_of(entries: Any) -> tuple[RateLimit, ...]:
    return parse_rate_limits(json.dumps({"rateLimits": entries, "symbols": []}).encode())


def test_limits_on_requests_are_read_and_those_on_orders_are_not() -> None:
    assert limits_of(SENT) == (RateLimit(REQUEST_WEIGHT, 60, 6000), RateLimit(RAW_REQUESTS, 300, 61_000))
    assert limits_of(SENT) == DEFAULT_LIMITS


@pytest.mark.parametrize(
    "entries",
    [
        None,
        "none",
        [7, None, []],
        [{**SENT[0], "interval": "FORTNIGHT"}],
        [{**SENT[0], "limit": 0}],
        [{**SENT[0], "limit": -1}],
        [{**SENT[0], "limit": True}],
        [{**SENT[0], "intervalNum": None}],
        [{"rateLimitType": "REQUEST_WEIGHT"}],
        [{**SENT[0], "rateLimitType": "CONNECTIONS"}],
    ],
)
def test_limits_that_cannot_be_read_are_left_out(entries: Any) -> None:
    assert limits_of(entries) == ()


@pytest.mark.parametrize(
    ("headers", "used"),
    [
        ({"X-MBX-USED-WEIGHT-1M": "5990"}, {60: 5990}),
        ({"x-mbx-used-weight-1m": " 7 ", "x-mbx-used-weight-2h": "9"}, {60: 7, 7200: 9}),
        ({"x-mbx-used-weight-1m": "-7"}, {}),
        ({"x-mbx-used-weight-1m": "many"}, {}),
        ({"x-mbx-used-weight-1m": "9" * 5000}, {}),
        ({"x-mbx-used-weight": "7", "x-mbx-order-count-1m": "3", "x-mbx-used-weight-1w": "3"}, {}),
    ],
)
def test_usage_is_read_from_headers_of_any_case(headers: dict[str, str], used: dict[int, int]) -> None:
    assert read_usage(headers) == used


def test_trading_hosts_share_an_account_and_others_have_their_own() -> None:
    shared = {account_of(f"{name}.binance.com") for name in ("api", "API", "api1", "api2", "api3", "api4", "api-gcp")}

    assert len(shared) == 1
    assert account_of("data-api.binance.vision") == "data-api.binance.vision"
    assert account_of("127.0.0.1:8080") != account_of("127.0.0.1:8081")
    assert account_of("api.binance.com.example.org") not in shared


@pytest.fixture
def exchange() -> Iterator[FakeBinance]:
    with FakeBinance(NOW) as server:
        server.trade("BTCUSDT", hours("2021-03-01", "2021-03-10"))
        yield server


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def rest(exchange: FakeBinance, clock: FakeClock) -> Iterator[RestClient]:
    http = HttpClient(DIALECT, policy=RetryPolicy(attempts=2), clock=clock, jitter=lambda: 1.0)
    yield RestClient(http, exchange.url)
    http.close()


def test_listing_sets_the_limits_that_candles_keep_to(
    exchange: FakeBinance, rest: RestClient, clock: FakeClock
) -> None:
    low = [{**SENT[0], "limit": 30}]  # 25 usable: the listing (20), two pages (2 each)
    exchange.faults["exchangeInfo"] = [Reply(body=json.dumps({"symbols": [], "rateLimits": low}).encode())]
    rest.listing(["BTCUSDT"])

    waits = []
    for _ in range(3):
        list(rest.pages("BTCUSDT", Span(utc("2021-03-01"), utc("2021-03-02"))))
        waits.append(sum(clock.sleeps))

    assert waits == [0, 0, 45.5]


@case("17")
def test_server_that_has_counted_nearly_all_is_asked_again_in_its_next_minute(
    exchange: FakeBinance, rest: RestClient, clock: FakeClock
) -> None:
    body = b'{"serverTime":1615377600000}'
    exchange.faults["/api/v3/time"] = [Reply(body=body, headers={"X-Mbx-Used-Weight-1m": "5990"}), Reply(body=body)]

    rest.server_time()
    rest.server_time()

    assert clock.sleeps == [45.5]


@pytest.mark.parametrize("machine_ahead", [-20, 0, 40])
def test_the_minute_is_that_of_the_exchange(exchange: FakeBinance, machine_ahead: int) -> None:
    market = market_of(exchange, None, [exchange.url], timedelta(seconds=machine_ahead))
    market.server_now()
    listing = Reply(body=b'{"symbols":[]}', headers={"X-MBX-USED-WEIGHT-1M": "5990"})
    exchange.faults["exchangeInfo"] = [listing]
    market.listing(["BTCUSDT"])
    before = market.local_now()

    market.listing(["BTCUSDT"])

    assert (market.local_now() - before).total_seconds() == 45.5
    market.close()
