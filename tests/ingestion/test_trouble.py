"""One coin's trouble, an exchange that cannot be reached, and runs that are cut off half-way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake
from faults.catalogue import case
from ingestion.fakes import FakeBinance, Reply, hours, millis, utc
from ingestion.lake import TABLES, Lake

from klineforge.errors import (
    ConfigurationError,
    IngestionIncompleteError,
    PermanentExchangeError,
    TransientExchangeError,
)
from klineforge.exchanges.binance.bronze import bronze_batches
from klineforge.exchanges.binance.market import BinanceMarket
from klineforge.exchanges.coverage import RawCandle
from klineforge.exchanges.landing import LandingZone
from klineforge.exchanges.outcome import Outcome
from klineforge.exchanges.planning import Task
from klineforge.exchanges.report import IngestionReport, raise_if_incomplete

TWO = {"coins": "BTCUSDT ETHUSDT", "start": "2021-01-01"}
UNTIL_NOW = hours("2021-01-01", "2021-03-10T12:00")
BOTH = ("BTCUSDT", "ETHUSDT")


def all_there(lake: Lake, coin: str) -> bool:
    return lake.opens(coin) == [millis(opened) for opened in UNTIL_NOW]


@case("31")
def test_unknown_coin_fails_while_the_others_go_on(exchange: FakeBinance, lake: Lake) -> None:
    exchange.trade("BTCUSDT", UNTIL_NOW)

    report = lake.ingest(exchange, **{**TWO, "coins": ["NOSUCHCOIN", "BTCUSDT"]})

    assert all_there(lake, "BTCUSDT")
    assert report["BTCUSDT"].failures == ()
    assert "there is no symbol 'NOSUCHCOIN'" in report["NOSUCHCOIN"].failures[0]
    assert lake.table("checkpoints").filter(pl.col("coin") == "NOSUCHCOIN").is_empty()
    with pytest.raises(IngestionIncompleteError, match="1 of 2 coins are incomplete: NOSUCHCOIN\n- binance NOSUCHCOIN"):
        raise_if_incomplete(IngestionReport(tuple(report.values())))


def test_coin_without_any_archive_fails_without_rest_and_leaves_no_trace(exchange: FakeBinance, lake: Lake) -> None:
    exchange.trade("BTCUSDT", UNTIL_NOW)

    report = lake.ingest(exchange, **{**TWO, "coins": ["NOSUCHCOIN", "BTCUSDT"], "rest_url": "off"})

    assert report["BTCUSDT"].failures == ()
    assert "the archive has no file of this coin" in report["NOSUCHCOIN"].failures[0]
    assert set(lake.table("checkpoints")["coin"]) == {"BTCUSDT"}


def test_source_that_keeps_failing_for_one_coin_leaves_its_hours_to_the_next_run(
    exchange: FakeBinance, lake: Lake
) -> None:
    for coin in BOTH:
        exchange.trade(coin, UNTIL_NOW)
    exchange.faults["ETHUSDT-1h-2021-02.zip"] = [Reply(503, b"<html>busy</html>")]

    report = lake.ingest(exchange, **TWO)

    assert all_there(lake, "BTCUSDT")
    assert report["ETHUSDT"].hours_missing == 28 * 24
    assert "the server has a problem after 3 attempts: HTTP 503: <html>busy</html>" in report["ETHUSDT"].failures[0]

    exchange.faults.clear()
    assert lake.ingest(exchange, **TWO)["ETHUSDT"].failures == ()
    assert all_there(lake, "ETHUSDT")


def test_exchange_that_cannot_be_reached_stops_the_run_with_advice(exchange: FakeBinance, lake: Lake) -> None:
    nobody = "http://127.0.0.1:9"

    with pytest.raises(TransientExchangeError, match="could not reach 127.0.0.1:9.*\n.*requested.*\n.*make demo"):
        lake.ingest(exchange, **TWO, archive_url=nobody, rest_url=nobody)

    assert lake.zone.units() == []


@case("14")
def test_rest_that_refuses_this_location_still_lets_the_archives_in(exchange: FakeBinance, lake: Lake) -> None:
    exchange.trade("BTCUSDT", UNTIL_NOW)
    exchange.faults["/api/v3/"] = [Reply(451, b'{"code":0,"msg":"Service unavailable from a restricted location"}')]

    archive_url = exchange.url.replace("127.0.0.1", "localhost")

    report = lake.ingest(exchange, coins="BTCUSDT", start="2021-01-01", archive_url=archive_url)["BTCUSDT"]

    assert report.rows == (59 + 8) * 24
    assert "data-api.binance.vision" in report.failures[0]
    assert len(exchange.asked("/api/v3/")) == 1


def test_host_that_refuses_everything_stops_the_run(exchange: FakeBinance, lake: Lake) -> None:
    exchange.faults["/"] = [Reply(403, b"<html>blocked</html>")]

    with pytest.raises(PermanentExchangeError, match="refused.*blocked"):
        lake.ingest(exchange, **TWO)


class KilledError(BaseException):
    """Stands for SIGKILL: nothing catches it, nothing is cleaned up."""


@case("69")
def test_run_killed_in_the_middle_goes_on_where_it_was(
    exchange: FakeBinance, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for coin in BOTH:
        exchange.trade(coin, UNTIL_NOW)
    carried_out = BinanceMarket.carry_out
    calls = 0

    def killing(
        market: BinanceMarket, task: Task, known: Mapping[int, RawCandle], grace: timedelta, look_back: timedelta
    ) -> Outcome:
        nonlocal calls
        calls += 1
        if calls > 6 and any(unit.kind == "klines" for unit in lake.zone.units()):
            raise KilledError
        return carried_out(market, task, known, grace, look_back)

    monkeypatch.setattr(BinanceMarket, "carry_out", killing)
    with pytest.raises(KilledError):
        lake.download(exchange, **TWO)
    monkeypatch.undo()
    (lake.zone.path / "torn.bin.partial").write_bytes(b"half a file")
    landed = {unit.document["source_uri"] for unit in lake.zone.units() if unit.kind == "klines"}
    assert landed
    exchange.requests.clear()

    lake.ingest(exchange, **TWO)

    assert all(all_there(lake, coin) for coin in BOTH)
    assert not {exchange.url + request for request in exchange.requests} & landed
    assert list(lake.zone.path.iterdir()) == []


@case("73")
def test_damaged_landed_file_is_fetched_again(exchange: FakeBinance, lake: Lake) -> None:
    exchange.trade("BTCUSDT", UNTIL_NOW)
    parameters = {"coins": "BTCUSDT", "start": "2021-01-01"}
    lake.download(exchange, **parameters)
    damaged = next(lake.zone.path.glob("*.bin"))
    damaged.write_bytes(damaged.read_bytes()[:-10])

    lake.ingest(exchange, **parameters)

    assert all_there(lake, "BTCUSDT")


@case("69")
def test_batch_cut_off_before_its_checkpoints_is_completed_and_not_repeated(exchange: FakeBinance, lake: Lake) -> None:
    exchange.trade("BTCUSDT", UNTIL_NOW)
    parameters = {"coins": "BTCUSDT", "start": "2021-01-01"}
    lake.download(exchange, **{**parameters, "end": "2021-02-01"})
    batch = next(bronze_batches(lake.zone, lake.coverage()))
    write_deltalake(str(lake.path / TABLES["klines"]), batch.klines)

    # More lands before the append is done again, so that its batch has another id.
    lake.ingest(exchange, **parameters)

    assert all_there(lake, "BTCUSDT")
    checkpoints = lake.table("checkpoints").filter(pl.col("range_start") == utc("2021-01-01"))
    assert checkpoints["row_count"].to_list() == [744]


@case("69")
def test_batch_cut_off_before_its_units_are_removed_is_not_appended_again(exchange: FakeBinance, lake: Lake) -> None:
    exchange.trade("BTCUSDT", UNTIL_NOW)
    parameters = {"coins": "BTCUSDT", "start": "2021-01-01"}
    lake.download(exchange, **parameters)
    for batch in bronze_batches(lake.zone, lake.coverage(), max_rows=700):
        write_deltalake(str(lake.path / TABLES["klines"]), batch.klines, mode="append")
        write_deltalake(str(lake.path / TABLES["checkpoints"]), batch.checkpoints, mode="append")
    before = lake.versions()

    assert lake.append() == 0

    versions = lake.versions()
    assert (versions[TABLES["klines"]], versions[TABLES["checkpoints"]]) == (
        before[TABLES["klines"]],
        before[TABLES["checkpoints"]],
    )
    assert all_there(lake, "BTCUSDT")


@case("74")
def test_checkpoints_without_their_klines_are_not_believed(exchange: FakeBinance, lake: Lake) -> None:
    exchange.trade("BTCUSDT", UNTIL_NOW)
    parameters = {"coins": "BTCUSDT", "start": "2021-01-01"}
    lake.ingest(exchange, **parameters)
    (lake.path / TABLES["klines"]).rename(lake.path / "lost")

    lake.ingest(exchange, **parameters)

    assert all_there(lake, "BTCUSDT")


@case("72")
def test_landing_zone_that_cannot_be_written_stops_the_run(exchange: FakeBinance, tmp_path: Path) -> None:
    exchange.trade("BTCUSDT", UNTIL_NOW)
    (tmp_path / "landing").write_text("a file where the folder should be")

    with pytest.raises(ConfigurationError, match="cannot write to the landing zone .*lake=/some/folder"):
        Lake(tmp_path).download(exchange, coins="BTCUSDT", start="2021-01-01")


@case("70")
def test_batches_are_bounded_and_their_id_depends_on_their_units_alone(exchange: FakeBinance, lake: Lake) -> None:
    exchange.trade("BTCUSDT", UNTIL_NOW)
    lake.download(exchange, coins="BTCUSDT", start="2021-01-01")

    batches = list(bronze_batches(lake.zone, lake.coverage(), max_rows=500))
    again = list(bronze_batches(LandingZone(lake.zone.path), lake.coverage(), max_rows=500))

    assert len(batches) > 2
    assert max(batch.klines.num_rows for batch in batches) < 500 + 744
    assert [batch.batch_id for batch in batches] == [batch.batch_id for batch in again]
    assert len({batch.batch_id for batch in batches}) == len(batches)
    assert {batch.klines["batch_id"][0].as_py() for batch in batches} == {batch.batch_id for batch in batches}
