"""Hysteresis, cool-down and the bounded memory of edges."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from alerting.machine import HOUR, PERIOD, figures, fires, period_of
from hypothesis import given, settings
from hypothesis import strategies as st

from klineforge.alerting.edges import PERIOD_HOURS, read_from, rising_edges

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
Values = dict[datetime, float | None]


def hourly(*values: float | None, start: datetime = MONDAY) -> Values:
    return {start + number * HOUR: value for number, value in enumerate(values)}


def hours_fired(values: Values, above: float, rearm: float, cool_down: int) -> list[int]:
    fired = rising_edges(figures(values, above, rearm, cool_down))
    return [(hour - MONDAY) // HOUR for hour in fired["hour"]]


@pytest.mark.parametrize(
    ("values", "cool_down", "expected"),
    [
        ((1, 5, 6, 5, 1), 0, [1]),  # an edge, not a level
        ((5, 5, 1, 5), 0, [0, 3]),  # at the threshold counts; armed again below 2
        ((5, 2, 5, 3, 5), 0, [0]),  # at rearm is not below it: hysteresis
        ((5, 1.9, 5), 0, [0, 2]),  # just below
        ((5, 1, 5, 1, 5), 4, [0, 4]),  # silent for four hours, then at the very end of them
        ((5, 1, 5, 5, 5), 4, [0, 4]),  # armed and above when silence ends
        ((5, 1, 5, 3, 3, 5), 4, [0, 5]),  # in between when silence ends, above later
        ((5, 1, 5, 1, 1, 1), 4, [0]),  # what came and went in silence is not told
        ((5, None, 5, None, 1, None, 5), 0, [0, 6]),  # hours without a value change nothing
        ((1, math.nan, math.inf, 5), 0, [3]),  # neither do those whose value is no number
        ((1, 1, 1), 0, []),
        ((None, None), 0, []),
    ],
)
def test_rising_edges_hand_worked(values: tuple[float | None, ...], cool_down: int, expected: list[int]) -> None:
    assert hours_fired(hourly(*values), 5, 2, cool_down) == expected


def test_rising_edges_missing_hours_count_as_time_in_the_cool_down() -> None:
    values: Values = {MONDAY: 5.0, MONDAY + HOUR: 1.0, MONDAY + 9 * HOUR: 5.0}
    assert hours_fired(values, 5, 2, 8) == [0, 9]


def test_rising_edges_every_subject_has_a_machine_of_its_own() -> None:
    one, other = figures(hourly(5, 5), 5, 2, 0, "binance/A"), figures(hourly(1, 5), 5, 2, 0, "binance/B")
    fired = rising_edges(one.vstack(other))
    assert fired.select("subject", "hour").rows() == [("binance/A", MONDAY), ("binance/B", MONDAY + HOUR)]


def test_rising_edges_forget_what_lies_two_periods_back() -> None:
    begin = read_from(MONDAY) + PERIOD
    values: Values = {begin + number * HOUR: 3.0 for number in range(0, 3 * PERIOD_HOURS, 24)}
    values[begin] = 5.0
    last = max(values) + HOUR
    values[last] = 5.0
    assert period_of(last) >= period_of(begin) + 2
    assert rising_edges(figures(values, 5, 2, 0))["hour"].to_list() == [begin, last]


@st.composite
def histories(draw: st.DrawFn) -> Values:
    """Hours on both sides of turns of periods, some missing, some without a value."""
    count = draw(st.integers(1, 40))
    turn = read_from(MONDAY) + PERIOD
    steps = draw(st.lists(st.sampled_from([1, 1, 2, 5, 100, 300]), min_size=count, max_size=count))
    values = draw(st.lists(st.sampled_from([None, 1.0, 3.0, 5.0, 7.0]), min_size=count, max_size=count))
    hour = turn - draw(st.integers(0, 400)) * HOUR
    found: Values = {}
    for step, value in zip(steps, values, strict=True):
        hour += step * HOUR
        found[hour] = value
    return found


@settings(deadline=None)
@given(histories(), st.sampled_from([0, 1, 6, 24, 500]))
def test_rising_edges_are_those_of_the_plain_machine(values: Values, cool_down: int) -> None:
    fired = rising_edges(figures(values, 5, 2, cool_down))["hour"].to_list()
    assert fired == fires(values, 5, 2, cool_down)


@settings(deadline=None, max_examples=40)
@given(histories(), st.sampled_from([0, 1, 6, 24, 500]), st.integers(1, 48))
def test_rising_edges_hour_by_hour_are_those_of_a_replay(values: Values, cool_down: int, judged: int) -> None:
    replayed = rising_edges(figures(values, 5, 2, cool_down))["hour"].to_list()
    found: set[datetime] = set()
    for now in values:
        since = now - timedelta(hours=judged - 1)
        seen = {hour: value for hour, value in values.items() if read_from(since) <= hour <= now}
        run = rising_edges(figures(seen, 5, 2, cool_down))["hour"].to_list()
        assert [hour for hour in run if hour >= since] == [hour for hour in replayed if since <= hour <= now]
        found.update(hour for hour in run if hour >= since)
    assert sorted(found) == replayed
