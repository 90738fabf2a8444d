"""What an investment would have become: one purchase or regular ones, of a coin or a basket, with fees.

Money is in the coins' quote asset. What is to be bought in an hour without a candle is bought at the close of the
coin's next one, and is cash until then; a coin that has no candle any more keeps its last price. Weights are those at
the purchase: nothing is rebalanced.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from klineforge.domain.writing import written
from klineforge.measures.portfolio import normalised_weights
from klineforge.measures.risk import HOURS_PER_YEAR, LEAST_FOR_A_YEAR, growth_rate, max_drawdown, underwater

Numbers = npt.NDArray[np.float64]

_STEEPEST: Final = 100.0
"""Logarithm of the factor of a year beyond which no rate is looked for."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is bought and when.

    Args:
        amount: All the money put in, in the quote asset, more than zero.
        weights: Share of each coin, in any scale, at least zero.
        every: Hours between purchases; None buys once, at the beginning. The amount is spread evenly over them.
        fee: Of each purchase, as a fraction; 0.001 is a tenth of a per cent.

    Raises:
        ValueError: When a value makes no sense.
    """

    amount: float
    weights: tuple[float, ...]
    every: int | None = None
    fee: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.amount) and self.amount > 0):
            raise ValueError(f"the amount is more than zero, found {self.amount}")
        if not 0 <= self.fee < 1:
            raise ValueError(f"a fee is a fraction from 0 to below 1, found {self.fee}")
        if self.every is not None and self.every < 1:
            raise ValueError(f"purchases are at least an hour apart, found {self.every}")
        if normalised_weights(np.array(self.weights, dtype=float)) is None:
            raise ValueError("at least one weight is more than zero")


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What became of a plan, hour by hour.

    Args:
        value: Value of what is held, cash that waits for a candle included; in the quote asset.
        contributed: Money put in so far.
        index: Growth of one unit of money that was in all the time; neither contributions nor fees move it.
        units: Of each coin held at the end, in its base asset.
        waiting: Cash of each coin that has not been spent in the end.
        fees: What went to the exchange; cash that waits has paid none.
        rate: Return of a year: compound growth of a single purchase, internal rate of return of regular ones. None
            below 30 days, or where no rate explains the result.
    """

    value: Numbers
    contributed: Numbers
    index: Numbers
    units: Numbers
    waiting: Numbers
    fees: float
    rate: float | None

    @property
    def final(self) -> float:
        """Value at the end."""
        return float(self.value[-1])

    @property
    def profit(self) -> float:
        """Final value less the money put in; negative is a loss."""
        return self.final - float(self.contributed[-1])

    @property
    def total_return(self) -> float:
        """Profit by the money put in, a fraction."""
        return self.profit / float(self.contributed[-1])

    @property
    def drawdown(self) -> Numbers:
        """How far each hour is below the highest before it, by the index; 0 or negative."""
        return underwater(self.index)

    @property
    def max_drawdown(self) -> float:
        """The deepest fall, a fraction at most zero."""
        return max_drawdown(self.index) or 0.0


def simulate(prices: Numbers, plan: Plan) -> Course:
    """Follow a plan through prices.

    Args:
        prices: Closing prices, one row per hour without a gap in time, one column per coin; not-a-number where the coin
            has no candle.
        plan: What to buy.

    Returns:
        One value per hour.

    Raises:
        ValueError: When there are no hours, or prices and weights do not belong together.
    """
    if prices.ndim != 2 or not len(prices):
        raise ValueError("there is no hour to invest in")
    hours, coins = prices.shape
    shares = normalised_weights(np.array(plan.weights, dtype=float))
    if shares is None or len(shares) != coins:
        raise ValueError(f"{len(plan.weights)} weights for {coins} coins")
    dates = np.arange(0, hours, plan.every) if plan.every else np.array([0])
    part = plan.amount / len(dates)
    paid = np.zeros(hours)
    paid[dates] = part
    fees, value = np.zeros(hours), np.zeros(hours)
    units, waiting = np.zeros(coins), np.zeros(coins)
    for coin in np.flatnonzero(shares):
        worth, units[coin], waiting[coin], spent = _one_coin(
            prices[:, coin], dates, part * float(shares[coin]), plan.fee
        )
        value += worth
        fees += spent * plan.fee
    return Course(
        value=value,
        contributed=np.cumsum(paid),
        index=_index(value, paid - fees),
        units=units,
        waiting=waiting,
        fees=(plan.amount - float(waiting.sum())) * plan.fee,
        rate=_rate(dates, part, value, plan),
    )


