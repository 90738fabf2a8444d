"""Scopes as values and as predicates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klineforge.domain.hours import FOREVER, HOUR, Span, normalised
from klineforge.domain.scope import Scope

START = datetime(2021, 12, 31, tzinfo=UTC)
COINS = ["BTCUSDT", "O'NEIL", "币安人生USDT"]


def span(first: int, hours: int) -> Span:
    return Span(START + first * HOUR, START + (first + hours) * HOUR)


RANGES = st.dictionaries(
    st.tuples(st.sampled_from(["binance", "bybit"]), st.sampled_from(COINS)),
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 5)), min_size=1, max_size=4).map(
        lambda pairs: normalised(span(first, hours) for first, hours in pairs)
    ),
    max_size=5,
)


def holds(scope: Scope, exchange: str, coin: str, moment: datetime) -> bool:
    return any(part.start <= moment < part.end for part in scope.ranges.get((exchange, coin), ()))


@given(RANGES)
def test_predicates_select_exactly_the_scope(ranges: dict[tuple[str, str], tuple[Span, ...]]) -> None:
    scope = Scope(("exchange", "coin"), ranges)
    rows = pl.DataFrame(
        [
            {"exchange": exchange, "coin": coin, "t": START + hour * HOUR, "year": (START + hour * HOUR).year}
            for exchange in ("binance", "bybit")
            for coin in COINS
            for hour in range(50)
        ]
    )
    wanted = [row for row in rows.rows() if holds(scope, row[0], row[1], row[2])]
    assert rows.filter(scope.polars("t")).rows() == wanted


@given(RANGES)
def test_planned_scope_covers_the_scope(ranges: dict[tuple[str, str], tuple[Span, ...]]) -> None:
    scope = Scope(("exchange", "coin"), ranges)
    planned = scope.planned(most=2)
    assert set(planned.ranges) == set(scope.ranges)
    for (exchange, coin), spans in scope.ranges.items():
        for part in spans:
            assert holds(planned, exchange, coin, part.start)
            assert holds(planned, exchange, coin, part.end - HOUR)


def test_sql_escapes_names_and_leaves_the_end_of_time_open() -> None:
    scope = Scope(("coin",), {("O'NEIL\\",): (Span(START, FOREVER),)})
    sql = scope.sql("t", year_column="year")
    assert "coin IN ('O\\'NEIL\\\\')" in sql
    assert "t >= TIMESTAMP'2021-12-31 00:00:00.000000Z'" in sql
    assert " < " not in sql
    assert "year BETWEEN 2021 AND 9999" in sql


def test_scopes_by_other_columns_are_not_joined() -> None:
    with pytest.raises(ValueError, match="cannot be joined"):
        Scope(("coin",), {}).union(Scope(("exchange",), {}))


def test_widened_scope_moves_both_ends() -> None:
    scope = Scope((), {(): (span(10, 1),)}).widened(timedelta(hours=2), timedelta(hours=3))
    assert scope.ranges == {(): (span(8, 6),)}


def test_hundreds_of_different_ranges_make_a_predicate_that_is_still_cheap() -> None:
    scope = Scope(("coin",), {(f"C{number:03d}",): (span(number, 1),) for number in range(600)})
    rows = pl.DataFrame({"coin": ["C000", "C599", "C599"], "t": [START, START, START + 599 * HOUR]})
    assert rows.filter(scope.polars("t")).rows() == [("C000", START), ("C599", START + 599 * HOUR)]
