"""The market in words, on both sides of every threshold."""

from __future__ import annotations

import statistics
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klineforge.measures.market import (
    activity,
    correlation_pressure,
    market_state,
    mover_signal,
    percentile_of_last,
    risk_state,
    trend,
    volatility_regimes,
)

NAN = np.nan
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "signal"),
    [
        (0.1, "Strong Bullish"),
        (0.0999, "Bullish"),
        (0.03, "Bullish"),
        (0.0299, "Weak Bullish"),
        (0.0, "Weak Bullish"),
        (-0.0299, "Weak Bearish"),
        (-0.03, "Bearish"),
        (-0.0999, "Bearish"),
        (-0.1, "Strong Bearish"),
        (None, None),
    ],
)
def test_mover_signal_bands(change: float | None, signal: str | None) -> None:
    frame = pl.DataFrame({"change": [change]}, schema={"change": pl.Float64})
    assert frame.select(mover_signal(pl.col("change"))).item() == signal


def test_trend_begins_at_an_efficiency() -> None:
    frame = pl.DataFrame({"e": [0.3, 0.3, 0.2999, None], "r": [0.0, -0.1, 0.5, 0.5]})
    assert frame.select(trend(pl.col("e"), pl.col("r"))).to_series().to_list() == [
        "Trending up",
        "Trending down",
        "Ranging",
        None,
    ]


def test_activity_bands() -> None:
    assert [activity(ratio) for ratio in (0.0, 1.5, 1.5001, 2.0, 2.0001, None)] == [
        "Normal",
        "Normal",
        "Elevated",
        "Elevated",
        "High",
        None,
    ]


@pytest.mark.parametrize(
    ("percentile", "correlation", "change", "state"),
    [
        (0.499, 0.599, -1.0, "Calm"),
        (0.5, 0.599, 1.0, "Transition"),
        (0.499, 0.6, 1.0, "Transition"),
        (0.5, 0.6, 0.0, "Risk-On"),
        (0.5, 0.6, -1e-9, "Risk-Off"),
        (None, 0.6, 0.0, None),
        (0.5, None, 0.0, None),
        (0.5, 0.6, None, None),
    ],
)
def test_market_state_by_two_thresholds_and_a_direction(
    percentile: float | None, correlation: float | None, change: float | None, state: str | None
) -> None:
    assert market_state(percentile, correlation, change) == state


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=20))
def test_percentile_counts_what_is_not_above(values: list[float | None]) -> None:
    there = [value for value in values if value is not None]
    last = values[-1] if values else None
    expected = None if last is None else sum(value <= last for value in there) / len(there)
    assert percentile_of_last(pl.Series(values, dtype=pl.Float64)) == expected


def test_correlation_pressure_leaves_the_coin_itself_out() -> None:
    matrix = np.array([[1, 0.8, NAN, NAN], [0.8, 1, -0.2, NAN], [NAN, -0.2, 1, NAN], [NAN] * 4])
    np.testing.assert_allclose(correlation_pressure(matrix), [0.8, 0.3, -0.2, NAN])


def test_volatility_regimes_are_those_of_a_median_over_time() -> None:
    random = np.random.default_rng(2)
    hours = [START + timedelta(hours=hour) for hour in range(3000) if hour % 7]
    values = [float(value) if index % 50 else None for index, value in enumerate(random.lognormal(0, 0.6, len(hours)))]
    found = volatility_regimes(pl.DataFrame({"open_timestamp": hours, "volatility": values}))
    for place in (*range(160, 180), *range(200, len(hours), 97)):
        window = [
            value
            for hour, value in zip(hours[: place + 1], values, strict=False)
            if value is not None and hour > hours[place] - timedelta(days=90)
        ]
        own, row = values[place], found.row(place, named=True)
        if own is None or len(window) < 168:
            assert (row["usual"], row["regime"]) == (None, None)
        else:
            assert row["usual"] == pytest.approx(statistics.median(window))
            assert row["regime"] == ("High" if own > 1.5 * statistics.median(window) else "Low")
    assert {"High", "Low"} <= set(found["regime"].drop_nulls())


def test_risk_is_high_by_either_and_unknown_without_both() -> None:
    frame = pl.DataFrame(
        {"d": [-0.5, -0.499, -0.499, None, None, -0.6, -0.1], "r": ["Low", "Low", "High", "High", None, None, None]}
    )
    states = frame.select(risk_state(pl.col("d"), pl.col("r"))).to_series()
    assert states.to_list() == ["High", "Low", "High", "High", None, "High", "Low"]
