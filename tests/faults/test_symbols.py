"""Cases of the life of a symbol: listed, halted, delisted, listed again, described otherwise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import polars as pl
from faults.catalogue import case
from faults.world import World

from klineforge.simulator.faults.fault import Fault


def silent(world: World, coin: str) -> list[tuple[datetime, datetime, str]]:
    """The stretches for which bronze says that the exchange has no candle."""
    empty = world.lake.table("checkpoints").filter(pl.col("status") == "empty", pl.col("coin") == coin)
    return empty.sort("range_start").select("range_start", "range_end", "message").rows()


@case("59")
def test_outage_invents_no_row_and_is_not_asked_about_again(worlds: Callable[..., World]) -> None:
    world = worlds(now=datetime(2024, 3, 25, 12, 10, tzinfo=UTC), start=datetime(2024, 3, 20, tzinfo=UTC))

    run = world.run()

    assert run.error is None
    missing = [datetime(2024, 3, 21, hour, tzinfo=UTC) for hour in (15, 18)]
    assert silent(world, "BTCUSDT") == [(*missing, "the exchange has no candle in these hours")]
    world.recover()
    again = world.run()
    assert len(again.asked("api/v3/klines.*BTCUSDT")) == 1
    assert str(int(missing[0].timestamp())) not in "".join(again.requests)


@case("90")
def test_coin_listed_lately_begins_with_its_first_candle(worlds: Callable[..., World]) -> None:
    world = worlds(
        now=datetime(2024, 8, 14, 12, 10, tzinfo=UTC),
        start=datetime(2024, 8, 12, tzinfo=UTC),
        coins=("BTCUSDT", "AVAXUSDT"),
    )

    run = world.run()

    assert run.error is None
    first = datetime(2024, 8, 13, 10, tzinfo=UTC)
    assert world.lake.opens("AVAXUSDT")[0] == first.timestamp() * 1000
    assert silent(world, "AVAXUSDT") == [(world.start, first, "before the coin's first candle")]
    world.recover()


@case("91")
def test_symbol_that_vanishes_from_the_listing_keeps_its_history_and_its_last_hours(world: World) -> None:
    world.run()
    world.inject(Fault("unlisted", symbol="BTCUSDT"))
    world.time.pass_by(3 * 3600)

    run = world.run()

    assert run.spoilt("unlisted") == 1
    assert run.error is None
    assert set(world.lake.table("exchange_info")["symbol"]) == {"BTCUSDT", "ETHUSDT"}
    world.all_candles_are_there("BTCUSDT")
    world.recover()


@case("91")
def test_coin_that_was_delisted_is_not_asked_for_without_end(worlds: Callable[..., World]) -> None:
    left = datetime(2024, 8, 10, 3, tzinfo=UTC)
    world = worlds(now=left + timedelta(days=10), start=left - timedelta(days=2), coins=("BTCUSDT", "MATICUSDT"))

    run = world.run()

    assert run.error is None
    assert world.lake.opens("MATICUSDT")[-1] == (left - timedelta(hours=1)).timestamp() * 1000
    assert silent(world, "MATICUSDT")[0][0] == left
    world.recover()
    again = world.run()
    assert len(again.asked("api/v3/klines.*MATICUSDT")) == 1  # about the youngest hours


@case("92", "94")
def test_hole_between_two_listings_is_told_once_and_not_asked_about_again(worlds: Callable[..., World]) -> None:
    left, back = datetime(2024, 8, 10, 3, tzinfo=UTC), datetime(2025, 8, 13, 10, tzinfo=UTC)
    world = worlds(now=back + timedelta(days=5), start=left - timedelta(days=2), coins=("MATICUSDT",))

    run = world.run()

    assert run.error is None
    stretches = silent(world, "MATICUSDT")
    assert (stretches[0][0], stretches[-1][1]) == (left, back)
    assert all(one[1] == other[0] for one, other in pairwise(stretches))
    world.recover()
    again = world.run()
    assert len(again.asked("api/v3/klines")) == 1


@case("96")
def test_halt_now_is_no_error_and_the_listing_says_so(worlds: Callable[..., World]) -> None:
    world = worlds(now=datetime(2024, 3, 21, 17, 10, tzinfo=UTC), start=datetime(2024, 3, 20, tzinfo=UTC))

    run = world.run()

    assert run.error is None
    assert run.reports["BTCUSDT"].hours_missing == 2
    assert set(world.lake.table("exchange_info")["status"]) == {"HALT"}
    assert silent(world, "BTCUSDT") == []
    world.recover(later=timedelta(hours=3))
    assert set(world.lake.table("exchange_info")["status"]) == {"HALT", "TRADING"}


@case("35", "98")
def test_other_description_of_a_symbol_is_added_and_the_former_one_stays(world: World) -> None:
    world.run()
    world.inject(Fault("new-fields"))
    world.time.pass_by(3600)

    run = world.run()

    assert run.spoilt("new-fields") == 1
    assert run.error is None
    listed = world.lake.table("exchange_info").filter(pl.col("symbol") == "BTCUSDT").sort("ingestion_ts")
    assert listed["status"].to_list() == ["TRADING", "CANCEL_ONLY"]
    world.recover()
