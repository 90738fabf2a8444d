"""Hourly candles joined into longer ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klineforge.serving.intervals import candles, last_of_each
from klineforge.serving.selection import INTERVALS, Interval

SUNDAY = datetime(2026, 3, 1, tzinfo=UTC)


def _hours(*rows: tuple[int, float, float, float, float, float]) -> pl.DataFrame:
    names = ("open_price", "high_price", "low_price", "close_price", "volume")
    return pl.DataFrame(
        [
            {"coin": "A", "open_timestamp": SUNDAY + timedelta(hours=hour), **dict(zip(names, row, strict=True))}
            for hour, *row in rows
        ],
        schema_overrides={"open_timestamp": pl.Datetime("us", "UTC")},
    )


def test_candles_of_four_hours_hold_first_open_extremes_last_close_and_sums() -> None:
    hourly = _hours(
        (0, 10, 12, 9, 11, 1),
        (1, 11, 15, 11, 12, 2),
        # Hour 2 is missing: the candle is made of three.
        (3, 12, 13, 7, 8, 3),
        (4, 8, 9, 8, 9, 4),
    )

    joined = candles(hourly, "4h")

    assert joined.drop("coin").rows() == [
        (SUNDAY, 10, 15, 7, 8, 6, 3),
        (SUNDAY + timedelta(hours=4), 8, 9, 8, 9, 4, 1),
    ]


@pytest.mark.parametrize(
    ("interval", "opened"),
    [
        ("1d", datetime(2026, 3, 1, tzinfo=UTC)),
        # Weeks begin on Monday, 23 February; months on their first day.
        ("1w", datetime(2026, 2, 23, tzinfo=UTC)),
        ("1M", datetime(2026, 3, 1, tzinfo=UTC)),
    ],
)
def test_candles_longer_than_a_day_open_where_the_calendar_says(interval: Interval, opened: datetime) -> None:
    assert candles(_hours((5, 1, 1, 1, 1, 1)), interval)["open_timestamp"].to_list() == [opened]


@given(st.lists(st.integers(0, 24 * 70), min_size=1, max_size=40, unique=True), st.sampled_from(INTERVALS))
def test_candles_of_any_hours_lose_no_volume_and_no_extreme(hours: list[int], interval: Interval) -> None:
    hourly = _hours(*((hour, 1.0, 2.0 + hour, 0.5, 1.5, float(hour)) for hour in sorted(hours)))

    joined = candles(hourly, interval)

    assert joined["hours"].sum() == len(hours)
    assert joined["volume"].sum() == sum(hours)
    assert joined["high_price"].max() == 2.0 + max(hours)
    assert joined["open_timestamp"].is_sorted()


def test_last_of_each_day_is_the_figure_of_its_last_hour() -> None:
    rows = _hours((22, 1, 1, 1, 5.0, 1), (23, 1, 1, 1, 6.0, 1), (24, 1, 1, 1, 7.0, 1))[
        "coin", "open_timestamp", "close_price"
    ]

    daily = last_of_each(rows, "1d")

    assert daily.rows() == [("A", SUNDAY, 6.0), ("A", SUNDAY + timedelta(days=1), 7.0)]
