"""Whole runs while REST bans, blocks or fails: what was there arrives, and the next run brings the rest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import polars as pl
import pytest
from faults.catalogue import case
from ingestion.fakes import FakeBinance, Reply, hours, millis, utc
from ingestion.lake import Lake

from klineforge.exchanges.report import CoinReport

BOTH = ("BTCUSDT", "ETHUSDT")
UNTIL_NOW = hours("2021-02-01", "2021-03-10T12:00")
KLINES = "/api/v3/klines"


@pytest.fixture
def spare() -> Iterator[FakeBinance]:
    """Another host of the same exchange, which serves REST alone."""
    with FakeBinance(utc("2021-03-10T12:10")) as server:
        yield server


def ingest(lake: Lake, *hosts: FakeBinance) -> dict[str, CoinReport]:
    return lake.ingest(hosts[0], coins=list(BOTH), start="2021-02-01", rest_url=[host.url for host in hosts])


def opens(lake: Lake) -> list[list[int]]:
    return [lake.opens(coin) for coin in BOTH]


@case("18")
def test_candles_come_from_the_spare_host_when_the_first_one_fails(
    exchange: FakeBinance, spare: FakeBinance, lake: Lake
) -> None:
    for coin in BOTH:
        exchange.trade(coin, UNTIL_NOW)
        spare.trade(coin, UNTIL_NOW)
    exchange.faults[KLINES] = [Reply(502, b"<html>bad gateway</html>")]

    report = ingest(lake, exchange, spare)

    assert [report[coin].failures for coin in BOTH] == [(), ()]
    assert opens(lake) == [[millis(opened) for opened in UNTIL_NOW]] * 2
    assert exchange.asked("/data/")
    checkpoints = lake.table("checkpoints").filter(pl.col("source_kind") == "rest", pl.col("row_count") > 0)
    assert checkpoints.height > 0
    assert checkpoints["source_uri"].str.starts_with(spare.url).all()


@case("11")
def test_ban_of_an_hour_leaves_what_the_archive_has_and_the_run_after_it_brings_the_rest(
    exchange: FakeBinance, lake: Lake
) -> None:
    for coin in BOTH:
        exchange.trade(coin, UNTIL_NOW)
    exchange.faults[KLINES] = [Reply(418, b'{"code":-1003,"msg":"banned"}', {"Retry-After": "3600"})]
    # On another address: a ban is about an account, and this server is the archive, too.
    archive = exchange.url.replace("127.0.0.1", "localhost")
    one_by_one = {"workers": 1}
    wanted = {"coins": list(BOTH), "start": "2021-02-01", "archive_url": archive, "ingestion": one_by_one}

    report = lake.ingest(exchange, **wanted)

    assert len(exchange.asked(KLINES)) == 1
    for coin in BOTH:
        assert "run again after 2021-03-10 13:10:00 UTC; what was fetched so far is kept" in report[coin].failures[0]
    exchange.faults.clear()
    exchange.now += timedelta(hours=1)

    report = lake.ingest(exchange, **wanted)

    assert [report[coin].failures for coin in BOTH] == [(), ()]
    assert opens(lake) == [[millis(opened) for opened in UNTIL_NOW]] * 2
    before = lake.versions()
    lake.ingest(exchange, **wanted)
    assert lake.versions() == before
