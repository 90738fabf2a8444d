"""Risk figures against empyrical, and against their definitions where it has others."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from klineforge.measures import risk

with warnings.catch_warnings():
    # What it imports for plotting and downloads warns of its own.
    warnings.simplefilter("ignore")
    import empyrical

# Returns in basis points: differences that are no more than rounding prove nothing.
RETURNS = arrays(np.int64, st.integers(30, 300), elements=st.integers(-2000, 2000)).map(lambda points: points / 10_000)
VALUES = arrays(np.float64, st.integers(1, 60), elements=st.sampled_from([math.nan, 1.0, 2.0, 3.0, 5.0, 8.0]))
YEAR = 8760


def close(ours: float | None, theirs: float) -> bool:
    return ours is not None and math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12)


@settings(max_examples=60, deadline=None)
@given(RETURNS)
def test_figures_of_returns_equal_empyrical(returns: np.ndarray) -> None:
    values = np.concatenate(([1.0], np.cumprod(1 + returns)))
    assert close(risk.annualised_volatility(returns), empyrical.annual_volatility(returns, annualization=YEAR))
    assert close(risk.value_at_risk(returns, 0.95), -empyrical.value_at_risk(returns, 0.05))
    assert close(risk.max_drawdown(values), empyrical.max_drawdown(pd.Series(returns)))
    if np.ptp(returns) > 0:
        assert close(risk.sharpe_ratio(returns), empyrical.sharpe_ratio(returns, annualization=YEAR))
        reference = np.roll(returns, 1) + np.linspace(0, 0.01, len(returns))
        assert math.isclose(risk.beta(returns, reference) or 0.0, empyrical.beta(returns, reference), abs_tol=1e-9)
    if (returns < 0).any():
        assert close(risk.sortino_ratio(returns), empyrical.sortino_ratio(returns, annualization=YEAR))
        # Long enough for a rate of a year; returns of per cents an hour have no number for one.
        small = np.tile(returns, 720 // len(returns) + 1) / 1000
        theirs = empyrical.calmar_ratio(pd.Series(small), annualization=YEAR)
        assert close(risk.calmar_ratio(np.concatenate(([1.0], np.cumprod(1 + small)))), theirs)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-0.2, 0.2), min_size=20, max_size=200, unique=True), st.sampled_from([0.95, 0.99]))
def test_conditional_value_at_risk_equals_empyrical_without_ties(returns: list[float], level: float) -> None:
    series = np.array(returns)
    theirs = -empyrical.conditional_value_at_risk(series, 1 - level)
    # Theirs takes a fixed number of returns; where the quantile falls between two of them, both take the same ones.
    place = (len(series) - 1) * (1 - level)
    if abs(place - round(place)) > 1e-9:
        assert close(risk.conditional_value_at_risk(series, level), theirs)


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_worst_drawdowns_are_the_falls_a_loop_finds(values: np.ndarray) -> None:
    found = risk.worst_drawdowns(values, most=99)
    assert {(fall.peak, fall.trough, fall.recovery) for fall in found} == _falls(values)
    assert [fall.depth for fall in found] == sorted(fall.depth for fall in found)
    assert all(fall.depth == values[fall.trough] / values[fall.peak] - 1 for fall in found)
    deepest = risk.max_drawdown(values)
    assert (deepest or 0.0) == (found[0].depth if found else 0.0)


def _falls(values: np.ndarray) -> set[tuple[int, int, int | None]]:
    known = [(place, value) for place, value in enumerate(values.tolist()) if not math.isnan(value)]
    falls: set[tuple[int, int, int | None]] = set()
    peak = trough = None
    for place, value in known:
        if peak is None or value >= peak[1]:
            if trough is not None and peak is not None:
                falls.add((peak[0], trough[0], place))
            peak, trough = (place, value), None
        elif trough is None or value < trough[1]:
            trough = (place, value)
    if trough is not None and peak is not None:
        falls.add((peak[0], trough[0], None))
    return falls


@pytest.mark.parametrize("returns", [[], [math.nan], [0.01]])
def test_figures_of_too_few_returns_are_none(returns: list[float]) -> None:
    series = np.array(returns, dtype=float)
    assert risk.annualised_volatility(series) is None
    assert risk.sharpe_ratio(series) is None
    assert risk.sortino_ratio(series) is None
    assert risk.beta(series, series) is None


def test_figures_of_returns_that_do_not_vary_are_none() -> None:
    flat = np.full(50, 0.001)
    assert risk.sharpe_ratio(flat) is None
    assert risk.sortino_ratio(flat) is None
    assert risk.beta(np.arange(50.0), flat) is None
    assert risk.calmar_ratio(np.array([1.0, 2.0, 3.0])) is None


def test_missing_hours_are_no_observations() -> None:
    returns = np.array([0.01, math.nan, -0.02, 0.03, math.nan])
    seen = np.array([0.01, -0.02, 0.03])
    assert risk.sharpe_ratio(returns) == risk.sharpe_ratio(seen)
    assert risk.value_at_risk(returns, 0.95) == risk.value_at_risk(seen, 0.95)
    assert risk.beta(returns, 2 * returns) == pytest.approx(0.5)


def test_growth_of_less_than_thirty_days_and_beyond_numbers_is_none() -> None:
    assert risk.growth_rate(1.5, 719) is None
    assert risk.growth_rate(1.5, 720) is not None
    assert risk.growth_rate(0.0, 9000) is None
    assert risk.growth_rate(1e99, 720) is None
    assert risk.growth_rate(2.0, 8760) == pytest.approx(1.0)
