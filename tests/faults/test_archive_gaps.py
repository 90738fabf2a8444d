"""Cases of archive files that lack hours, differ from other sources, or are replaced."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from faults.brought import DAY, checkpoint, from_day, opened
from faults.catalogue import case
from faults.world import NOW, World

from klineforge.errors import IngestionIncompleteError
from klineforge.simulator.faults.fault import Fault

MONTH = "BTCUSDT-1h-2024-02.zip"
FEBRUARY = datetime(2024, 2, 1, tzinfo=UTC)


@case("60")
@pytest.mark.parametrize("file", [DAY, MONTH])
def test_hours_missing_from_an_archive_come_from_rest(worlds: Callable[..., World], file: str) -> None:
    world = worlds(start=FEBRUARY, coins=("BTCUSDT",))
    world.inject(Fault("lack", match=file, first=5, rows=2))

    run = world.run()

    assert run.spoilt("lack") == 1
    assert run.error is None
    world.recover()


@case("60")
def test_hours_that_no_source_has_for_now_are_asked_for_again(world: World) -> None:
    world.inject(Fault("lack", match=DAY, first=5, rows=2), Fault("no-rows", match="klines*BTCUSDT*startTime=17"))

    run = world.run(end="2024-03-06")

    assert run.spoilt("lack") == 1
    assert run.spoilt("no-rows") >= 1
    assert isinstance(run.error, IngestionIncompleteError)
    assert "none of its other answers confirms that there is none" in run.message
    world.recover()


@case("62")
@pytest.mark.parametrize("rest", ["on", "off"])
def test_month_of_a_few_days_is_filled_by_finer_sources(worlds: Callable[..., World], rest: str) -> None:
    world = worlds(start=FEBRUARY, coins=("BTCUSDT",))
    world.inject(Fault("partial", match=MONTH, rows=10 * 24))

    run = world.run(**({} if rest == "on" else {"rest_url": "off", "end": "2024-03-06"}))

    assert run.spoilt("partial") == 1
    assert checkpoint(world, MONTH)["row_count"] == 240
    assert run.reports["BTCUSDT"].hours_missing == 0
    assert run.error is None
    world.recover()


@case("63")
def test_sources_that_differ_are_all_kept_and_ranked(worlds: Callable[..., World]) -> None:
    world = worlds(start=datetime(2024, 3, 4, tzinfo=UTC), coins=("BTCUSDT",))
    world.inject(Fault("differ", match="BTCUSDT-1h-2024-03-05.zip", first=20, rows=2))
    run = world.run()
    assert run.spoilt("differ") == 1
    assert run.error is None

    # The look-back asks REST for the last two days again and finds the two hours that differ.
    world.time.pass_by(300)
    again = world.run()

    assert again.reports["BTCUSDT"].rows == 2
    hours = from_day(world, "BTCUSDT-1h-2024-03-05.zip")["open_time"].to_list()[20:22]
    kinds = world.lake.table("klines").filter(pl.col("open_time").is_in(hours))["source_kind"]
    assert sorted(kinds) == ["daily_archive"] * 2 + ["rest"] * 2
    assert world.best("BTCUSDT") == world.truth("BTCUSDT")
    world.recover()


@case("61")
def test_day_that_ended_early_is_accepted_and_its_revision_brings_the_rest(worlds: Callable[..., World]) -> None:
    world = worlds()
    world.inject(Fault("partial", match=DAY, rows=7, until=NOW + timedelta(days=5)))
    run = world.run(rest_url="off", end="2024-03-06")
    assert run.spoilt("partial") == 1
    assert run.reports["BTCUSDT"].hours_missing == 17
    world.time.pass_by(6 * 86_400)

    again = world.run(rest_url="off", end="2024-03-06")

    assert again.reports["BTCUSDT"].hours_missing == 0


@case("64")
def test_file_replaced_silently_is_found_and_exactly_its_differing_rows_change(worlds: Callable[..., World]) -> None:
    world = worlds(now=NOW + timedelta(days=10))
    world.inject(Fault("differ", match=DAY, first=4, rows=2, until=world.now + timedelta(days=1)))
    run = world.run()
    assert run.spoilt("differ") == 1
    before = world.best("BTCUSDT")
    world.time.pass_by(2 * 86_400)

    assert world.run().error is None

    truth, after = world.truth("BTCUSDT"), world.best("BTCUSDT")
    assert after == truth
    assert {hour for hour, row in before.items() if after[hour] != row} == {opened(4), opened(5)}
