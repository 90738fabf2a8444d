"""The simulated market: repeatable, consistent, and loosely like a market."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest

from klineforge.errors import ConfigurationError
from klineforge.simulator.candles import Candle
from klineforge.simulator.coins import COINS, SYMBOLS
from klineforge.simulator.lifecycle import GENESIS, hour_number, traded_hours
from klineforge.simulator.market import Market

A_YEAR = (hour_number(datetime(2025, 10, 1, tzinfo=UTC)), hour_number(datetime(2026, 10, 1, tzinfo=UTC)))


def candles(market: Market, symbol: str, first: int, end: int) -> list[Candle]:
    return market.candles(symbol, traded_hours(symbol, first, end))


def log_returns(market: Market, symbol: str, first: int, end: int) -> np.ndarray:
    closes = np.array([candle.close for candle in candles(market, symbol, first, end)], dtype=np.float64)
    return np.diff(np.log(closes))


def test_market_same_seed_gives_the_same_candles() -> None:
    span = (hour_number(GENESIS), hour_number(GENESIS) + 2000)
    assert candles(Market(11), "SOLUSDT", *span) == candles(Market(11), "SOLUSDT", *span)


def test_market_other_seed_gives_other_candles() -> None:
    span = (hour_number(GENESIS), hour_number(GENESIS) + 10)
    assert candles(Market(11), "SOLUSDT", *span) != candles(Market(12), "SOLUSDT", *span)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "FTMBNB", "MATICUSDT"])
def test_market_simulated_further_keeps_every_earlier_candle(symbol: str) -> None:
    first, middle = hour_number(GENESIS), hour_number(datetime(2024, 7, 19, 13, tzinfo=UTC))
    far = Market(5)
    candles(far, symbol, first, hour_number(datetime(2026, 2, 1, tzinfo=UTC)))
    assert candles(far, symbol, first, middle) == candles(Market(5), symbol, first, middle)


def test_market_three_years_are_simulated_in_under_a_second_and_a_half() -> None:
    started = time.process_time()
    candles(Market(1), "BTCUSDT", hour_number(datetime(2026, 12, 31, tzinfo=UTC)), 500_000)
    assert time.process_time() - started < 1.5


def test_market_negative_seed_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="0 or more, found -1"):
        Market(-1)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_candles_of_every_coin_hold_together(market: Market, symbol: str) -> None:
    coin = COINS[SYMBOLS.index(symbol)]
    for candle in candles(market, symbol, *A_YEAR):
        assert 0 < candle.low <= min(candle.open, candle.close)
        assert candle.high >= max(candle.open, candle.close)
        assert 0 <= candle.taker_buy_volume <= candle.volume
        assert 0 <= candle.taker_buy_quote_volume <= candle.quote_volume
        assert (candle.trades > 0) == (candle.volume > 0)
        assert candle.volume % coin.lot == 0
        assert all(price % coin.tick == 0 for price in candle[1:5])
        if candle.volume:
            average = candle.quote_volume / candle.volume * 1e8
            assert candle.low * (1 - 1e-6) <= average <= candle.high * (1 + 1e-6)


def test_candles_in_a_row_open_where_the_last_one_closed(market: Market) -> None:
    chosen = candles(market, "ETHUSDT", A_YEAR[0], A_YEAR[0] + 500)
    assert all(later.open == earlier.close for earlier, later in pairwise(chosen))


def test_outage_last_candle_is_flat_empty_and_closes_before_it_opens(market: Market) -> None:
    halted = datetime(2026, 9, 21, 13, 47, 20, tzinfo=UTC)
    hour = hour_number(datetime(2026, 9, 21, 14, tzinfo=UTC))
    closes = set()
    for symbol in ("BTCUSDT", "ETHUSDT", "FTMBNB"):
        before, flat = candles(market, symbol, hour - 1, hour + 4)
        assert flat.open == flat.high == flat.low == flat.close == before.close
        assert flat.volume == flat.quote_volume == flat.trades == 0
        assert flat.close_time < flat.open_time
        assert 0 < flat.close_time - halted.timestamp() * 1e6 < 1e6
        closes.add(flat.close_time)
    assert len(closes) == 3


def test_market_bnb_quoted_coin_is_priced_in_bnb(market: Market) -> None:
    (ftm,) = candles(market, "FTMBNB", A_YEAR[0], A_YEAR[0] + 1)
    (bnb,) = candles(market, "BNBUSDT", A_YEAR[0], A_YEAR[0] + 1)
    assert 0.05 < (ftm.close / 1e8) * (bnb.close / 1e8) < 10


def test_market_coins_move_together_but_not_as_one(market: Market) -> None:
    always_listed = [symbol for symbol in SYMBOLS if symbol not in {"MATICUSDT", "AVAXUSDT", "FTMBNB"}]
    matrix = np.corrcoef([log_returns(market, symbol, *A_YEAR) for symbol in always_listed])
    pairs = matrix[np.triu_indices(len(always_listed), 1)]
    assert 0.35 < pairs.mean() < 0.8
    assert pairs.min() > 0.1
    assert pairs.max() < 0.95


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ADAUSDT", "FTMBNB"])
def test_market_volatility_clusters_and_has_fat_tails(market: Market, symbol: str) -> None:
    returns = log_returns(market, symbol, *A_YEAR)
    size = np.abs(returns) - np.abs(returns).mean()
    for lag in (1, 6, 24):
        assert (size[lag:] * size[:-lag]).mean() / size.var() > 0.03
    assert (returns**4).mean() / (returns**2).mean() ** 2 > 4
    assert abs((returns[1:] * returns[:-1]).mean() / returns.var()) < 0.08


def test_market_volume_follows_volatility(market: Market) -> None:
    chosen = candles(market, "BTCUSDT", *A_YEAR)
    moves = np.array([abs(candle.close / candle.open - 1) for candle in chosen])
    volumes = np.array([candle.volume for candle in chosen], dtype=np.float64)
    assert np.corrcoef(moves, volumes)[0, 1] > 0.3
