"""Cases of the protocol: error codes, listings, and files that are not there yet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl
import pytest
from faults.catalogue import case
from faults.world import World

from klineforge.errors import IngestionIncompleteError
from klineforge.simulator.faults.fault import Fault

# The question for a first candle has startTime=0.
PAGES_OF_BTC = "/api/v3/klines*BTCUSDT*startTime=1"


@case("32", "34")
@pytest.mark.parametrize("code", [-1100, -1102, -1104, -1120, -4711])
def test_request_that_is_refused_is_not_repeated_and_the_answer_is_told(world: World, code: int) -> None:
    world.inject(Fault("error", match=PAGES_OF_BTC, code=code, message="no such thing"))

    run = world.run()

    assert run.spoilt("error") == 1
    assert run.sleeps == []
    assert isinstance(run.error, IngestionIncompleteError)
    assert f"HTTP 400, code {code}: no such thing" in run.message
    world.all_candles_are_there("ETHUSDT")
    world.recover()


@case("33")
@pytest.mark.parametrize("code", [-1000, -1001, -1007, -1008])
def test_error_codes_that_pass_are_repeated(world: World, code: int) -> None:
    world.inject(Fault("error", match=PAGES_OF_BTC, code=code, times=2))

    run = world.run()

    assert run.spoilt("error") == 2
    assert run.sleeps == [0.5, 1.0]
    assert run.error is None
    world.recover()


@case("31")
def test_coin_that_the_exchange_does_not_know_stops_no_other(world: World) -> None:
    run = world.run(coins=["BTCUSDT", "NOSUCHCOIN", "ETHUSDT"])

    assert run.asked("klines.*NOSUCHCOIN")
    assert isinstance(run.error, IngestionIncompleteError)
    assert "1 of 3 coins are incomplete: NOSUCHCOIN" in str(run.error)
    assert "there is no symbol 'NOSUCHCOIN'" in run.message
    world.recover()


@case("35")
def test_listing_with_news_is_kept_as_sent_and_stops_nothing(world: World) -> None:
    world.inject(Fault("new-fields", status="CANCEL_ONLY"))

    run = world.run()

    assert run.spoilt("new-fields") == 1
    listed = world.lake.table("exchange_info")
    assert set(listed["status"]) == {"CANCEL_ONLY"}
    assert all("UNHEARD_OF" in raw and "tradingPhase" in raw for raw in listed["raw_symbol"])
    assert run.error is None
    world.recover()


@case("39")
def test_daily_files_that_are_late_are_no_error_and_their_hours_come_from_rest(world: World) -> None:
    world.inject(Fault("late", match="BTCUSDT*daily*2024-03-0", days=3.0), Fault("late", match="BTCUSDT-1h-2024-03"))

    run = world.run()

    assert run.spoilt("late") >= 3
    assert run.error is None
    kinds = world.lake.table("klines").filter(pl.col("coin") == "BTCUSDT")["source_kind"].value_counts()
    assert dict(kinds.iter_rows())["rest"] >= 3 * 24
    world.recover()


@case("40")
def test_month_that_is_late_comes_day_by_day(worlds: Callable[..., World]) -> None:
    world = worlds(start=datetime(2024, 2, 1, tzinfo=UTC))
    world.inject(Fault("late", match="-1h-2024-02.zip", days=20.0))

    run = world.run()

    assert run.spoilt("late") == 2
    assert run.error is None
    assert set(world.lake.table("klines")["source_kind"]) == {"daily_archive", "rest"}
    world.recover()


@case("41")
def test_missing_key_that_is_denied_leaves_its_hours_to_rest(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.inject(Fault("late", match="2024-03-05.zip"), Fault("denied"))

    run = world.run()

    assert run.spoilt("denied") == 2
    assert "HTTP 403" in caplog.text
    assert world.lake.table("checkpoints").filter(pl.col("status") == "not_found").is_empty()
    assert run.error is None
    world.recover()


@case("41")
def test_missing_key_that_is_denied_is_told_where_nobody_else_has_its_hours(world: World) -> None:
    world.inject(Fault("late", match="BTCUSDT-1h-2024-03-05.zip"), Fault("denied", match="2024-03-05.zip"))

    run = world.run(rest_url="off", end="2024-03-06")

    assert run.spoilt("denied") >= 1
    assert isinstance(run.error, IngestionIncompleteError)
    assert "HTTP 403" in run.message
    assert run.reports["BTCUSDT"].hours_missing == 24
    world.recover()


@case("13")
def test_archive_behind_a_firewall_is_left_alone_and_rest_goes_on(world: World) -> None:
    world.inject(Fault("status", status=403, match="/data/"))

    run = world.run(ingestion={"workers": 1})

    assert run.spoilt("status") == 1
    assert "HTTP 403: <html>" in run.message
    world.recover()
