"""Printing candles, and looking at one before its hour is over."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klineforge.simulator.candles import printed, still_open, wire_fields
from klineforge.simulator.coins import COINS, POSITION
from klineforge.simulator.lifecycle import Hours, hour_number
from klineforge.simulator.market import Market

HOUR = hour_number(datetime(2024, 1, 20, 5, tzinfo=UTC))
MARKET = Market(3)


@given(units=st.integers(min_value=0, max_value=10**18))
def test_printed_any_amount_reads_back_exactly(units: int) -> None:
    whole, decimals = printed(units).split(".")
    assert len(decimals) == 8
    assert int(whole) * 10**8 + int(decimals) == units


def test_wire_fields_by_unit_give_milliseconds_or_microseconds() -> None:
    (candle,) = MARKET.candles("BTCUSDT", _one(HOUR))
    milliseconds, microseconds = wire_fields(candle, False), wire_fields(candle, True)
    assert len(milliseconds) == 12
    assert (milliseconds[0], milliseconds[6]) == (HOUR * 3_600_000, HOUR * 3_600_000 + 3_599_999)
    assert (microseconds[0], microseconds[6]) == (HOUR * 3_600_000_000, HOUR * 3_600_000_000 + 3_599_999_999)
    assert milliseconds[11] == "0"
    assert milliseconds[1:6] == microseconds[1:6]


@given(
    symbol=st.sampled_from(["BTCUSDT", "FTMBNB", "TRXUSDT"]),
    hour=st.integers(HOUR, HOUR + 300),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
)
def test_still_open_as_time_passes_grows_into_the_final_candle(symbol: str, hour: int, shares: list[float]) -> None:
    coin = COINS[POSITION[symbol]]
    (final,) = MARKET.candles(symbol, _one(hour))
    earlier, later = (still_open(final, coin, share) for share in shares)
    assert earlier.open == later.open == final.open
    assert earlier.high <= later.high <= final.high
    assert earlier.low >= later.low >= final.low
    for one in (earlier, later):
        assert one.low <= min(one.open, one.close) <= max(one.open, one.close) <= one.high
        assert 0 <= one.taker_buy_volume <= one.volume
        assert one.close % coin.tick == 0
    assert earlier.volume <= later.volume <= final.volume
    assert earlier.trades <= later.trades <= final.trades


@pytest.mark.parametrize("symbol", ["BTCUSDT", "FTMBNB"])
def test_still_open_at_the_end_of_the_hour_is_the_final_candle(symbol: str) -> None:
    for hour in range(HOUR, HOUR + 50):
        (final,) = MARKET.candles(symbol, _one(hour))
        assert still_open(final, COINS[POSITION[symbol]], 1.0) == final


def _one(hour: int) -> Hours:
    return np.array([hour], dtype=np.int64)