def story(coin: str, plan: Plan, course: Course, start: str, end: str, money: str) -> str:
    """The result in a sentence.

    Args:
        coin: What was bought, in print.
        plan: How.
        course: What became of it.
        start: When it began, in print.
        end: When it was valued, in print.
        money: The quote asset.
    """
    spent, worth = (f"{written(figure, 'number')} {money}" for figure in (plan.amount, course.final))
    how = f"in {coin} on {start}" if plan.every is None else f"in {coin} in equal parts from {start} on"
    change = written(course.total_return, "signed_percent")
    size = f"{written(abs(course.profit), 'number')} {money}"
    outcome = f"a net gain of {size}" if course.profit > 0 else f"a net loss of {size}"
    if written(course.profit, "number") in {"0.00", "-0.00"}:
        outcome = "neither a gain nor a loss"
    return f"Had you invested {spent} {how}, it would have been worth {worth} on {end} ({change}): {outcome}."


def _one_coin(
    prices: Numbers, dates: npt.NDArray[np.int64], money: float, fee: float
) -> tuple[Numbers, float, float, Numbers]:
    """Value per hour of one coin's purchases and waiting cash, units and cash in the end, and spending per hour."""
    traded = np.flatnonzero(np.isfinite(prices))
    places = np.searchsorted(traded, dates)
    done = places < len(traded)
    executed = traded[places[done]]
    units = np.zeros(len(prices))
    np.add.at(units, executed, money * (1 - fee) / prices[executed])
    cash = np.zeros(len(prices))
    np.add.at(cash, dates, money)
    spent = np.zeros(len(prices))
    np.add.at(spent, executed, money)
    cash -= spent
    last = np.maximum.accumulate(np.where(np.isfinite(prices), np.arange(len(prices)), -1))
    carried = np.where(last >= 0, prices[np.maximum(last, 0)], 0.0)
    held = np.cumsum(units)
    # What was spent and came back as cash to the last digit is nothing.
    waiting = np.where(np.cumsum(cash) < money * 1e-9, 0.0, np.cumsum(cash))
    return held * carried + waiting, float(held[-1]), float(waiting[-1]), spent


def _index(value: Numbers, paid: Numbers) -> Numbers:
    before = value[:-1]
    factors = np.divide(value[1:] - paid[1:], before, out=np.ones(len(before)), where=before > 0)
    return np.concatenate(([1.0], np.cumprod(factors)))


def _rate(dates: npt.NDArray[np.int64], part: float, value: Numbers, plan: Plan) -> float | None:
    end = len(value) - 1
    final = float(value[-1])
    if len(dates) == 1:
        return growth_rate(final / plan.amount, end)
    if end < LEAST_FOR_A_YEAR or final <= 0:
        return None
    from scipy.optimize import brentq

    years = (end - dates) / HOURS_PER_YEAR

    def missing(growth: float) -> float:
        # Above seven years the steepest rate has no number; infinite is steep enough.
        with np.errstate(over="ignore"):
            return float(np.sum(part * np.exp(growth * years))) - final

    if missing(-_STEEPEST) > 0 or missing(_STEEPEST) < 0:
        return None
    return math.expm1(float(brentq(missing, -_STEEPEST, _STEEPEST, xtol=1e-12, maxiter=500)))
