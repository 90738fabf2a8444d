"""Range sets against plain sets of hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klineforge.domain.hours import (
    BEGINNING,
    FOREVER,
    HOUR,
    RangeSet,
    Span,
    coarsened,
    from_hours,
    in_whole,
    intersect,
    normalised,
    subtract,
    total_hours,
)

START = datetime(2021, 12, 31, tzinfo=UTC)
SPANS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 12)).map(
        lambda pair: Span(START + pair[0] * HOUR, START + (pair[0] + pair[1]) * HOUR)
    ),
    max_size=8,
)


def hours(spans: RangeSet) -> set[datetime]:
    return {span.start + number * HOUR for span in spans for number in range(span.hours)}


@given(SPANS, SPANS)
def test_range_sets_behave_like_sets_of_hours(one: list[Span], other: list[Span]) -> None:
    left, right = normalised(one), normalised(other)
    assert hours(subtract(left, right)) == hours(left) - hours(right)
    assert hours(intersect(left, right)) == hours(left) & hours(right)
    assert hours(normalised([*one, *other])) == hours(left) | hours(right)
    assert total_hours(left) == len(hours(left))
    assert from_hours(hours(left)) == left


@given(SPANS, st.integers(1, 4))
def test_coarsened_set_covers_the_original_with_few_spans(spans: list[Span], most: int) -> None:
    original = normalised(spans)
    covering = coarsened(original, most)
    assert len(covering) <= max(most, 0) or not original
    assert hours(original) <= hours(covering)
    assert normalised(covering) == covering


def test_span_widened_past_the_calendar_stays_inside_it() -> None:
    span = Span(START, START + HOUR).widened(back=timedelta.max, forward=timedelta.max)
    assert (span.start, span.end) == (BEGINNING, FOREVER)


def test_span_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="must end after it starts"):
        Span(START, START)


def test_span_of_naive_instants_is_refused() -> None:
    naive = START.replace(tzinfo=None)
    with pytest.raises(ValueError, match="needs UTC instants"):
        Span(naive, naive + HOUR)


@given(SPANS)
def test_whole_periods_hold_the_span_and_begin_and_end_where_the_calendar_does(spans: list[Span]) -> None:
    for span in spans:
        month, year = in_whole(span, "month"), in_whole(span, "year")
        assert year.start <= month.start <= span.start < span.end <= month.end <= year.end
        assert {month.start.day, month.end.day, year.start.day, year.end.day, year.start.month, year.end.month} == {1}
        assert month.start.month == span.start.month
        assert month.end - span.end < timedelta(days=31)
        assert in_whole(month, "month") == month


def test_time_without_end_stays_without_end() -> None:
    assert in_whole(Span(START, FOREVER), "year") == Span(datetime(2021, 1, 1, tzinfo=UTC), FOREVER)
