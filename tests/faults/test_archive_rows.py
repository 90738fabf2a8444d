"""Cases of the rows in archive files: what is odd is kept as published, and told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import polars as pl
import pytest
from faults.brought import DAY, checkpoint, from_day, opened
from faults.catalogue import case
from faults.world import World

from klineforge.simulator.faults.fault import Fault


@case("52")
@pytest.mark.parametrize("form", ["header", "bom", "crlf", "blank", "all"])
def test_csv_in_another_dress_has_the_same_rows(world: World, form: str) -> None:
    world.inject(Fault("dress", form=form))

    run = world.run()

    assert run.spoilt("dress") == 10
    assert from_day(world).height == 24
    assert world.lake.table("klines")["malformed_record"].null_count() == world.lake.table("klines").height
    assert run.error is None
    world.recover()


@case("53")
def test_units_mixed_within_a_file_are_told_per_value(world: World) -> None:
    world.inject(Fault("unit", match=DAY))

    run = world.run()

    assert run.spoilt("unit") == 1
    assert from_day(world).filter(pl.col("open_time") > 10**15).height == 3
    assert run.error is None
    world.recover()


@case("53")
def test_row_outside_its_file_is_kept_for_quarantine_and_told(world: World) -> None:
    world.inject(Fault("stray", match=DAY, days=-400.0))

    run = world.run()

    assert run.spoilt("stray") == 1
    assert from_day(world).height == 25
    assert "1 records lie outside the file's period" in str(checkpoint(world)["message"])
    assert run.error is None
    best = world.best("BTCUSDT")
    assert {hour: row for hour, row in best.items() if hour >= world.start.timestamp() * 1000} == world.truth("BTCUSDT")


@case("54")
def test_repeated_rows_give_one_candle_per_hour_and_are_counted(world: World) -> None:
    world.inject(Fault("repeat", match=DAY, rows=3, copies=3))

    run = world.run()

    assert run.spoilt("repeat") == 1
    assert checkpoint(world)["row_count"] == 30
    assert "6 records repeat an open time" in str(checkpoint(world)["message"])
    assert run.error is None
    world.recover()


@case("55")
def test_two_values_of_one_hour_are_both_kept_and_one_is_chosen_by_rule(world: World) -> None:
    world.inject(Fault("conflict", match=DAY, row=3))

    run = world.run()

    assert run.spoilt("conflict") == 1
    rows = from_day(world).filter(pl.col("open_time") == opened(3))
    assert rows["source_row"].to_list() == [3, 4]
    assert rows["volume"].n_unique() == 2
    assert "1 records repeat an open time" in str(checkpoint(world)["message"])
    assert run.error is None
    world.recover()


@case("56")
def test_rows_out_of_order_are_all_there(world: World) -> None:
    world.inject(Fault("disorder"))

    run = world.run()

    assert run.spoilt("disorder") == 10
    assert "23 records are out of order" in str(checkpoint(world)["message"])
    assert run.error is None
    world.recover()


@case("57")
@pytest.mark.parametrize(("name", "hours"), [("merge", 2), ("cut-line", 1)])
def test_line_that_cannot_be_split_is_kept_as_text_and_its_hours_come_from_rest(
    world: World, name: str, hours: int
) -> None:
    world.inject(Fault(name, match=DAY))

    run = world.run()

    assert run.spoilt(name) == 1
    assert from_day(world)["malformed_record"].drop_nulls().len() == 1
    assert from_day(world)["open_time"].drop_nulls().len() == 24 - hours
    assert "1 records cannot be read" in str(checkpoint(world)["message"])
    assert run.error is None
    world.recover()


@case("58")
def test_candles_off_the_hour_are_kept_as_published(world: World) -> None:
    world.inject(Fault("shift", match=DAY, first=5, rows=3, seconds=1694.789))

    run = world.run()

    assert run.spoilt("shift") == 1
    shifted = from_day(world).filter(pl.col("open_time") % 3_600_000 != 0)
    assert shifted["open_time"].to_list() == [opened(hour) + 1_694_789 for hour in (5, 6, 7)]
    assert run.error is None
    world.all_candles_are_there("ETHUSDT")


@case("58b")
def test_close_before_open_changes_neither_key_nor_finality(world: World) -> None:
    world.inject(Fault("close-early", match=DAY, row=5, seconds=4400.0))

    run = world.run()

    assert run.spoilt("close-early") == 1
    odd = from_day(world).filter(pl.col("open_time") == opened(5))
    assert odd["close_time"].to_list() == [opened(5) + 3_599_999 - 4_400_000]
    assert world.lake.opens("BTCUSDT") == sorted(world.truth("BTCUSDT"))
    assert run.error is None


@case("65")
@pytest.mark.parametrize(
    ("rule", "column", "value"),
    [
        ("high_below_low", "high", None),
        ("negative", "close", "-"),
        ("zero", "close", "0.00000000"),
        ("nan", "close", "NaN"),
        ("empty", "close", ""),
        ("taker", "taker_buy_volume", "9"),
        ("quote", "quote_volume", "9"),
        ("no_trades", "count", 0),
    ],
)
def test_impossible_values_reach_bronze_as_published_and_stop_nothing(
    world: World, rule: str, column: str, value: str | int | None
) -> None:
    world.inject(Fault("broken", match=DAY, rule=rule, row=4))

    run = world.run()

    assert run.spoilt("broken") == 1
    assert run.error is None
    row = from_day(world).row(4, named=True)
    if value is None:
        assert float(row["high"]) < float(row["low"])
    elif isinstance(value, str) and value:
        assert row[column].startswith(value)
    else:
        assert row[column] == value
    world.all_candles_are_there("ETHUSDT")


@case("67")
def test_numbers_reach_bronze_with_every_digit(worlds: Callable[..., World]) -> None:
    world = worlds(coins=("BTCUSDT", "FTMBNB", "DOGEUSDT"))
    world.inject(Fault("late", match="2024-03-02.zip", days=10.0))

    run = world.run()

    assert run.spoilt("late") == 3
    assert run.error is None
    klines = world.lake.table("klines")
    assert set(klines["close"].str.split(".").list.get(1).str.len_chars()) == {8}
    world.recover(later=timedelta(hours=1))
