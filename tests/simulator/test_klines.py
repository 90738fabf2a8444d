"""The REST interface's candles: one assertion per rule of exchange-protocols §2.2 and §2.4."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from klineforge.simulator.market import Market
from klineforge.simulator.rest import RestInterface

HOUR = 3_600_000
NOW = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)
OPEN = int(datetime(2026, 11, 22, 17, tzinfo=UTC).timestamp()) * 1000


def ask(rest: RestInterface, query: str, now: datetime = NOW, **headers: str) -> Any:
    reply = rest.answer("/api/v3/klines", query, {name.replace("_", "-"): text for name, text in headers.items()}, now)
    assert reply.status == (400 if b'"code"' in reply.body else 200)
    return json.loads(reply.body)


def opens(rest: RestInterface, query: str, now: datetime = NOW) -> list[int]:
    return [row[0] for row in ask(rest, query, now)]


def test_klines_without_bounds_give_the_latest_500_ascending(rest: RestInterface) -> None:
    assert opens(rest, "symbol=BTCUSDT&interval=1h") == [OPEN - HOUR * back for back in range(499, -1, -1)]


def test_klines_row_has_twelve_fields_in_binance_types(rest: RestInterface) -> None:
    (row,) = ask(rest, "symbol=BTCUSDT&interval=1h&limit=1")
    assert [type(field) for field in row] == [int, str, str, str, str, str, int, str, int, str, str, str]
    assert row[6] == row[0] + HOUR - 1
    assert row[11] == "0"


def test_klines_with_only_a_start_give_the_oldest_from_there(rest: RestInterface) -> None:
    assert opens(rest, f"symbol=BTCUSDT&interval=1h&startTime={OPEN - 100 * HOUR}&limit=2") == [
        OPEN - 100 * HOUR,
        OPEN - 99 * HOUR,
    ]


def test_klines_with_only_an_end_give_the_newest_up_to_there(rest: RestInterface) -> None:
    assert opens(rest, f"symbol=BTCUSDT&interval=1h&endTime={OPEN - 100 * HOUR}&limit=2") == [
        OPEN - 101 * HOUR,
        OPEN - 100 * HOUR,
    ]


def test_klines_bounds_are_inclusive_on_open_time(rest: RestInterface) -> None:
    query = f"symbol=BTCUSDT&interval=1h&startTime={OPEN - 5 * HOUR}&endTime={OPEN - 3 * HOUR}"
    assert opens(rest, query) == [OPEN - 5 * HOUR, OPEN - 4 * HOUR, OPEN - 3 * HOUR]


def test_klines_with_equal_bounds_give_that_candle(rest: RestInterface) -> None:
    assert opens(rest, f"symbol=BTCUSDT&interval=1h&startTime={OPEN - HOUR}&endTime={OPEN - HOUR}") == [OPEN - HOUR]


def test_klines_start_inside_an_hour_begin_with_the_next(rest: RestInterface) -> None:
    assert opens(rest, f"symbol=BTCUSDT&interval=1h&startTime={OPEN - 2 * HOUR + 1}&limit=1") == [OPEN - HOUR]


def test_klines_start_after_end_give_an_empty_list(rest: RestInterface) -> None:
    assert ask(rest, f"symbol=BTCUSDT&interval=1h&startTime={OPEN}&endTime={OPEN - HOUR}") == []


def test_klines_bounds_in_seconds_give_an_empty_list(rest: RestInterface) -> None:
    query = f"symbol=BTCUSDT&interval=1h&startTime={OPEN // 1000 - 36_000}&endTime={OPEN // 1000}"
    assert ask(rest, query) == []


def test_klines_bounds_in_microseconds_are_understood(rest: RestInterface) -> None:
    assert opens(rest, f"symbol=BTCUSDT&interval=1h&startTime={(OPEN - HOUR) * 1000}") == [OPEN - HOUR, OPEN]


def test_klines_of_the_future_are_none(rest: RestInterface) -> None:
    assert ask(rest, f"symbol=BTCUSDT&interval=1h&startTime={OPEN + 1}") == []
    assert ask(rest, f"symbol=BTCUSDT&interval=1h&startTime={10**19}") == []


def test_klines_limit_above_the_maximum_is_capped_silently(rest: RestInterface) -> None:
    assert len(ask(rest, "symbol=BTCUSDT&interval=1h&limit=1001")) == 1000


def test_klines_start_zero_limit_one_gives_the_first_candle_of_a_coin(rest: RestInterface) -> None:
    (first,) = opens(rest, "symbol=AVAXUSDT&interval=1h&startTime=0&limit=1")
    assert datetime.fromtimestamp(first / 1000, UTC) == datetime(2024, 8, 13, 10, tzinfo=UTC)


def test_klines_with_a_history_start_begin_there(market: Market) -> None:
    start = datetime(2026, 3, 3, 3, tzinfo=UTC)
    rest = RestInterface(market, history_start=start)
    assert opens(rest, "symbol=BTCUSDT&interval=1h&startTime=0&limit=1") == [int(start.timestamp()) * 1000]


def test_klines_of_a_delisted_coin_are_served_for_old_times_only(rest: RestInterface) -> None:
    delisted = int(datetime(2026, 8, 10, 3, tzinfo=UTC).timestamp()) * 1000
    assert opens(rest, "symbol=MATICUSDT&interval=1h&limit=1") == [delisted - HOUR]
    assert ask(rest, f"symbol=MATICUSDT&interval=1h&startTime={delisted}") == []


def test_klines_around_an_outage_skip_the_missing_hours(rest: RestInterface) -> None:
    noon = int(datetime(2026, 9, 21, 12, tzinfo=UTC).timestamp()) * 1000
    rows = ask(rest, f"symbol=BTCUSDT&interval=1h&startTime={noon}&limit=4")
    assert [(row[0] - noon) // HOUR for row in rows] == [0, 1, 2, 6]
    assert rows[2][6] < rows[2][0]


def test_klines_last_candle_is_open_and_grows_with_the_clock(rest: RestInterface) -> None:
    looks = [
        ask(rest, "symbol=ETHUSDT&interval=1h&limit=1", NOW.replace(minute=minute))[0] for minute in (1, 20, 40, 59)
    ]
    (final,) = ask(rest, f"symbol=ETHUSDT&interval=1h&startTime={OPEN}&limit=1", NOW + timedelta(hours=1))
    volumes = [float(row[5]) for row in (*looks, final)]
    assert volumes == sorted(volumes)
    assert len(set(volumes)) == len(volumes)
    assert len({row[4] for row in looks}) > 1
    assert {row[0] for row in looks} == {OPEN}
    assert all(row[6] == final[6] > NOW.timestamp() * 1000 for row in looks)


def test_klines_closed_candles_do_not_change_with_the_clock(rest: RestInterface) -> None:
    query = f"symbol=ETHUSDT&interval=1h&startTime={OPEN - 50 * HOUR}&endTime={OPEN - HOUR}"
    assert ask(rest, query) == ask(rest, query, NOW + timedelta(days=40))


def test_klines_and_archive_times_in_microseconds_on_request(rest: RestInterface) -> None:
    (row,) = ask(rest, "symbol=BTCUSDT&interval=1h&limit=1", x_mbx_time_unit="MICROSECOND")
    assert row[0] == OPEN * 1000
    assert row[6] == (OPEN + HOUR) * 1000 - 1


def test_klines_unknown_time_unit_is_refused(rest: RestInterface) -> None:
    assert ask(rest, "symbol=BTCUSDT&interval=1h", x_mbx_time_unit="SECOND")["code"] == -1194


def test_klines_whole_hour_time_zone_changes_nothing(rest: RestInterface) -> None:
    assert ask(rest, "symbol=BTCUSDT&interval=1h&timeZone=8&limit=3") == ask(rest, "symbol=BTCUSDT&interval=1h&limit=3")


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("symbol=XYZUSDT&interval=1h", {"code": -1121, "msg": "Invalid symbol."}),
        ("symbol=BTCUSDT&interval=1H", {"code": -1120, "msg": "Invalid interval."}),
        (
            "interval=1h",
            {"code": -1102, "msg": "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."},
        ),
        (
            "symbol=BTCUSDT",
            {"code": -1102, "msg": "Mandatory parameter 'interval' was not sent, was empty/null, or malformed."},
        ),
        (
            "symbol=BTCUSDT&interval=1h&from=1",
            {"code": -1104, "msg": "Not all sent parameters were read; read '2' parameter(s) but was sent '3'."},
        ),
        ("symbol=BTCUSDT&interval=1h&startTime=", {"code": -1105, "msg": "Parameter 'startTime' was empty."}),
        (
            "symbol=btcusdt&interval=1h",
            {
                "code": -1100,
                "msg": "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'.",
            },
        ),
        (
            "symbol=BTCUSDT&interval=1h&endTime=-5",
            {"code": -1100, "msg": "Illegal characters found in parameter 'endTime'; legal range is '^[0-9]{1,20}$'."},
        ),
        (
            "symbol=BTCUSDT&interval=1h&limit=5&limit=6",
            {"code": -1101, "msg": "Too many parameters; expected '1' and received '2'."},
        ),
        (
            "symbol=BTCUSDT&interval=1h&limit=0",
            {"code": -1130, "msg": "Data sent for parameter 'limit' is not valid."},
        ),
        (
            "symbol=BTCUSDT&interval=1h&timeZone=05:45",
            {"code": -1130, "msg": "Data sent for parameter 'timeZone' is not valid."},
        ),
    ],
)
def test_klines_wrong_request_is_refused_with_binance_code(
    rest: RestInterface, query: str, error: dict[str, Any]
) -> None:
    assert ask(rest, query) == error


def test_klines_of_a_coin_before_its_first_listing_are_an_unknown_symbol(rest: RestInterface) -> None:
    assert ask(rest, "symbol=AVAXUSDT&interval=1h", datetime(2024, 8, 1, tzinfo=UTC))["code"] == -1121


def test_klines_of_days_are_made_of_their_hours(rest: RestInterface) -> None:
    day = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp()) * 1000
    hours = ask(rest, f"symbol=BTCUSDT&interval=1h&startTime={day}&endTime={day + 24 * HOUR - 1}")
    (whole,) = ask(rest, f"symbol=BTCUSDT&interval=1d&startTime={day}&endTime={day}")
    assert (whole[0], whole[6]) == (day, day + 24 * HOUR - 1)
    assert (whole[1], whole[4]) == (hours[0][1], hours[-1][4])
    assert Decimal(whole[2]) == max(Decimal(row[2]) for row in hours)
    assert Decimal(whole[3]) == min(Decimal(row[3]) for row in hours)
    for position in (5, 7, 9, 10):
        assert Decimal(whole[position]) == sum(Decimal(row[position]) for row in hours)
    assert whole[8] == sum(row[8] for row in hours)


def test_klines_of_days_end_with_the_one_now_open_and_are_cut_like_hours(rest: RestInterface) -> None:
    today = int(datetime(2026, 11, 22, tzinfo=UTC).timestamp()) * 1000
    assert opens(rest, "symbol=BTCUSDT&interval=1d&limit=2") == [today - 24 * HOUR, today]
    from_start = f"symbol=BTCUSDT&interval=1d&startTime={today - 72 * HOUR + 1}&limit=2"
    assert opens(rest, from_start) == [today - 48 * HOUR, today - 24 * HOUR]
