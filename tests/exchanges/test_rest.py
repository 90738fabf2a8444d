"""Paging and listing by REST."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from faults.catalogue import case
from ingestion.fakes import FakeBinance, FakeClock, Reply, csv_of, hours, kline, millis, utc

from klineforge.domain.hours import Span
from klineforge.errors import MalformedPayloadError, PermanentExchangeError
from klineforge.exchanges.binance.market import DIALECT
from klineforge.exchanges.binance.pages import Finality, page_downloads
from klineforge.exchanges.binance.recent import raw_candle
from klineforge.exchanges.binance.rest import RestClient, is_final
from klineforge.exchanges.http import HttpClient
from klineforge.exchanges.planning import RestTask
from klineforge.exchanges.retry import RetryPolicy

NOW = utc("2021-03-10T12:10")
FINALITY = Finality(NOW, 120.0, utc("2021-03-08"))


@pytest.fixture
def exchange() -> Iterator[FakeBinance]:
    with FakeBinance(NOW) as server:
        yield server


@pytest.fixture
def rest(exchange: FakeBinance) -> Iterator[RestClient]:
    http = HttpClient(DIALECT, policy=RetryPolicy(attempts=2), clock=FakeClock(NOW), jitter=lambda: 1.0)
    yield RestClient(http, exchange.url)
    http.close()


def span(start: str, end: str) -> Span:
    return Span(utc(start), utc(end))


@case("23")
def test_pages_go_on_after_a_full_one_without_loss_or_repetition(exchange: FakeBinance, rest: RestClient) -> None:
    traded = hours("2021-01-01", "2021-03-10")
    exchange.trade("BTCUSDT", traded)

    pages = list(rest.pages("BTCUSDT", span("2021-01-01", "2021-03-10")))

    assert [page.records.num_rows for page in pages] == [1000, 632]
    opens = [value for page in pages for value in page.records["open_time"].to_pylist()]
    assert opens == [millis(opened) for opened in traded]
    assert f"startTime={opens[999] + 1}&" in pages[1].url
    assert all("limit=1000" in page.url for page in pages)


@case("24")
def test_page_that_is_short_inside_the_range_is_followed_by_another(exchange: FakeBinance, rest: RestClient) -> None:
    exchange.trade("BTCUSDT", hours("2021-02-01", "2021-02-02"))

    pages = list(rest.pages("BTCUSDT", span("2021-02-01", "2021-02-03")))

    assert [page.records.num_rows for page in pages] == [24, 0]


@case("22")
def test_range_before_the_exchange_existed_is_never_asked(exchange: FakeBinance, rest: RestClient) -> None:
    with pytest.raises(ValueError, match="klines before 2017-01-01 cannot be asked for"):
        list(rest.pages("BTCUSDT", span("1970-01-20", "1970-01-21")))
    assert exchange.requests == []


def test_page_that_does_not_advance_is_an_error(exchange: FakeBinance, rest: RestClient) -> None:
    old = Reply(body=b"[[1514764800000,1,1,1,1,1,1514768399999,1,1,1,1,0]]".replace(b",1,", b',"1",'))
    exchange.faults["/klines"] = [old]

    with pytest.raises(MalformedPayloadError, match="expected klines from 2021-02-01 00:00:00.*, found older ones"):
        list(rest.pages("BTCUSDT", span("2021-02-01", "2021-02-03")))


def test_page_without_a_readable_row_is_an_error(exchange: FakeBinance, rest: RestClient) -> None:
    exchange.faults["/klines"] = [Reply(body=b"[[1,2,3]]")]

    with pytest.raises(MalformedPayloadError, match="none of the 1 klines of a page has a readable open time"):
        list(rest.pages("BTCUSDT", span("2021-02-01", "2021-02-03")))


def test_first_candle_of_an_unknown_coin_says_so(rest: RestClient) -> None:
    with pytest.raises(PermanentExchangeError, match="there is no symbol 'NOPE'\n.*\n.*check the spelling of 'coins'"):
        rest.first_candle("NOPE")


def test_listing_with_an_unknown_coin_is_asked_coin_by_coin(exchange: FakeBinance, rest: RestClient) -> None:
    exchange.trade("BTCUSDT", hours("2021-02-01", "2021-02-02"))

    assert [symbol.symbol for symbol in rest.listing(["BTCUSDT", "NOPE"])] == ["BTCUSDT"]
    assert len(exchange.asked("exchangeInfo")) == 3


@case("19")
@pytest.mark.parametrize(("opened", "final"), [("2021-03-10T11:08", True), ("2021-03-10T11:08:00.001", False)])
def test_candle_is_final_when_it_closed_the_grace_ago(opened: str, final: bool) -> None:
    assert is_final(millis(utc(opened)) * 1000, NOW, 120.0) is final


def downloads(rest: RestClient, task: RestTask, known: str = "1.50000000") -> list[list[int]]:
    """Which rows of which page a task would land when bronze holds candles with this close."""
    pages = list(rest.pages(task.coin, task.span))
    raw = {page.records["open_time"][row].as_py(): raw_candle(page.records, row)
           for page in pages for row in range(page.records.num_rows)}  # fmt: skip
    held = {opened: (*candle[:4], known, *candle[5:]) for opened, candle in raw.items()}
    found = page_downloads(task, pages, held, FINALITY, NOW)
    return [list(download.unit.source_rows or ()) for download in found]


def test_known_candles_are_not_landed_again_unless_they_differ(exchange: FakeBinance, rest: RestClient) -> None:
    exchange.trade("BTCUSDT", hours("2021-03-10T06:00", "2021-03-10T12:00"))
    whole = span("2021-03-10T06:00", "2021-03-10T12:00")
    missing = (span("2021-03-10T10:00", "2021-03-10T12:00"),)
    task = RestTask("BTCUSDT", whole, missing, (span("2021-03-10T06:00", "2021-03-10T10:00"),))

    assert downloads(rest, task) == [[4, 5]]
    assert downloads(rest, task, known="1.5") == [[4, 5]]
    assert downloads(rest, task, known="1.6") == [[0, 1, 2, 3, 4, 5]]


@case("36")
def test_unreadable_row_is_landed_only_where_candles_are_missing(exchange: FakeBinance, rest: RestClient) -> None:
    row = csv_of([kline(utc("2021-03-10T06:00"))]).decode().strip().split(",")
    body = f'[[{row[0]},{",".join(chr(34) + text + chr(34) for text in row[1:])}],["broken"]]'
    exchange.faults["/klines"] = [Reply(body=body.encode())]
    one = span("2021-03-10T06:00", "2021-03-10T07:00")

    assert downloads(rest, RestTask("BTCUSDT", one, (one,), ())) == [[0, 1]]
    assert downloads(rest, RestTask("BTCUSDT", one, (), (one,))) == []
