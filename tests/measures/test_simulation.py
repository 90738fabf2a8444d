"""Investments against a plain ledger."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klineforge.measures.simulation import Course, Plan, simulate, story

PRICE = st.one_of(st.just(math.nan), st.floats(0.5, 200))
MARKETS = st.integers(1, 3).flatmap(
    lambda coins: st.lists(st.tuples(*[PRICE] * coins), min_size=1, max_size=40).map(np.array)
)


def ledger(prices: np.ndarray, plan: Plan) -> tuple[list[float], list[float]]:
    """Value and units by a loop that keeps a book of what waits to be bought."""
    hours, coins = prices.shape
    weights = [weight / sum(plan.weights) for weight in plan.weights]
    dates = [hour for hour in range(hours) if hour == 0 or (plan.every and hour % plan.every == 0)]
    cash, units, last = [0.0] * coins, [0.0] * coins, [0.0] * coins
    values = []
    for hour in range(hours):
        for coin in range(coins):
            if hour in dates:
                cash[coin] += plan.amount / len(dates) * weights[coin]
            price = float(prices[hour, coin])
            if not math.isnan(price):
                units[coin] += cash[coin] * (1 - plan.fee) / price
                cash[coin], last[coin] = 0.0, price
        values.append(sum(held * price for held, price in zip(units, last, strict=True)) + sum(cash))
    return values, units


@settings(max_examples=150, deadline=None)
@given(MARKETS, st.data())
def test_course_equals_a_ledger(prices: np.ndarray, data: st.DataObject) -> None:
    weights = data.draw(st.tuples(*[st.sampled_from([0.0, 0.5, 1.0, 3.0])] * prices.shape[1]).filter(any))
    every = data.draw(st.sampled_from([None, 1, 7, 24]))
    plan = Plan(1000.0, weights, every, data.draw(st.sampled_from([0.0, 0.001, 0.25])))
    course = simulate(prices, plan)
    values, units = ledger(prices, plan)
    assert course.value == pytest.approx(values, rel=1e-9, abs=1e-6)
    assert course.units == pytest.approx(units, rel=1e-9)
    assert course.contributed[-1] == pytest.approx(1000.0)
    assert course.profit == pytest.approx(values[-1] - 1000.0, abs=1e-6)
    assert course.index[0] == 1.0
    assert course.max_drawdown <= 0


def flat(*prices: float) -> np.ndarray:
    return np.array(prices, dtype=float).reshape(-1, 1)


def test_single_purchase_grows_as_the_price_less_its_fee() -> None:
    prices = flat(*np.linspace(100, 200, 8761))
    course = simulate(prices, Plan(500.0, (1.0,), fee=0.01))
    assert course.final == pytest.approx(990.0)
    assert course.total_return == pytest.approx(0.98)
    assert course.rate == pytest.approx(0.98)
    assert course.drawdown.min() == 0


def test_regular_purchases_have_the_internal_rate_that_discounts_them_to_nothing() -> None:
    chance = np.random.default_rng(7)
    prices = flat(*(100 * np.exp(np.cumsum(chance.normal(0, 0.01, 5000)))))
    plan = Plan(1200.0, (1.0,), every=168, fee=0.001)
    course = simulate(prices, plan)
    assert course.rate is not None
    dates = range(0, 5000, 168)
    years = [(4999 - date) / 8760 for date in dates]
    grown = sum(1200.0 / len(years) * (1 + course.rate) ** year for year in years)
    assert grown == pytest.approx(course.final, rel=1e-9)


def test_contributions_do_not_hide_a_fall() -> None:
    course = simulate(flat(100, 50, 50, 100), Plan(400.0, (1.0,), every=1))
    assert course.max_drawdown == pytest.approx(-0.5)
    assert course.contributed.tolist() == [100, 200, 300, 400]


def test_coin_that_is_listed_later_is_bought_then_and_is_cash_until_then() -> None:
    course = simulate(flat(math.nan, math.nan, 10, 20), Plan(100.0, (1.0,)))
    assert course.value.tolist() == [100, 100, 100, 200]


def test_coin_that_is_never_listed_stays_cash() -> None:
    course = simulate(flat(math.nan, math.nan), Plan(100.0, (1.0,), fee=0.1))
    assert course.value.tolist() == [100, 100]
    assert course.units.tolist() == [0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"amount": 0.0}, "more than zero"),
        ({"amount": math.nan}, "more than zero"),
        ({"fee": 1.0}, "fee is a fraction"),
        ({"every": 0}, "at least an hour"),
        ({"weights": (0.0, 0.0)}, "at least one weight"),
        ({"weights": (-1.0, 2.0)}, "at least zero"),
    ],
)
def test_plan_that_makes_no_sense_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Plan(**{"amount": 1.0, "weights": (1.0,), **values})  # type: ignore[arg-type]


def test_nothing_to_invest_in_is_refused() -> None:
    with pytest.raises(ValueError, match="no hour"):
        simulate(np.empty((0, 1)), Plan(1.0, (1.0,)))
    with pytest.raises(ValueError, match="2 weights for 1 coins"):
        simulate(flat(1, 2), Plan(1.0, (1.0, 1.0)))


def told(*prices: float, plan: Plan | None = None) -> tuple[str, Course]:
    plan = plan or Plan(500.0, (1.0,))
    course = simulate(flat(*prices), plan)
    return story("ETH", plan, course, "2021-01-01", "2021-02-01", "USDT"), course


def test_story_of_a_gain_and_of_a_loss() -> None:
    assert told(100, 132.12)[0] == (
        "Had you invested 500.00 USDT in ETH on 2021-01-01, it would have been worth 660.60 USDT on 2021-02-01 "
        "(+32.12 %): a net gain of 160.60 USDT."
    )
    assert "(-50.00 %): a net loss of 250.00 USDT." in told(100, 50)[0]
    assert "neither a gain nor a loss" in told(100, 100)[0]
    assert "in equal parts from" in told(100, 100, plan=Plan(500.0, (1.0,), every=1))[0]


def test_fees_move_the_index_at_no_purchase() -> None:
    course = simulate(flat(10.0, 10.0, 10.0, 10.0), Plan(100.0, (1.0,), 1, 0.02))
    assert course.index.tolist() == pytest.approx([1.0] * 4)


def test_money_that_was_never_spent_waits_beside_the_units() -> None:
    course = simulate(np.array([[1.0, np.nan], [2.0, np.nan]]), Plan(100.0, (1.0, 1.0), None, 0.0))
    assert course.waiting.tolist() == [0.0, 50.0]
    assert course.value[-1] == pytest.approx(float(course.units @ [2.0, 0.0]) + course.waiting.sum())
