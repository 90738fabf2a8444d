"""The random part of the market: one month of latent prices, volatilities and activity for all coins.

A market return with stochastic volatility, coin-specific returns with their own, and rare jumps that also raise the
volatility after them. All recursions are first-order and linear, so a month is a handful of array operations. Months
are drawn one after another, each from its own generator, and hand their last state on: a month is a function of the
seed and of the months before it, never of how far the simulation goes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from klineforge.simulator.coins import COINS, numeraire

Floats = NDArray[np.float64]

MARKET_VOLATILITY = 0.0042
"""Typical hourly standard deviation of the common return (fraction), about 40 % a year."""

PRICE_MEMORY = 0.99984
"""Share of its distance from the anchor that a log price keeps per hour: half of it is left after six months."""

MARKET_MEMORY, MARKET_UNREST = 0.985, 0.10
OWN_MEMORY, OWN_UNREST = 0.97, 0.12
ACTIVITY_MEMORY, ACTIVITY_UNREST = 0.93, 0.11
AFTERSHOCK = 0.7
BUSIEST_HOUR, SATURDAY = 15, 5
TAIL, FARTHEST = 5.0, 9.0


@dataclass(frozen=True, slots=True)
class MarketState:
    """What one month hands to the next; each array has one value per coin.

    Args:
        deviation: Log distance of the base asset's USDT price from its anchor.
        market_unrest: Log of the common volatility over its typical value.
        own_unrest: Log of the coin-specific volatility over its typical value.
        activity: Log of the turnover over what volatility alone explains.
    """

    deviation: Floats
    market_unrest: Floats
    own_unrest: Floats
    activity: Floats

    @classmethod
    def at_genesis(cls) -> MarketState:
        """Every coin at its anchor, in a calm market."""
        return cls(np.zeros(len(COINS)), np.zeros(1), np.zeros(len(COINS)), np.zeros(len(COINS)))


@dataclass(frozen=True, slots=True)
class LatentMonth:
    """One month before it is cut into candles; arrays are hours by coins.

    Args:
        log_price: Log price in the quote asset at every hour's end, with the month's opening price as row 0.
        volatility: Standard deviation of the hour's return (fraction).
        turnover: Value traded in the hour, in USDT.
        quote_price: Price of one unit of the quote asset in USDT.
    """

    log_price: Floats
    volatility: Floats
    turnover: Floats
    quote_price: Floats


def first_order(start: Floats, memory: float, shocks: Floats) -> Floats:
    """Path of ``x[t] = memory * x[t-1] + shocks[t]`` from ``x[-1] = start``, without a loop.

    >>> first_order(np.array([8.0]), 0.5, np.array([[0.0], [1.0]])).ravel().tolist()
    [4.0, 3.0]
    """
    weights = memory ** np.arange(1, len(shocks) + 1, dtype=np.float64)[:, None]
    path: Floats = weights * (start + np.cumsum(shocks / weights, axis=0))
    return path


def daily_rhythm(hours: NDArray[np.int64]) -> Floats:
    """Factor on volatility by hour of the day and weekend; busiest when America is awake, column vector."""
    busiest = np.cos(2 * np.pi * ((hours % 24) - BUSIEST_HOUR) / 24)
    weekend = ((hours // 24 + 3) % 7) >= SATURDAY
    factor: Floats = (1 + 0.22 * busiest) * np.where(weekend, 0.8, 1.0)
    return factor[:, None]


def draw_month(
    state: MarketState, rng: np.random.Generator, hours: NDArray[np.int64]
) -> tuple[LatentMonth, MarketState]:
    """Simulate the given consecutive hours from where the last month ended.

    Args:
        state: End of the month before.
        rng: The month's own generator.
        hours: Hour numbers of the month.

    Returns:
        The month, and the state at its end.
    """
    shape = (len(hours), len(COINS))
    betas = np.array([coin.beta for coin in COINS])
    typical = np.array([coin.own_volatility for coin in COINS])
    rhythm = daily_rhythm(hours)

    panic = rng.random((shape[0], 1)) < 1 / 900
    market_unrest = first_order(
        state.market_unrest, MARKET_MEMORY, rng.normal(0, MARKET_UNREST, (shape[0], 1)) + AFTERSHOCK * panic
    )
    market_volatility = MARKET_VOLATILITY * rhythm * np.exp(market_unrest)
    market = market_volatility * _fat_tailed(rng, (shape[0], 1)) + panic * rng.normal(-0.01, 0.03, (shape[0], 1))

    news = rng.random(shape) < 1 / 1500
    own_unrest = first_order(state.own_unrest, OWN_MEMORY, rng.normal(0, OWN_UNREST, shape) + AFTERSHOCK * news)
    own_volatility = typical * rhythm * np.exp(own_unrest)
    own = own_volatility * _fat_tailed(rng, shape) + news * rng.normal(0.005, 0.05, shape)

    shocks = betas * market + own
    deviation = first_order(state.deviation, PRICE_MEMORY, shocks)
    activity = first_order(state.activity, ACTIVITY_MEMORY, rng.normal(0, ACTIVITY_UNREST, shape))
    month = _in_quote_assets(
        np.vstack([state.deviation, deviation]), betas * market_volatility, own_volatility, activity, shocks
    )
    return month, MarketState(deviation[-1], market_unrest[-1], own_unrest[-1], activity[-1])


def _fat_tailed(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    scaled: Floats = np.clip(rng.standard_t(TAIL, shape) / np.sqrt(TAIL / (TAIL - 2)), -FARTHEST, FARTHEST)
    return scaled


def _in_quote_assets(
    deviation: Floats, market_part: Floats, own_volatility: Floats, activity: Floats, shocks: Floats
) -> LatentMonth:
    """Express every coin in its own quote asset: a cross pair moves with the difference of its two assets."""
    usdt = deviation + np.log([coin.anchor for coin in COINS])
    log_price, common, own = usdt.copy(), market_part.copy(), own_volatility.copy()
    quote_price = np.ones_like(shocks)
    for position, coin in enumerate(COINS):
        quote = numeraire(coin)
        if quote is not None:
            log_price[:, position] -= usdt[:, quote]
            common[:, position] -= market_part[:, quote]
            own[:, position] = np.hypot(own_volatility[:, position], own_volatility[:, quote])
            quote_price[:, position] = np.exp(usdt[1:, quote])
    typical = np.hypot(
        MARKET_VOLATILITY * np.array([coin.beta for coin in COINS]), [coin.own_volatility for coin in COINS]
    )
    unrest = np.log(np.hypot(market_part, own_volatility) / typical)
    surprise = np.abs(shocks) / np.hypot(market_part, own_volatility)
    turnover = np.array([coin.turnover for coin in COINS]) * np.exp(
        1.1 * unrest + 0.3 * np.minimum(surprise, 5.0) - 0.3 + activity
    )
    return LatentMonth(log_price, np.hypot(common, own), turnover, quote_price)
