"""Ages of coins: a coin that lags is not an exchange that stands still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from klineforge.contracts.marts import MART_RETURNS_1H
from klineforge.contracts.silver import FACT_1H_KLINES
from klineforge.quality.checks import pairs_of_the_day
from klineforge.quality.finding import Finding
from klineforge.quality.freshness import coins_up_to_date, newest_row, rows_per_day

NOW = datetime(2026, 3, 1, 12, 10, tzinfo=UTC)
NEWEST = datetime(2026, 3, 1, 11, tzinfo=UTC)


def fact(**hours_old: int) -> pl.LazyFrame:
    """Candles of some coins, the newest of each so many hours before the newest there can be."""
    rows = [
        {"exchange": "binance", "coin": coin, "open_timestamp": NEWEST - timedelta(hours=age + step)}
        for coin, age in hours_old.items()
        for step in range(3)
    ]
    return pl.LazyFrame(rows, schema_overrides={"open_timestamp": pl.Datetime("us", "UTC")})


def asked(candles: pl.LazyFrame, **active: bool | None) -> dict[str, Finding]:
    """The two findings by rule; coins are active as said."""
    coins = pl.LazyFrame(
        [
            {"exchange": "binance", "coin": coin, "is_current": True, "is_active": is_active}
            for coin, is_active in active.items()
        ],
        schema_overrides={"is_active": pl.Boolean},
    )
    return {finding.rule: finding for finding in coins_up_to_date(candles, coins, NOW, 3)}


def test_fresh_coins_are_fresh() -> None:
    found = asked(fact(AAA=0, BBB=2), AAA=True, BBB=True)
    assert all(finding.holds and finding.checked == 2 for finding in found.values())


def test_where_all_are_late_alike_no_coin_lags() -> None:
    found = asked(fact(AAA=10, BBB=10), AAA=True, BBB=True)
    assert found["coins_up_to_date"].failed == 2
    assert "All coins of the exchange are late alike" in found["coins_up_to_date"].detail
    assert found["coins_alike"].holds


def test_where_one_is_late_it_lags() -> None:
    found = asked(fact(AAA=0, BBB=10), AAA=True, BBB=True)
    assert found["coins_alike"].sample[0]["coin"] == "BBB"
    assert "Other coins of the exchange are newer" in found["coins_up_to_date"].detail


@pytest.mark.parametrize("is_active", [False, True, None])
def test_coins_that_trade_no_more_are_not_late_and_unknown_ones_are_asked(is_active: bool | None) -> None:
    found = asked(fact(AAA=0, OLD=1000), AAA=True, OLD=is_active)
    assert found["coins_alike"].failed == (0 if is_active is False else 1)


def test_the_newest_row_is_told_by_the_contract() -> None:
    assert newest_row(fact(AAA=1), FACT_1H_KLINES, NOW).holds
    assert newest_row(fact(AAA=3), FACT_1H_KLINES, NOW).failed == 1
    assert newest_row(fact(AAA=0).filter(pl.lit(value=False)), FACT_1H_KLINES, NOW).failed == 1


def days(hours: dict[int, int]) -> pl.LazyFrame:
    """Rows of one coin: for each day before today, so many."""
    midnight = NOW.replace(hour=0, minute=0)
    rows = [
        {
            "exchange": "binance",
            "coin": "AAA",
            "open_timestamp": midnight - timedelta(days=day) + timedelta(minutes=30 * n),
        }
        for day, count in hours.items()
        for n in range(count)
    ]
    return pl.LazyFrame(rows, schema_overrides={"open_timestamp": pl.Datetime("us", "UTC")})


def test_a_day_has_no_more_rows_than_hours_and_about_as_many_as_usual() -> None:
    usual = dict.fromkeys(range(40), 24)
    sound = {one.rule: one.failed for one in rows_per_day(days(usual), MART_RETURNS_1H)}
    assert sound == {"rows_per_day": 0, "as_many_rows_as_usual": 0}
    crowded = {one.rule: one.failed for one in rows_per_day(days({**usual, 5: 25}), MART_RETURNS_1H)}
    assert crowded["rows_per_day"] == 1
    few = {one.rule: one for one in rows_per_day(days({**usual, 1: 3}), MART_RETURNS_1H)}
    assert few["as_many_rows_as_usual"].failed == 1
    assert "2026-02-28 has 3 rows, the 28 days before it 24 each" in few["as_many_rows_as_usual"].detail


def test_every_pair_has_its_turn() -> None:
    pairs = [("x", f"{one:02}", f"{two:02}") for one in range(8) for two in range(one + 1, 8)]
    seen = {pair for day in range(len(pairs)) for pair in pairs_of_the_day(pairs, 5, NOW + timedelta(days=day))}
    assert seen == set(pairs)
    assert pairs_of_the_day(pairs, None, NOW) == pairs
    assert pairs_of_the_day(pairs, 0, NOW) == []
    assert pairs_of_the_day([], 5, NOW) == []
