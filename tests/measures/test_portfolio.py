"""Portfolio figures against plain loops and their own bounds."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klineforge.measures import portfolio

SEEDS = st.integers(0, 2**32 - 1)


def random_returns(seed: int, coins: int, hours: int = 60) -> np.ndarray:
    chance = np.random.default_rng(seed)
    market = chance.normal(size=(hours, 1))
    returns: np.ndarray = chance.normal(size=(hours, coins)) + market * chance.uniform(0, 2, coins)
    return returns * 0.01


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(2, 8))
def test_figures_of_pairs_equal_a_loop(seed: int, number: int) -> None:
    coins = [f"C{place}" for place in range(number)]
    matrix = np.corrcoef(random_returns(seed, number), rowvar=False)
    pairs = [(coins[a], coins[b], float(matrix[a, b])) for a, b in itertools.combinations(range(number), 2)]
    unknown = pairs[0] if number > 2 else None
    told = [(a, b, None if (a, b, value) == unknown else value) for a, b, value in pairs]
    known = [value for _, _, value in told if value is not None]
    full = portfolio.full_matrix(coins, told)
    assert portfolio.mean_correlation(full) == pytest.approx(sum(known) / len(known))
    assert portfolio.diversification_score(full) == pytest.approx(1 - sum(map(abs, known)) / len(known))
    highest = portfolio.max_correlation(full, coins)
    assert highest is not None
    assert highest.correlation == max(known)
    strong = [(a, b) for a, b, value in told if value is not None and abs(value) >= 0.5]
    assert {(edge.first, edge.second) for edge in portfolio.edges(full, coins, 0.5)} == set(strong)
    assert len(portfolio.edges(full, coins, -1.0)) == len(known)


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 8))
def test_risk_contributions_add_up_and_are_the_derivative_of_risk(seed: int, number: int) -> None:
    chance = np.random.default_rng(seed)
    weights = chance.uniform(0.1, 3, number)
    covariances = portfolio.covariance(random_returns(seed, number))
    assert covariances is not None
    shares = portfolio.risk_contributions(weights, covariances)
    assert shares is not None
    assert shares.sum() == pytest.approx(1.0)
    assert portfolio.risk_contributions(weights * 7, covariances) == pytest.approx(shares)
    weighed = weights / weights.sum()

    def risk(held: np.ndarray) -> float:
        return math.sqrt(float(held @ covariances @ held))

    step = 1e-6
    for coin in range(number):
        more = weighed.copy()
        more[coin] += step
        derivative = (risk(more) - risk(weighed)) / step
        assert shares[coin] == pytest.approx(weighed[coin] * derivative / risk(weighed), abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(2, 9))
def test_effective_bets_lie_between_one_and_the_coins(seed: int, number: int) -> None:
    bets = portfolio.effective_bets(np.corrcoef(random_returns(seed, number), rowvar=False))
    assert bets is not None
    assert 1 - 1e-9 <= bets <= number + 1e-9


def test_effective_bets_of_equal_and_of_unknown_coins() -> None:
    assert portfolio.effective_bets(np.ones((3, 3))) == pytest.approx(1.0)
    assert portfolio.effective_bets(np.array([[1.0, math.nan], [math.nan, 1.0]])) is None
    assert portfolio.effective_bets(np.zeros((2, 2))) is None
    assert portfolio.effective_bets(np.empty((0, 0))) is None


def test_clustered_order_puts_together_what_moves_together() -> None:
    groups = [0, 1, 0, 1, 0, 1]
    matrix = np.array([[1.0 if a == b else 0.9 if x == y else -0.1 for b, y in enumerate(groups)]
                       for a, x in enumerate(groups)])  # fmt: skip
    order = portfolio.clustered_order(matrix)
    assert sorted(order) == list(range(6))
    assert [groups[place] for place in order] in ([0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0])


def test_clustered_order_of_unknown_correlations_has_every_coin() -> None:
    assert sorted(portfolio.clustered_order(np.full((4, 4), math.nan))) == [0, 1, 2, 3]
    assert portfolio.clustered_order(np.eye(2)) == [0, 1]


def test_no_pairs_have_no_figures() -> None:
    alone = portfolio.full_matrix(["A"], [])
    assert portfolio.mean_correlation(alone) is None
    assert portfolio.diversification_score(alone) is None
    assert portfolio.max_correlation(alone, ["A"]) is None


def test_weights_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="at least zero"):
        portfolio.normalised_weights(np.array([1.0, -0.5]))
    with pytest.raises(ValueError, match="at least zero"):
        portfolio.concentration(np.array([math.nan]))
    assert portfolio.normalised_weights(np.zeros(3)) is None
    assert portfolio.concentration(np.zeros(3)) is None
    assert portfolio.risk_contributions(np.zeros(2), np.eye(2)) is None
    assert portfolio.risk_contributions(np.ones(2), np.zeros((2, 2))) is None


def test_covariance_is_over_the_hours_that_all_coins_have() -> None:
    returns = np.array([[0.1, 0.2], [math.nan, 5.0], [0.3, 0.1], [0.2, 0.4]])
    complete = returns[[0, 2, 3]]
    assert portfolio.covariance(returns) == pytest.approx(np.cov(complete, rowvar=False))
    assert portfolio.covariance(returns[:2]) is None
