"""Files as Binance publishes them, and the demo exchange, through the whole of ingestion."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from faults.catalogue import case
from ingestion.fakes import FakeBinance, hours, millis, utc
from ingestion.lake import Lake

from klineforge.simulator.server import DemoExchange

OUTAGES = {*hours("2020-12-21T15:00", "2020-12-21T18:00"), *hours("2020-12-25T02:00", "2020-12-25T03:00")}


class QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing."""


class Files(FakeBinance):
    """Where to find an exchange, for ``Lake``: only the address and the time."""

    def __init__(self, url: str, now: datetime) -> None:
        self._url = url
        self.now = now

    @property
    def url(self) -> str:
        return self._url


@pytest.fixture
def vision(shared_data: Path) -> Iterator[Files]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietFiles, directory=str(shared_data / "vision")))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Files(f"http://127.0.0.1:{server.server_port}", utc("2026-11-22T12:00"))
    server.shutdown()
    thread.join()
    server.server_close()


@case("59")
def test_real_month_with_an_outage_is_kept_as_published(vision: Files, lake: Lake) -> None:
    parameters: dict[str, Any] = {
        "coins": "BTCUSDT ETHUSDT",
        "start": "2020-12-01",
        "end": "2021-01-01",
        "rest_url": "off",
    }

    report = lake.ingest(vision, **parameters)

    expected = [millis(opened) for opened in hours("2020-12-01", "2021-01-01") if opened not in OUTAGES]
    assert lake.opens("BTCUSDT") == expected
    assert lake.opens("ETHUSDT") == expected
    assert report["BTCUSDT"].failures == ()
    backwards = lake.table("klines").filter(pl.col("close_time") < pl.col("open_time"))
    assert set(backwards["open_time"]) == {millis(utc("2020-12-21T14:00"))}


@case("53", "87")
def test_real_days_around_the_change_of_unit_make_one_series(vision: Files, lake: Lake) -> None:
    parameters: dict[str, Any] = {"coins": "ETHUSDT", "start": "2024-12-29", "end": "2025-01-04", "rest_url": "off"}

    lake.ingest(vision, **parameters)

    assert lake.opens("ETHUSDT") == [millis(opened) for opened in hours("2024-12-29", "2025-01-04")]
    assert lake.ingest(vision, **parameters)["ETHUSDT"].rows == 0


def test_demo_exchange_is_ingested_and_continued_an_hour_later(lake: Lake) -> None:
    now = [utc("2026-11-20T09:30")]
    parameters: dict[str, Any] = {"coins": "BTCUSDT FTMBNB", "start": "2026-09-25"}
    with DemoExchange(clock=lambda: now[0]) as demo:
        files = Files(demo.rest_url, now[0])
        first = lake.ingest(files, **parameters)
        same = lake.ingest(files, **parameters)
        now[0] += timedelta(hours=1)
        later = lake.ingest(Files(demo.rest_url, now[0]), **parameters)

    for coin in ("BTCUSDT", "FTMBNB"):
        assert lake.opens(coin)[-1] == millis(utc("2026-11-20T09:00"))
        assert len(set(lake.opens(coin))) == len(lake.opens(coin)) == first[coin].rows + 1
        assert (first[coin].failures, same[coin].rows, later[coin].rows) == ((), 0, 1)
    assert lake.table("exchange_info").select("symbol", "base_asset", "quote_asset").sort("symbol").rows() == [
        ("BTCUSDT", "BTC", "USDT"),
        ("FTMBNB", "FTM", "BNB"),
    ]
