"""Cases of time: clocks that are wrong, calendars, and an exchange that does not tell its time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from faults.catalogue import case
from faults.world import World

from klineforge.simulator.faults.fault import Fault

TIME = "/api/v3/time"


@case("85")
@pytest.mark.parametrize("hours", [2, -2])
def test_clock_of_the_machine_decides_nothing(world: World, hours: int, caplog: pytest.LogCaptureFixture) -> None:
    world.time.skew = timedelta(hours=hours)

    run = world.run()

    assert "this machine's clock differs from the exchange's" in caplog.text
    assert run.error is None
    assert run.reports["BTCUSDT"].hours_wanted == 5 * 24 + 12
    world.all_candles_are_there("BTCUSDT")
    world.recover()


@case("87")
def test_hourly_runs_across_the_end_of_the_year_give_one_series(worlds: Callable[..., World]) -> None:
    world = worlds(
        now=datetime(2024, 12, 31, 21, 10, tzinfo=UTC), start=datetime(2024, 12, 30, tzinfo=UTC), coins=("BTCUSDT",)
    )
    for hours in (1, 1, 1, 1, 9, 24):
        assert world.run().error is None
        world.all_candles_are_there("BTCUSDT")
        world.time.pass_by(hours * 3600)

    world.recover()
    assert len(world.truth("BTCUSDT")) == 3 * 24 + 10


@case("87")
def test_year_end_from_archives_has_both_units_and_no_seam(worlds: Callable[..., World]) -> None:
    world = worlds(now=datetime(2025, 1, 4, 12, 10, tzinfo=UTC), start=datetime(2024, 12, 29, tzinfo=UTC))

    run = world.run()

    klines = world.lake.table("klines").filter(pl.col("source_kind") == "daily_archive")
    digits = klines.select(pl.col("open_time").cast(pl.String).str.len_chars())["open_time"].value_counts()
    assert dict(digits.iter_rows()) == {13: 2 * 3 * 24, 16: 2 * 3 * 24}
    assert run.error is None
    world.recover()


@case("88")
@pytest.mark.parametrize("seconds", [-7200, -90_000])
def test_server_time_that_jumps_back_loses_nothing(world: World, seconds: int) -> None:
    world.run()
    before = world.best("BTCUSDT")
    world.time.pass_by(3600)
    world.inject(Fault("server-time", seconds=seconds))

    run = world.run()

    assert run.spoilt("server-time") == 1
    assert run.error is None
    assert world.best("BTCUSDT") == before
    world.recover()


@case("88")
def test_machine_whose_clock_is_ahead_stores_no_open_candle_when_the_exchange_tells_no_time(world: World) -> None:
    world.time.skew = timedelta(hours=2)
    world.inject(Fault("status", match=TIME))

    run = world.run()

    assert run.spoilt("status") >= 5
    assert "HTTP 503" in run.message
    assert world.lake.opens("BTCUSDT")[-1] <= (world.now - timedelta(hours=1)).timestamp() * 1000
    world.recover()
