"""Cases of an exchange that refuses: troubles, limits, bans, locations, redirects."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from faults.catalogue import case
from faults.world import World

from klineforge.errors import IngestionIncompleteError
from klineforge.simulator.faults.fault import Fault

DAY = "BTCUSDT-1h-2024-03-02.zip"
API = "/api/"
KLINES = "/api/v3/klines"
OF_BTC = "/api/v3/klines*BTCUSDT"


@case("7")
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_in_trouble_is_asked_again_after_growing_waits(world: World, status: int) -> None:
    world.inject(Fault("status", status=status, match="/api/v3/time", times=3))

    run = world.run()

    assert run.spoilt("status") == 3
    assert run.sleeps[:3] == [0.5, 1.0, 2.0] or run.sleeps[-3:] == [0.5, 1.0, 2.0]
    assert run.error is None
    world.recover()


@case("7")
def test_server_that_stays_in_trouble_is_quoted_while_the_other_coin_proceeds(world: World) -> None:
    world.inject(Fault("status", status=502, match=OF_BTC))

    run = world.run()

    assert run.spoilt("status") >= 5
    assert "after 5 attempts: HTTP 502: <html><head><title>Sorry</title>" in run.reports["BTCUSDT"].failures[0]
    assert run.reports["ETHUSDT"].failures == ()
    world.all_candles_are_there("ETHUSDT")
    world.recover()


@case("8")
def test_page_for_people_is_not_taken_for_candles(world: World) -> None:
    world.inject(Fault("page", match=OF_BTC))

    run = world.run()

    assert run.spoilt("page") >= 5
    assert isinstance(run.error, IngestionIncompleteError)
    assert "expected a JSON array of klines, found '<html>" in run.message
    world.all_candles_are_there("ETHUSDT")
    world.recover()


@case("8")
def test_page_for_people_instead_of_a_zip_is_replaced_by_rest(world: World) -> None:
    world.inject(Fault("page", match=DAY))

    run = world.run()

    assert run.spoilt("page") >= 2
    assert run.error is None
    world.recover()


@case("9")
def test_wait_asked_for_holds_everybody_back(world: World) -> None:
    world.inject(Fault("status", status=429, retry_after="7", match=KLINES, times=1))

    run = world.run()

    assert run.spoilt("status") == 1
    assert max(run.sleeps) == 7.0
    assert run.error is None
    world.recover()


@case("9")
def test_exchange_that_counts_weight_is_not_driven_to_a_ban(worlds: Callable[..., World]) -> None:
    world = worlds(coins=("BTCUSDT", "ETHUSDT", "BNBUSDT", "ADAUSDT", "XRPUSDT"))
    world.inject(Fault("rate-limit", limit=30, patience=8, seconds=3600))

    run = world.run()

    assert run.spoilt("rate-limit") > 0
    assert "banned" not in run.message
    assert run.error is None
    world.recover()


@case("10")
@pytest.mark.parametrize(
    ("retry_after", "expected"),
    [
        ("", 60.0),
        ("soon", 60.0),
        ("Wed, 06 Mar 2024 12:10:30 GMT", 30.0),
        ("99999999", 300.0),
    ],
)
def test_wait_that_is_not_named_in_seconds_is_understood_or_assumed(
    world: World, retry_after: str, expected: float
) -> None:
    world.inject(Fault("status", status=429, retry_after=retry_after, match="/api/v3/exchangeInfo", times=1))

    run = world.run()

    assert run.spoilt("status") == 1
    assert max(run.sleeps) == expected
    assert run.error is None
    world.recover()


@case("11")
def test_ban_is_waited_out_without_a_single_call(world: World) -> None:
    world.inject(Fault("ban", seconds=120))

    run = world.run()

    assert run.spoilt("ban") == 1
    assert max(run.sleeps) >= 120
    assert run.error is None
    world.recover()


@case("11", "12")
@pytest.mark.parametrize("header", [True, False])
def test_ban_longer_than_patience_ends_the_calls_to_that_host_and_the_next_run_goes_on(
    world: World, header: bool
) -> None:
    world.inject(Fault("ban", seconds=7200, header=header))

    run = world.run()

    assert run.spoilt("ban") == 1
    assert len(run.asked(API)) == 1
    assert "has banned this machine's address until 2024-03-06 14:10" in run.message
    assert run.reports["BTCUSDT"].rows == 5 * 24
    world.recover()


@case("12")
def test_end_of_a_ban_is_read_from_the_text(world: World) -> None:
    world.inject(Fault("ban", seconds=90, header=False))

    run = world.run()

    assert run.spoilt("ban") == 1
    assert max(run.sleeps) == 90
    assert run.error is None
    world.recover()


@case("13")
def test_firewall_is_not_asked_again_and_the_archives_go_on(world: World) -> None:
    world.inject(Fault("status", status=403, match=API))

    run = world.run()

    assert run.spoilt("status") == len(run.asked(API)) == 1
    assert "refused: HTTP 403: <html>" in run.message
    assert run.reports["BTCUSDT"].rows == 5 * 24
    world.recover()


@case("14")
def test_restricted_location_is_final_for_the_host_and_the_way_round_is_named(world: World) -> None:
    text = "Service unavailable from a restricted location according to 'b. Eligibility'"
    world.inject(Fault("error", status=451, code=0, message=text))

    run = world.run()

    assert run.spoilt("error") == len(run.asked(API)) == 1
    assert "restricted location" in run.message
    assert "data-api.binance.vision" in run.message
    assert run.reports["BTCUSDT"].rows == 5 * 24
    world.recover()


@case("15")
def test_redirect_to_another_host_is_not_followed(world: World) -> None:
    world.inject(Fault("redirect", match=OF_BTC))

    run = world.run()

    assert run.spoilt("redirect") >= 1
    assert "redirected to another host (127.0.0.2:9), which is not followed" in run.reports["BTCUSDT"].failures[0]
    world.all_candles_are_there("ETHUSDT")
    world.recover()


@case("15")
def test_file_that_is_redirected_to_another_host_is_told_and_its_hours_come_from_rest(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.inject(Fault("redirect", match=DAY))

    run = world.run()

    assert run.spoilt("redirect") == 1
    assert "redirected to another host (127.0.0.2:9), which is not followed" in caplog.text
    assert run.error is None
    world.recover()


@case("17")
def test_client_slows_down_before_its_weight_is_used_up(world: World) -> None:
    world.inject(Fault("used-weight", used=5990))

    run = world.run()

    assert run.spoilt("used-weight") > 0
    assert run.error is None
    assert sum(run.sleeps) > 0
