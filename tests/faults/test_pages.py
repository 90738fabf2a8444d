"""Cases of pages of candles: open, lagging, empty, short, full, and rows in another spelling."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from faults.catalogue import case
from faults.world import World

from klineforge.domain.hours import Span
from klineforge.errors import IngestionIncompleteError
from klineforge.exchanges.binance.market import DIALECT
from klineforge.exchanges.binance.rest import RestClient
from klineforge.exchanges.http import HttpClient
from klineforge.simulator.faults.fault import Fault

# The question for a first candle has startTime=0.
PAGES_OF_BTC = "/api/v3/klines*BTCUSDT*startTime=1"
TODAY = datetime(2024, 3, 6, tzinfo=UTC)


def rows(world: World, query: str) -> list[list[object]]:
    """What the exchange answers to a question about BTC, without a client."""
    answer = world.exchange.answer(f"/api/v3/klines?symbol=BTCUSDT&interval=1h&{query}", {})
    found: list[list[object]] = json.loads(answer.body)
    return found


def millis(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


@case("19")
def test_open_candle_is_never_stored_until_it_is_closed_for_the_grace(worlds: Callable[..., World]) -> None:
    world = worlds(now=TODAY + timedelta(hours=12, minutes=59))
    moving = rows(world, "limit=1")[0]
    world.run()
    world.time.pass_by(150)  # 13:01:30: closed, but not for two minutes
    assert rows(world, "limit=2")[0][5] != moving[5]
    world.run()
    assert world.lake.opens("BTCUSDT")[-1] == millis(TODAY + timedelta(hours=11))

    world.time.pass_by(30)
    world.run()

    assert world.lake.opens("BTCUSDT")[-1] == millis(TODAY + timedelta(hours=12))
    world.recover()


@case("20")
def test_rows_that_lag_behind_are_corrected_as_revisions(world: World) -> None:
    world.inject(Fault("lag", hours=2))
    run = world.run()
    assert run.spoilt("lag") >= 2
    assert run.error is None
    assert world.best("BTCUSDT") != world.truth("BTCUSDT")

    again = world.recover()

    assert again.reports["BTCUSDT"].rows == 2
    revisions = world.lake.table("klines").filter(
        pl.col("coin") == "BTCUSDT", pl.col("open_time") >= millis(TODAY + timedelta(hours=10))
    )
    assert revisions.height == 4


@case("21")
def test_empty_answer_about_fresh_hours_is_not_the_end_of_data(world: World) -> None:
    world.inject(Fault("no-rows", match=PAGES_OF_BTC))

    run = world.run()

    assert run.spoilt("no-rows") >= 1
    assert run.reports["BTCUSDT"].hours_missing == 12
    assert world.lake.table("checkpoints").filter(pl.col("status") == "empty").is_empty()
    world.all_candles_are_there("ETHUSDT")
    world.recover()


@case("21")
def test_empty_answer_about_old_hours_is_not_believed_for_good(world: World) -> None:
    world.inject(Fault("no-rows", match=PAGES_OF_BTC))

    run = world.run(archive_url="off")

    assert run.spoilt("no-rows") >= 1
    assert isinstance(run.error, IngestionIncompleteError)
    assert "none of its other answers confirms that there is none" in run.message
    world.all_candles_are_there("ETHUSDT")
    world.recover(archive_url="off")


@case("21")
@pytest.mark.parametrize("listing", ["there", "away"])
def test_empty_page_among_good_ones_is_contradicted_by_the_others(world: World, listing: str) -> None:
    first_page = Fault("no-rows", match="klines*BTCUSDT*limit=1000", times=1)
    world.inject(*([first_page] if listing == "there" else [first_page, Fault("status", match="exchangeInfo")]))

    run = world.run(archive_url="off")

    assert run.spoilt("no-rows") == 1
    assert "none of its other answers confirms that there is none" in run.message
    world.recover(archive_url="off")


@case("22", "25b")
def test_bounds_that_an_exchange_would_answer_with_nothing_cannot_be_asked_for(world: World) -> None:
    start = millis(TODAY - timedelta(days=1))
    assert rows(world, f"startTime={start // 1000}&endTime={start // 1000 + 3600}") == []
    assert rows(world, f"startTime={start}&endTime={start - 1}") == []
    client = RestClient(HttpClient(DIALECT), world.exchange.rest_url)
    before = len(world.exchange.requests)

    with pytest.raises(ValueError, match="klines before 2017-01-01 cannot be asked for"):
        list(client.pages("BTCUSDT", Span(datetime(1970, 1, 20, tzinfo=UTC), datetime(1970, 1, 21, tzinfo=UTC))))
    with pytest.raises(ValueError, match="ends before it starts|end"):
        Span(TODAY, TODAY - timedelta(hours=1))

    assert len(world.exchange.requests) == before


@case("23")
def test_full_pages_are_followed_without_loss_or_repetition(worlds: Callable[..., World]) -> None:
    world = worlds(start=datetime(2024, 1, 1, tzinfo=UTC))

    run = world.run(archive_url="off")

    asked = sorted(run.asked("klines.*BTCUSDT.*startTime=[1-9]"))
    assert len(asked) == 2
    assert len(json.loads(world.exchange.answer(asked[0], {}).body)) == 1000
    assert len(world.lake.opens("BTCUSDT")) == len(set(world.lake.opens("BTCUSDT")))
    assert run.error is None
    world.recover(archive_url="off")


@case("24")
def test_pages_shorter_than_asked_for_are_followed_to_the_end(world: World) -> None:
    world.inject(Fault("short-page", rows=10))

    run = world.run(archive_url="off")

    assert run.spoilt("short-page") >= 13
    assert run.error is None
    world.all_candles_are_there("BTCUSDT")
    world.recover(archive_url="off")


@case("25")
@pytest.mark.parametrize("refused", [False, True])
def test_limit_is_never_above_the_largest_whatever_the_exchange_does_then(
    worlds: Callable[..., World], refused: bool
) -> None:
    world = worlds(start=datetime(2024, 1, 1, tzinfo=UTC), coins=("BTCUSDT",))
    if refused:
        world.inject(Fault("refuse-limit"))
        assert "-1102" in str(rows(world, "limit=1001"))
        assert world.exchange.injected
    else:
        assert len(rows(world, "startTime=0&limit=1001")) == 1000

    run = world.run(archive_url="off")

    assert {request.rpartition("limit=")[2] for request in run.asked("limit=")} == {"1", "1000"}
    assert run.error is None
    world.recover(archive_url="off")


@case("36")
@pytest.mark.parametrize("columns", [11, 13])
def test_row_of_another_width_is_kept_as_text_and_its_hour_fetched_again(world: World, columns: int) -> None:
    world.inject(Fault("columns", match=PAGES_OF_BTC, columns=columns, row=2))

    run = world.run()

    assert run.spoilt("columns") == 1
    malformed = world.lake.table("klines")["malformed_record"].drop_nulls().to_list()
    assert [len(json.loads(text)) for text in malformed] == [columns]
    assert len(world.lake.opens("BTCUSDT")) == 5 * 24 + 11
    world.recover()


@case("36")
def test_page_of_nothing_but_unreadable_rows_is_an_error(world: World) -> None:
    world.inject(Fault("short-page", match=PAGES_OF_BTC, rows=1), Fault("columns", match=PAGES_OF_BTC, columns=11))

    run = world.run()

    assert run.spoilt("columns") == 1
    assert isinstance(run.error, IngestionIncompleteError)
    assert "none of the 1 klines of a page has a readable open time" in run.message
    world.recover()


@case("37")
@pytest.mark.parametrize("style", ["json", "exponent", "empty", "null"])
def test_decimals_in_another_spelling_are_exact_or_corrected_later(world: World, style: str) -> None:
    world.inject(Fault("numbers", match=PAGES_OF_BTC, style=style, row=3))

    run = world.run()

    assert run.spoilt("numbers") == 1
    assert run.error is None
    odd = world.lake.table("klines").filter(
        pl.col("coin") == "BTCUSDT", pl.col("open_time") == millis(TODAY + timedelta(hours=3))
    )
    malformed = world.lake.table("klines")["malformed_record"].drop_nulls().len()
    if style == "json":
        world.all_candles_are_there("BTCUSDT")
    assert (odd.height, malformed) == ((0, 1) if style == "null" else (1, 0))
    world.recover()


@case("38")
def test_times_in_microseconds_are_the_same_instants(world: World) -> None:
    world.inject(Fault("microseconds"))

    run = world.run()

    assert run.spoilt("microseconds") >= 2
    assert world.lake.table("klines").filter(pl.col("open_time") > 10**15).height == 2 * 12
    assert run.error is None
    world.recover()
