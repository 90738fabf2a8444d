"""The other REST endpoints and the request weights (exchange-protocols §2.3, §2.4)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from klineforge.simulator.coins import SYMBOLS
from klineforge.simulator.rest import RestInterface


def info(rest: RestInterface, query: str, now: datetime) -> Any:
    return json.loads(rest.answer("/api/v3/exchangeInfo", query, {}, now).body)


def test_exchange_info_lists_all_coins_with_their_assets(rest: RestInterface, now: datetime) -> None:
    symbols = {entry["symbol"]: entry for entry in info(rest, "", now)["symbols"]}
    assert tuple(symbols) == SYMBOLS
    assert (symbols["FTMBNB"]["baseAsset"], symbols["FTMBNB"]["quoteAsset"]) == ("FTM", "BNB")
    assert {entry["filterType"] for entry in symbols["FTMBNB"]["filters"]} >= {"PRICE_FILTER", "LOT_SIZE", "NOTIONAL"}


def test_exchange_info_tells_its_time_and_limits(rest: RestInterface, now: datetime) -> None:
    answer = info(rest, "", now)
    assert answer["serverTime"] == int(now.timestamp() * 1000)
    assert {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000} in answer[
        "rateLimits"
    ]


def test_exchange_info_of_a_delisted_coin_says_break(rest: RestInterface, now: datetime) -> None:
    statuses = {entry["symbol"]: entry["status"] for entry in info(rest, "", now)["symbols"]}
    assert statuses.pop("MATICUSDT") == "BREAK"
    assert set(statuses.values()) == {"TRADING"}


def test_exchange_info_during_an_outage_says_halt(rest: RestInterface) -> None:
    answer = info(rest, "symbol=BTCUSDT", datetime(2026, 9, 21, 15, tzinfo=UTC))
    assert answer["symbols"][0]["status"] == "HALT"


def test_exchange_info_before_a_first_listing_does_not_know_the_coin(rest: RestInterface) -> None:
    assert "AVAXUSDT" not in {e["symbol"] for e in info(rest, "", datetime(2024, 8, 1, tzinfo=UTC))["symbols"]}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("symbol=BTCUSDT", ["BTCUSDT"]),
        (f"symbols={quote(json.dumps(['ETHUSDT', 'BTCUSDT']))}", ["ETHUSDT", "BTCUSDT"]),
        ("symbolStatus=BREAK", ["MATICUSDT"]),
        ("symbolStatus=HALT", []),
    ],
)
def test_exchange_info_with_a_filter_lists_those(
    rest: RestInterface, now: datetime, query: str, expected: list[str]
) -> None:
    assert [entry["symbol"] for entry in info(rest, query, now)["symbols"]] == expected


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("symbol=XYZUSDT", -1121),
        (f"symbols={quote(json.dumps(['BTCUSDT', 'XYZUSDT']))}", -1121),
        (f"symbols={quote(json.dumps(['BTCUSDT', 'BTCUSDT']))}", -1151),
        ("symbols=BTCUSDT", -1135),
        ("symbols=%7B%7D", -1135),
        ("symbolStatus=OPEN", -1122),
        ("symbol=BTCUSDT&symbolStatus=TRADING", -1128),
        ("symbol=btcusdt", -1100),
        ("coin=BTCUSDT", -1104),
    ],
)
def test_exchange_info_wrong_request_is_refused_with_binance_code(
    rest: RestInterface, now: datetime, query: str, code: int
) -> None:
    assert info(rest, query, now)["code"] == code


def test_time_tells_the_exchange_clock(rest: RestInterface, now: datetime) -> None:
    milliseconds = json.loads(rest.answer("/api/v3/time", "", {}, now).body)
    microseconds = json.loads(rest.answer("/api/v3/time", "", {"x-mbx-time-unit": "MICROSECOND"}, now).body)
    assert milliseconds == {"serverTime": int(now.timestamp()) * 1000}
    assert microseconds == {"serverTime": int(now.timestamp()) * 1_000_000}


def test_ping_answers_an_empty_object(rest: RestInterface, now: datetime) -> None:
    assert rest.answer("/api/v3/ping", "", {}, now).body == b"{}"


def test_unknown_endpoint_is_not_found(rest: RestInterface, now: datetime) -> None:
    assert rest.answer("/api/v3/depth", "symbol=BTCUSDT", {}, now).status == 404


def test_weight_adds_up_within_a_minute_and_restarts_with_the_next(rest: RestInterface, now: datetime) -> None:
    def used(path: str, at: datetime) -> str:
        return rest.answer(path, "", {}, at).headers["X-MBX-USED-WEIGHT-1M"]

    assert used("/api/v3/ping", now) == "1"
    assert used("/api/v3/exchangeInfo", now) == "21"
    assert used("/api/v3/klines", now + timedelta(seconds=59)) == "23"
    assert used("/api/v3/time", now + timedelta(seconds=60)) == "1"
