"""The correlation kernel against two passes over every window of every pair."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klineforge.kernels.correlation import WINDOW, hourly_returns, rolling_correlations, two_passes

SERIES = st.lists(
    st.one_of(
        st.sampled_from([0.0, 0.01, -0.01, 0.5, -0.9, 1e-12]),
        # No return of a market is smaller; squares of much smaller numbers underflow in any method.
        st.floats(-0.1, 0.1).map(lambda value: round(value, 12)),
        st.just(float("nan")),
    ),
    min_size=WINDOW + 6,
    max_size=WINDOW + 6,
)


def oracle(one: np.ndarray, two: np.ndarray) -> float:
    """Correlation over the hours both have, with exact sums; NaN where a side does not vary."""
    pairs = [(x, y) for x, y in zip(one.tolist(), two.tolist(), strict=True) if not math.isnan(x) and not math.isnan(y)]
    if len({x for x, _ in pairs}) < 2 or len({y for _, y in pairs}) < 2:
        return float("nan")
    mean_x = math.fsum(x for x, _ in pairs) / len(pairs)
    mean_y = math.fsum(y for _, y in pairs) / len(pairs)
    spread_x = math.sqrt(math.fsum((x - mean_x) ** 2 for x, _ in pairs))
    spread_y = math.sqrt(math.fsum((y - mean_y) ** 2 for _, y in pairs))
    return math.fsum((x - mean_x) * (y - mean_y) for x, y in pairs) / (spread_x * spread_y)


def assert_two_passes(returns: np.ndarray, fewest: int) -> None:
    found = rolling_correlations(returns, fewest)
    hours, coins = returns.shape
    assert found.correlation.shape == found.observations.shape == (hours - WINDOW + 1, coins, coins)
    for hour in range(hours - WINDOW + 1):
        window = returns[hour : hour + WINDOW]
        for one in range(coins):
            for two in set(range(coins)) - {one}:
                count = int((~np.isnan(window[:, one]) & ~np.isnan(window[:, two])).sum())
                assert found.observations[hour, one, two] == count
                wanted = oracle(window[:, one], window[:, two]) if count >= fewest else float("nan")
                value = found.correlation[hour, one, two]
                assert np.isnan(value) == np.isnan(wanted)
                assert np.isnan(wanted) or value == pytest.approx(wanted, abs=1e-9)


@settings(max_examples=150, deadline=None)
@given(st.lists(SERIES, min_size=2, max_size=4), st.integers(2, 24))
def test_kernel_equals_two_passes_for_every_pair_and_hour(series: list[list[float]], fewest: int) -> None:
    assert_two_passes(np.array(series).T, fewest)


def test_kernel_equals_two_passes_where_coins_are_listed_late_leave_and_pause() -> None:
    generator = np.random.default_rng(3)
    returns = generator.normal(0, 0.01, (90, 6))
    returns[:30, 0] = np.nan  # listed late
    returns[50:, 1] = np.nan  # gone
    returns[40:44] = np.nan  # an outage of all
    returns[generator.random(90) < 0.2, 2] = np.nan  # holes
    returns[20:70, 3] = 0.004  # flat, with and without the outage in the window
    returns[60, 4] = 5e6  # one huge return among quiet ones
    assert_two_passes(returns, 8)


def test_a_window_that_a_huge_return_of_another_hour_left_ill_conditioned_is_computed_again() -> None:
    generator = np.random.default_rng(9)
    returns = generator.normal(0, 1e-4, (WINDOW, 2))
    returns[5, 0] = 1e6
    returns[5, 1] = np.nan  # the pair lacks the very hour that dominates the first coin's moments
    found = rolling_correlations(returns, 2).correlation[0, 0, 1]
    assert found == pytest.approx(oracle(returns[:, 0], returns[:, 1]), abs=1e-9)


def test_two_passes_gives_nothing_where_a_side_does_not_vary_or_hours_are_not_shared() -> None:
    nothing = float("nan")
    one = np.array([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0], [1.0, nothing, 3.0], [1.0, 2.0, nothing]])
    two = np.array([[2.0, 4.0, 6.0], [1.0, 2.0, 3.0], [nothing, 2.0, nothing], [2.0, 1.0, 7.0]])
    np.testing.assert_allclose(two_passes(one, two), [1.0, nothing, nothing, -1.0], atol=1e-15)


def test_returns_of_the_grid_are_missing_where_a_close_is() -> None:
    close = np.array([[1.0], [2.0], [np.nan], [4.0], [6.0]])
    np.testing.assert_array_equal(hourly_returns(close)[:, 0], [np.nan, 1.0, np.nan, np.nan, 0.5])
