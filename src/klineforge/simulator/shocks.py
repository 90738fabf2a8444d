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

from klineforge.simulator.coins import COINS, quote_matrix

Floats = NDArray[np.float64]

MARKET_VOLATILITY = 0.0042
"""Typical hourly standard deviation of the common return (fraction), about 40 % a year."""

PRICE_MEMORY = 0.99984
"""Share of its distance from the anchor that a log price keeps per hour: half of it is left after six months."""

ACTIVITY_MEMORY, ACTIVITY_UNREST = 0.93, 0.11
AFTERSHOCK = 0.7
BUSIEST_HOUR, SATURDAY = 15, 5
TAIL, FARTHEST = 5.0, 9.0

BETAS = np.array([coin.beta for coin in COINS])
OWN_VOLATILITIES = np.array([coin.own_volatility for coin in COINS])
TURNOVERS = np.array([coin.turnover for coin in COINS])
LOG_ANCHORS = np.log([coin.anchor for coin in COINS])

_QUOTED_IN = quote_matrix()


@dataclass(frozen=True, slots=True)
class ReturnKind:
    """Parameters of one source of returns.

    Args:
        memory: Share of its unrest that is left an hour later.
        unrest: Standard deviation of what is added to the log volatility each hour.
        jump_chance: Probability of a jump in an hour.
        jump_mean: Mean of a jump (fraction).
        jump_size: Standard deviation of a jump (fraction).
    """

    memory: float
    unrest: float
    jump_chance: float
    jump_mean: float
    jump_size: float


MARKET = ReturnKind(memory=0.985, unrest=0.10, jump_chance=1 / 900, jump_mean=-0.01, jump_size=0.03)
OWN = ReturnKind(memory=0.97, unrest=0.12, jump_chance=1 / 1500, jump_mean=0.005, jump_size=0.05)


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


@dataclass(frozen=True, slots=True)
class _Returns:
    values: Floats
    volatility: Floats
    unrest: Floats


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
    rhythm = daily_rhythm(hours)
    market = _returns(rng, state.market_unrest, rhythm * MARKET_VOLATILITY, MARKET)
    own = _returns(rng, state.own_unrest, rhythm * OWN_VOLATILITIES, OWN)
    shocks = BETAS * market.values + own.values
    deviation = first_order(state.deviation, PRICE_MEMORY, shocks)
    activity = first_order(state.activity, ACTIVITY_MEMORY, rng.normal(0, ACTIVITY_UNREST, shocks.shape))
    common_volatility = BETAS * market.volatility
    volatility = np.hypot(common_volatility, own.volatility)
    usdt_price = np.vstack([state.deviation, deviation]) + LOG_ANCHORS
    month = LatentMonth(
        log_price=usdt_price - usdt_price @ _QUOTED_IN,
        volatility=_pair_volatility(common_volatility, own.volatility),
        turnover=TURNOVERS * np.exp(_excitement(volatility, shocks) + activity),
        quote_price=np.exp(usdt_price[1:] @ _QUOTED_IN),
    )
    return month, MarketState(deviation[-1], market.unrest[-1], own.unrest[-1], activity[-1])


def _returns(rng: np.random.Generator, unrest_before: Floats, typical: Floats, kind: ReturnKind) -> _Returns:
    """Draw fat-tailed returns whose volatility wanders around ``typical`` and rises after a jump."""
    shape = (len(typical), len(unrest_before))
    jumped = rng.random(shape) < kind.jump_chance
    disturbance = rng.normal(0, kind.unrest, shape) + AFTERSHOCK * jumped
    unrest = first_order(unrest_before, kind.memory, disturbance)
    volatility = typical * np.exp(unrest)
    jumps = jumped * rng.normal(kind.jump_mean, kind.jump_size, shape)
    return _Returns(volatility * _fat_tailed(rng, shape) + jumps, volatility, unrest)


def _fat_tailed(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Student's t with unit variance, cut where no market would still be open."""
    scaled: Floats = np.clip(rng.standard_t(TAIL, shape) / np.sqrt(TAIL / (TAIL - 2)), -FARTHEST, FARTHEST)
    return scaled


def _pair_volatility(common: Floats, own: Floats) -> Floats:
    """Volatility in the quote asset: common parts cancel, coin-specific parts add up."""
    both = np.sqrt(own**2 + own**2 @ _QUOTED_IN)
    volatility: Floats = np.hypot(common - common @ _QUOTED_IN, both)
    return volatility


def _excitement(volatility: Floats, shocks: Floats) -> Floats:
    """Log of how much more than usual is traded, because the market is restless or the hour surprising."""
    usual = np.hypot(MARKET_VOLATILITY * BETAS, OWN_VOLATILITIES)
    surprise = np.minimum(np.abs(shocks) / volatility, 5.0)
    excitement: Floats = 1.1 * np.log(volatility / usual) + 0.3 * (surprise - 1)
    return excitement
