"""The calendar of listings, delistings and outages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klineforge.simulator.coins import SYMBOLS
from klineforge.simulator.lifecycle import (
    GENESIS,
    ROTATION,
    hour_number,
    instant_of,
    is_halted,
    is_known,
    is_listed,
    listing_periods,
    traded_hours,
    trading_share,
)

YEAR = timedelta(days=365)
moments_of_a_demo = st.floats(0, 14 * 365).map(lambda days: datetime(2025, 8, 14, tzinfo=UTC) + timedelta(days=days))


def hours_between(symbol: str, start: datetime, end: datetime) -> list[int]:
    return traded_hours(symbol, hour_number(start), hour_number(end)).tolist()


@given(now=moments_of_a_demo)
def test_last_twelve_months_whenever_looked_at_hold_a_late_listing_and_a_delisting(now: datetime) -> None:
    # The demo begins with the first day of the month twelve months ago.
    window = (datetime(now.year - 1, now.month, 1, tzinfo=UTC), now)
    traded = {symbol: hours_between(symbol, *window) for symbol in SYMBOLS}
    full = traded["BTCUSDT"]
    late = [symbol for symbol in ROTATION if traded[symbol] and traded[symbol][0] > full[0]]
    ended = [symbol for symbol in ROTATION if traded[symbol] and traded[symbol][-1] < full[-1]]
    assert late
    assert ended
    for symbol in late:
        assert hour_number(window[0]) <= traded[symbol][0]
        assert not is_listed(symbol, instant_of(traded[symbol][0] - 1))


@given(now=moments_of_a_demo)
def test_last_twelve_months_whenever_looked_at_hold_an_outage_of_all_coins(now: datetime) -> None:
    start, end = hour_number(now - YEAR), hour_number(now)
    anybody = {hour for symbol in SYMBOLS for hour in traded_hours(symbol, start, end).tolist()}
    missing = len(set(range(start, end)) - anybody)
    assert 3 <= missing <= 9  # two outages of three hours; a third may touch the window's edge


def test_rotation_at_any_year_lists_one_of_the_two_coins() -> None:
    for year in range(2024, 2040):
        assert sum(is_listed(symbol, datetime(year, 12, 1, tzinfo=UTC)) for symbol in ROTATION) == 1


def test_listing_periods_over_the_years_are_a_year_apart_and_dated_like_a_rename() -> None:
    assert [str(period) for period in listing_periods("MATICUSDT", datetime(2026, 11, 1, tzinfo=UTC))] == [
        "2024-01-01 00:00..2024-08-10 03:00",
        "2025-08-13 10:00..2026-08-10 03:00",
    ]


def test_traded_hours_around_a_delisting_end_with_the_hour_before_it() -> None:
    hours = hours_between("MATICUSDT", datetime(2026, 8, 9, tzinfo=UTC), datetime(2026, 8, 12, tzinfo=UTC))
    assert instant_of(hours[-1]) == datetime(2026, 8, 10, 2, tzinfo=UTC)


def test_traded_hours_around_an_outage_lack_three_hours() -> None:
    day = datetime(2026, 9, 21, tzinfo=UTC)
    hours = hours_between("BTCUSDT", day, day + timedelta(days=1))
    assert [instant_of(hour).hour for hour in hours] == [*range(15), *range(18, 24)]


def test_traded_hours_before_the_market_began_are_none() -> None:
    assert hours_between("BTCUSDT", GENESIS - YEAR, GENESIS) == []


@pytest.mark.parametrize(
    ("clock", "halted"),
    [((13, 47, 19), False), ((13, 47, 20), True), ((17, 59, 59), True), ((18, 0, 0), False)],
)
def test_is_halted_on_an_outage_day_follows_the_clock(clock: tuple[int, int, int], halted: bool) -> None:
    assert is_halted(datetime(2026, 3, 21, *clock, tzinfo=UTC)) is halted


def test_trading_share_of_the_hour_a_halt_begins_in_is_cut() -> None:
    hour = hour_number(datetime(2026, 3, 21, 13, tzinfo=UTC))
    assert trading_share(hour) == pytest.approx((47 * 60 + 20) / 3600)
    assert trading_share(hour + 24) == 1.0


def test_is_known_before_the_first_listing_is_false_and_after_a_delisting_true() -> None:
    assert not is_known("AVAXUSDT", datetime(2024, 8, 13, 9, 59, tzinfo=UTC))
    assert is_known("AVAXUSDT", datetime(2024, 8, 13, 10, tzinfo=UTC))
    assert is_known("AVAXUSDT", datetime(2025, 12, 1, tzinfo=UTC))
    assert not is_known("XYZUSDT", datetime(2025, 12, 1, tzinfo=UTC))
