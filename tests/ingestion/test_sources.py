"""Which source delivers which hour, and what happens when one is missing or broken."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from faults.catalogue import case
from ingestion.fakes import FakeBinance, Reply, csv_of, hours, kline, millis, utc, zipped
from ingestion.lake import Lake

BTC = {"coins": "BTCUSDT", "start": "2021-01-01"}
UNTIL_NOW = hours("2021-01-01", "2021-03-10T12:00")


def sources(lake: Lake) -> dict[str, int]:
    """Rows by kind of source."""
    counts = lake.table("klines").group_by("source_kind").len()
    return dict(counts.iter_rows())


def test_ingestion_takes_months_then_days_then_rest_for_the_tail(exchange: FakeBinance, lake: Lake) -> None:
    exchange.trade("BTCUSDT", [*UNTIL_NOW, utc("2021-03-10T12:00")])

    report = lake.ingest(exchange, **BTC)["BTCUSDT"]

    assert sources(lake) == {"monthly_archive": 59 * 24, "daily_archive": 8 * 24, "rest": 36}
    assert lake.opens("BTCUSDT") == [millis(opened) for opened in UNTIL_NOW]
    assert report.failures == ()
    assert report.hours_missing == 0


def test_ingestion_keeps_the_open_candle_and_the_one_inside_the_grace_out(exchange: FakeBinance, lake: Lake) -> None:
    exchange.now = utc("2021-03-10T12:01")
    exchange.trade("BTCUSDT", [*UNTIL_NOW, utc("2021-03-10T12:00")])

    lake.ingest(exchange, **BTC)

    assert lake.opens("BTCUSDT")[-1] == millis(utc("2021-03-10T10:00"))


def test_ingestion_run_twice_lands_nothing_and_commits_nothing(exchange: FakeBinance, lake: Lake) -> None:
    exchange.trade("BTCUSDT", UNTIL_NOW)
    lake.ingest(exchange, **BTC)
    before = lake.versions()

    lake.download(exchange, **BTC)

    assert lake.zone.units() == []
    assert lake.append() == 0
    assert lake.versions() == before


def test_ingestion_an_hour_later_asks_rest_alone_and_adds_one_candle(exchange: FakeBinance, lake: Lake) -> None:
    exchange.trade("BTCUSDT", [*UNTIL_NOW, utc("2021-03-10T12:00")])
    lake.ingest(exchange, **BTC)
    exchange.now += timedelta(hours=1)
    exchange.requests.clear()

    report = lake.ingest(exchange, **BTC)["BTCUSDT"]

    assert report.rows == 1
    assert exchange.downloaded("") == []
    assert len(exchange.asked("/api/v3/klines")) == 1


def test_ingestion_of_a_new_coin_leaves_the_others_alone(exchange: FakeBinance, lake: Lake) -> None:
    exchange.trade("BTCUSDT", UNTIL_NOW)
    exchange.trade("ETHUSDT", UNTIL_NOW)
    lake.ingest(exchange, **BTC)
    exchange.requests.clear()

    report = lake.ingest(exchange, **{**BTC, "coins": ["BTCUSDT", "ETHUSDT"]})

    assert exchange.downloaded("BTCUSDT-1h") == []
    assert (report["BTCUSDT"].rows, report["ETHUSDT"].rows) == (0, len(UNTIL_NOW))


@case("80")
def test_ingestion_of_an_earlier_start_fetches_only_the_earlier_hours(exchange: FakeBinance, lake: Lake) -> None:
    exchange.trade("BTCUSDT", UNTIL_NOW)
    lake.ingest(exchange, **{**BTC, "start": "2021-01-20"})
    assert lake.opens("BTCUSDT")[0] == millis(utc("2021-01-20"))

    lake.ingest(exchange, **BTC)

    assert lake.opens("BTCUSDT") == [millis(opened) for opened in UNTIL_NOW]
    assert lake.table("klines").select("sha256", "source_row").is_duplicated().sum() == 0


def test_missing_month_is_fetched_day_by_day_and_then_by_rest(exchange: FakeBinance, lake: Lake) -> None:
    exchange.trade("BTCUSDT", UNTIL_NOW)
    exchange.faults["BTCUSDT-1h-2021-02.zip"] = [Reply(404)]
    exchange.faults["BTCUSDT-1h-2021-02-15.zip"] = [Reply(404)]

    lake.ingest(exchange, **BTC)

    assert sources(lake) == {"monthly_archive": 31 * 24, "daily_archive": (27 + 8) * 24, "rest": 24 + 36}
    assert lake.opens("BTCUSDT") == [millis(opened) for opened in UNTIL_NOW]


def test_months_without_the_coin_cost_one_request_each(exchange: FakeBinance, lake: Lake) -> None:
    exchange.trade("BTCUSDT", hours("2021-02-10", "2021-03-10T12:00"))

    lake.ingest(exchange, coins="BTCUSDT", start="2019-01-01")

    assert exchange.asked("/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2020") == []
    assert exchange.asked("/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2020") == []
    first = lake.table("checkpoints").sort("range_start").row(0, named=True)
    assert (first["status"], first["range_end"]) == ("empty", utc("2021-02-10"))


def test_hours_that_only_rest_has_are_taken_from_rest(exchange: FakeBinance, lake: Lake) -> None:
    exchange.trade("BTCUSDT", UNTIL_NOW)
    exchange.archive_lacks = set(hours("2021-01-05T03:00", "2021-01-05T06:00"))

    lake.ingest(exchange, **BTC)

    assert lake.opens("BTCUSDT") == [millis(opened) for opened in UNTIL_NOW]
    assert sources(lake)["rest"] == 36 + 3


@case("59")
def test_hours_that_nobody_has_are_settled_as_empty_and_never_asked_again(exchange: FakeBinance, lake: Lake) -> None:
    outage = hours("2021-02-11T04:00", "2021-02-11T05:00")
    exchange.trade("BTCUSDT", [opened for opened in UNTIL_NOW if opened not in outage])
    lake.ingest(exchange, **BTC)
    empty = lake.table("checkpoints").filter(pl.col("status") == "empty")
    assert empty.select("range_start", "range_end").rows() == [(outage[0], utc("2021-02-11T05:00"))]
    exchange.requests.clear()

    report = lake.ingest(exchange, **BTC)["BTCUSDT"]

    assert report.hours_missing == 0
    assert len(exchange.asked("/api/v3/klines")) == 1


@case("59")
def test_holes_stay_holes_without_rest_and_their_archive_is_not_fetched_again(
    exchange: FakeBinance, lake: Lake
) -> None:
    outage = hours("2021-02-11T04:00", "2021-02-11T05:00")
    exchange.trade("BTCUSDT", [opened for opened in UNTIL_NOW if opened not in outage])
    parameters = {**BTC, "end": "2021-03-01", "rest_url": "off"}
    lake.ingest(exchange, **parameters)
    exchange.requests.clear()

    report = lake.ingest(exchange, **parameters)["BTCUSDT"]

    assert report.hours_missing == 1
    assert report.failures == ()
    assert exchange.downloaded("") == []


def test_fresh_empty_hours_are_not_believed(exchange: FakeBinance, lake: Lake) -> None:
    lagging = hours("2021-03-10T10:00", "2021-03-10T12:00")
    exchange.trade("BTCUSDT", [opened for opened in UNTIL_NOW if opened not in lagging])
    assert lake.ingest(exchange, **BTC)["BTCUSDT"].hours_missing == 2

    exchange.trade("BTCUSDT", lagging)
    lake.ingest(exchange, **BTC)

    assert lake.opens("BTCUSDT") == [millis(opened) for opened in UNTIL_NOW]


@case("20")
def test_look_back_brings_a_corrected_candle_as_one_more_revision(exchange: FakeBinance, lake: Lake) -> None:
    exchange.trade("BTCUSDT", UNTIL_NOW)
    lake.ingest(exchange, **BTC)
    corrected = utc("2021-03-10T09:00")
    exchange.trade("BTCUSDT", [corrected], close="1.60000000")

    report = lake.ingest(exchange, **BTC)["BTCUSDT"]

    assert report.rows == 1
    revisions = lake.table("klines").filter(pl.col("open_time") == millis(corrected)).sort("ingestion_ts")
    assert sorted(revisions["close"]) == ["1.50000000", "1.60000000"]
    assert report.hours_revised == {"rest": 1}
    assert lake.ingest(exchange, **BTC)["BTCUSDT"].rows == 0


def test_epochs_in_microseconds_are_kept_as_sent_and_count_for_the_same_hours(lake: Lake) -> None:
    traded = hours("2024-12-01", "2025-02-03T10:00")
    with FakeBinance(utc("2025-02-03T10:30"), monthly_from="2025-02", daily_from="2025-02-02") as exchange:
        exchange.trade("BTCUSDT", traded)
        parameters = {"coins": "BTCUSDT", "start": "2024-12-01"}
        lake.ingest(exchange, **parameters)
        again = lake.ingest(exchange, **parameters)["BTCUSDT"]

    assert lake.opens("BTCUSDT") == [millis(opened) for opened in traded]
    assert lake.table("klines").filter(pl.col("open_time") >= 10**15).height == (31 + 1) * 24
    assert again.rows == 0


def test_malformed_lines_reach_bronze_as_raw_text_and_their_hours_come_from_rest(
    exchange: FakeBinance, lake: Lake
) -> None:
    january = hours("2021-01-01", "2021-02-01")
    exchange.trade("BTCUSDT", UNTIL_NOW)
    lines = csv_of(kline(opened) for opened in january).splitlines()
    merged = lines[10] + lines[11]
    content = b"\n".join([*lines[:10], merged, *lines[12:]])
    exchange.files["BTCUSDT-1h-2021-01.zip"] = zipped("BTCUSDT-1h-2021-01.csv", content)

    lake.ingest(exchange, **BTC)

    malformed = lake.table("klines").filter(pl.col("malformed_record").is_not_null())
    assert malformed["malformed_record"].to_list() == [merged.decode()]
    assert malformed["open_time"].to_list() == [None]
    assert lake.opens("BTCUSDT") == [millis(opened) for opened in UNTIL_NOW]


@pytest.mark.parametrize("missing", [Reply(404), Reply(200, b"")], ids=["absent", "empty"])
def test_archive_without_checksum_is_loaded_as_unverified(exchange: FakeBinance, lake: Lake, missing: Reply) -> None:
    exchange.trade("BTCUSDT", UNTIL_NOW)
    exchange.faults["2021-01.zip.CHECKSUM"] = [missing]

    lake.ingest(exchange, **BTC)

    january = lake.table("checkpoints").filter(pl.col("range_start") == utc("2021-01-01")).row(0, named=True)
    assert (january["status"], january["row_count"]) == ("unverified", 744)
    assert january["message"] == "no checksum is published for this file"


@pytest.mark.parametrize(
    "broken",
    [Reply(200, b"0" * 64 + b"  BTCUSDT-1h-2021-02.zip"), Reply(200, b"<html>")],
    ids=["another digest", "no checksum file"],
)
def test_archive_that_differs_from_its_checksum_is_replaced_by_finer_sources(
    exchange: FakeBinance, lake: Lake, broken: Reply
) -> None:
    exchange.trade("BTCUSDT", UNTIL_NOW)
    exchange.faults["2021-02.zip.CHECKSUM"] = [broken]

    report = lake.ingest(exchange, **BTC)["BTCUSDT"]

    assert report.failures == ()
    assert sources(lake) == {"monthly_archive": 31 * 24, "daily_archive": (28 + 8) * 24, "rest": 36}


def test_archive_that_nobody_can_replace_makes_the_coin_fail(exchange: FakeBinance, lake: Lake) -> None:
    exchange.trade("BTCUSDT", UNTIL_NOW)
    exchange.files["BTCUSDT-1h-2021-02.zip"] = b"PK\x03\x04 this is no zip"
    exchange.daily_from = "2021-01-01"

    report = lake.ingest(exchange, **{**BTC, "end": "2021-03-01", "rest_url": "off"})["BTCUSDT"]

    assert report.rows == 744
    assert report.hours_missing == 28 * 24
    assert "BTCUSDT-1h-2021-02.zip" in report.failures[0]
    assert "the zip cannot be read" in report.failures[0]


def test_records_are_dated_by_the_exchanges_clock_so_that_silver_takes_them_for_closed(
    exchange: FakeBinance, lake: Lake
) -> None:
    exchange.trade("BTCUSDT", hours("2021-03-01", "2021-03-10T12:00"))
    lake.machine_ahead = -timedelta(hours=2)

    lake.ingest(exchange, coins="BTCUSDT", start="2021-03-01")

    klines = lake.table("klines")
    assert klines.height == 9 * 24 + 12
    ends = pl.from_epoch(klines["open_time"] + 3_600_000, time_unit="ms").dt.replace_time_zone("UTC")
    assert (klines["ingestion_ts"] >= ends).all()
