"""Archive files that change after they were loaded: what is noticed, what comes to bronze, and what stays."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from ingestion.anew import believed, checkpoints, file_of, revisions
from ingestion.fakes import FakeBinance, Reply, csv_of, hours, kline, millis, utc, zipped
from ingestion.lake import Lake

BTC = {"coins": "BTCUSDT", "start": "2021-01-01"}
UNTIL_NOW = hours("2021-01-01", "2021-03-10T12:00")
JANUARY = hours("2021-01-01", "2021-02-01")
MONTH = "BTCUSDT-1h-2021-01.zip"
FIXED = utc("2021-01-05T03:00")


@pytest.fixture
def loaded(exchange: FakeBinance, lake: Lake) -> FakeBinance:
    """An exchange of which everything has been loaded."""
    exchange.trade("BTCUSDT", UNTIL_NOW)
    lake.ingest(exchange, **BTC)
    exchange.requests.clear()
    return exchange


def test_recent_archives_are_looked_at_on_every_run_by_their_checksum_alone(loaded: FakeBinance, lake: Lake) -> None:
    before = lake.versions()

    report = lake.ingest(loaded, **BTC)["BTCUSDT"]

    days = [f"BTCUSDT-1h-2021-03-0{day}.zip" for day in range(1, 9)]
    assert loaded.rechecked() == [MONTH, "BTCUSDT-1h-2021-02.zip", *days]
    assert loaded.downloaded("") == []
    assert (report.files_rechecked, report.files_revised, report.rows) == (10, 0, 0)
    assert lake.versions() == before


def test_monthly_file_published_anew_brings_exactly_the_hours_that_differ(
    loaded: FakeBinance, lake: Lake, caplog: pytest.LogCaptureFixture
) -> None:
    loaded.files[MONTH] = file_of({**dict.fromkeys(JANUARY, "1.50000000"), FIXED: "1.70000000"}, MONTH)

    with caplog.at_level(logging.WARNING):
        report = lake.ingest(loaded, **BTC)["BTCUSDT"]

    assert loaded.downloaded("") == [f"/data/spot/monthly/klines/BTCUSDT/1h/{MONTH}"]
    assert (report.rows, report.files_revised, report.hours_revised) == (1, 1, {"monthly_archive": 1})
    assert revisions(lake, FIXED) == [("monthly_archive", "1.50000000"), ("monthly_archive", "1.70000000")]
    assert lake.table("klines").height == len(UNTIL_NOW) + 1
    first, second = checkpoints(lake, MONTH)
    assert (first["row_count"], second["row_count"], second["status"]) == (744, 1, "loaded")
    assert second["message"] == "published anew: 1 hours differ from what was loaded before"
    told = "BTCUSDT: monthly_archive gave other candles than before for 1 hours: 2021-01-05 03:00..2021-01-05 04:00"
    assert told in caplog.messages


def test_the_run_after_a_revision_commits_nothing(loaded: FakeBinance, lake: Lake) -> None:
    loaded.trade("BTCUSDT", [FIXED, utc("2021-03-04T05:00")], close="1.70000000")
    assert lake.ingest(loaded, **BTC)["BTCUSDT"].hours_revised == {"daily_archive": 1, "monthly_archive": 1}
    before = lake.versions()
    loaded.requests.clear()

    report = lake.ingest(loaded, **BTC)["BTCUSDT"]

    assert lake.versions() == before
    assert loaded.downloaded("") == []
    assert (report.files_revised, report.hours_revised) == (0, {})


def test_file_that_goes_back_to_its_first_bytes_is_followed(loaded: FakeBinance, lake: Lake) -> None:
    first = dict.fromkeys(JANUARY, "1.50000000")
    for close in ("1.70000000", "1.50000000", "1.70000000"):
        loaded.files[MONTH] = file_of({**first, FIXED: close}, MONTH)
        lake.ingest(loaded, **BTC)
        assert believed(lake)[FIXED] == close

    assert [close for _, close in revisions(lake, FIXED)] == ["1.50000000", "1.70000000"] * 2
    keys = lake.table("klines").select("coin", "sha256", "source_row", "ingestion_ts")
    assert keys.is_duplicated().sum() == 0
    # An append is told by its batch: the fourth must not be taken for the second.
    assert len({row["batch_id"] for row in checkpoints(lake, MONTH)}) == 4
    assert lake.ingest(loaded, **BTC)["BTCUSDT"].files_revised == 0


def test_file_packed_anew_with_the_same_candles_brings_a_checkpoint_and_no_rows(
    loaded: FakeBinance, lake: Lake
) -> None:
    in_micros = csv_of(kline(opened, micros=True) for opened in JANUARY)
    loaded.files[MONTH] = zipped(MONTH.replace(".zip", ".csv"), in_micros)

    report = lake.ingest(loaded, **BTC)["BTCUSDT"]

    assert (report.rows, report.hours_revised, report.files_revised) == (0, {}, 1)
    assert lake.table("klines").height == len(UNTIL_NOW)
    assert checkpoints(lake, MONTH)[1]["message"] == "published anew: no candle differs"
    loaded.requests.clear()
    lake.ingest(loaded, **BTC)
    assert loaded.downloaded("") == []


def test_checksum_in_another_form_is_the_same_checksum(loaded: FakeBinance, lake: Lake) -> None:
    digest = checkpoints(lake, MONTH)[0]["sha256"]
    loaded.faults[MONTH + ".CHECKSUM"] = [Reply(200, f"{str(digest).upper()} *{MONTH}\r\n".encode())]
    before = lake.versions()

    report = lake.ingest(loaded, **BTC)["BTCUSDT"]

    assert (report.files_rechecked, report.rechecks_failed) == (10, 0)
    assert lake.versions() == before


@pytest.mark.parametrize(
    ("reply", "failed"),
    [
        (Reply(404, b"<Error><Code>NoSuchKey</Code></Error>"), 0),
        (Reply(200, b"  "), 0),
        (Reply(200, b"<html>please wait</html>"), 1),
        (Reply(503, b"busy"), 1),
        (Reply(200, b"0" * 64 + b"  BTCUSDT-1h-2021-01.zip"), 1),
    ],
    ids=["gone", "empty", "no checksum file", "server trouble", "stale"],
)
def test_checksum_that_is_gone_or_fails_loses_nothing_and_is_asked_for_again(
    loaded: FakeBinance, lake: Lake, reply: Reply, failed: int
) -> None:
    loaded.faults[MONTH + ".CHECKSUM"] = [reply]
    before = lake.versions()

    report = lake.ingest(loaded, **BTC)["BTCUSDT"]

    assert (report.failures, report.rechecks_failed) == ((), failed)
    assert lake.versions() == before
    assert lake.opens("BTCUSDT") == [millis(opened) for opened in UNTIL_NOW]

    loaded.faults.clear()
    loaded.trade("BTCUSDT", [FIXED], close="1.70000000")
    assert lake.ingest(loaded, **BTC)["BTCUSDT"].hours_revised == {"monthly_archive": 1}


def test_archive_host_that_fails_leaves_rest_and_the_other_coins_alone(exchange: FakeBinance, lake: Lake) -> None:
    for coin in ("BTCUSDT", "ETHUSDT"):
        exchange.trade(coin, UNTIL_NOW)
    two = {**BTC, "coins": "BTCUSDT ETHUSDT"}
    lake.ingest(exchange, **two)
    exchange.faults["BTCUSDT/1h/"] = [Reply(403, b"<html>blocked</html>")]
    exchange.now += timedelta(hours=1)
    for coin in ("BTCUSDT", "ETHUSDT"):
        exchange.trade(coin, [utc("2021-03-10T12:00")])

    archive_url = exchange.url.replace("127.0.0.1", "localhost")
    report = lake.ingest(exchange, **two, archive_url=archive_url)

    assert [coin.failures for coin in report.values()] == [(), ()]
    assert [coin.rows for coin in report.values()] == [1, 1]
    assert report["BTCUSDT"].rechecks_failed == 10


def test_file_that_had_no_checksum_is_verified_once_it_has_one(exchange: FakeBinance, lake: Lake) -> None:
    exchange.trade("BTCUSDT", UNTIL_NOW)
    exchange.faults[MONTH + ".CHECKSUM"] = [Reply(404)]
    lake.ingest(exchange, **BTC)
    assert [row["status"] for row in checkpoints(lake, MONTH)] == ["unverified"]
    exchange.faults.clear()

    report = lake.ingest(exchange, **BTC)["BTCUSDT"]

    assert (report.rows, report.files_revised) == (0, 0)
    assert [(row["status"], row["row_count"]) for row in checkpoints(lake, MONTH)] == [
        ("unverified", 744),
        ("loaded", 0),
    ]
    before = lake.versions()
    lake.ingest(exchange, **BTC)
    assert lake.versions() == before
    assert lake.table("klines").height == len(UNTIL_NOW)


@pytest.mark.parametrize("rest", [True, False], ids=["with REST", "without REST"])
def test_monthly_file_of_seven_days_that_is_replaced_brings_the_missing_hours(
    exchange: FakeBinance, lake: Lake, rest: bool
) -> None:
    exchange.trade("BTCUSDT", UNTIL_NOW)
    exchange.daily_from = "2021-01-01"
    exchange.files[MONTH] = file_of(dict.fromkeys(JANUARY[: 7 * 24], "1.50000000"), MONTH)
    parameters = {**BTC, "end": "2021-03-01", "rest_url": exchange.url if rest else "off"}
    first = lake.ingest(exchange, **parameters)["BTCUSDT"]
    assert first.hours_missing == (0 if rest else 24 * 24)
    del exchange.files[MONTH]

    report = lake.ingest(exchange, **parameters)["BTCUSDT"]

    # What REST brought meanwhile and the file says too needs no second row.
    assert (report.rows, report.hours_revised, report.hours_missing) == (0 if rest else 24 * 24, {}, 0)
    assert lake.opens("BTCUSDT") == [millis(opened) for opened in hours("2021-01-01", "2021-03-01")]


def test_daily_file_that_ended_early_is_completed_when_it_is_replaced(exchange: FakeBinance, lake: Lake) -> None:
    day = "BTCUSDT-1h-2021-03-04.zip"
    early = hours("2021-03-04", "2021-03-04T08:00")
    exchange.trade("BTCUSDT", UNTIL_NOW)
    exchange.files[day] = file_of(dict.fromkeys(early, "1.50000000"), day)
    parameters = {**BTC, "start": "2021-03-03", "end": "2021-03-06", "rest_url": "off"}
    assert lake.ingest(exchange, **parameters)["BTCUSDT"].hours_missing == 16
    exchange.files[day] = file_of(
        {**dict.fromkeys(hours("2021-03-04", "2021-03-05"), "1.50000000"), early[7]: "9"}, day
    )

    report = lake.ingest(exchange, **parameters)["BTCUSDT"]

    assert (report.rows, report.hours_missing, report.hours_revised) == (17, 0, {"daily_archive": 1})
    assert checkpoints(lake, day)[1]["message"] == (
        "published anew: 1 hours differ from what was loaded before; 16 hours are new"
    )
    assert believed(lake)[early[7]] == "9"


def test_file_that_repeats_an_old_value_does_not_undo_a_later_correction(loaded: FakeBinance, lake: Lake) -> None:
    opened, other = utc("2021-03-08T20:00"), utc("2021-03-08T21:00")
    day = hours("2021-03-08", "2021-03-09")
    loaded.files["BTCUSDT-1h-2021-03-08.zip"] = file_of(dict.fromkeys(day, "1.50000000"), "BTCUSDT-1h-2021-03-08.zip")
    loaded.now += timedelta(minutes=10)
    loaded.trade("BTCUSDT", [opened], close="1.60000000")
    lake.ingest(loaded, **BTC)
    assert revisions(lake, opened) == [("daily_archive", "1.50000000"), ("rest", "1.60000000")]
    changed = {**dict.fromkeys(day, "1.50000000"), other: "1.80000000"}
    loaded.files["BTCUSDT-1h-2021-03-08.zip"] = file_of(changed, "BTCUSDT-1h-2021-03-08.zip")

    lake.ingest(loaded, **{**BTC, "ingestion": {"look_back_hours": 0}})

    assert (believed(lake)[opened], believed(lake)[other]) == ("1.60000000", "1.80000000")


def test_monthly_file_that_contradicts_rest_is_kept_and_counted_and_not_believed(
    exchange: FakeBinance, lake: Lake
) -> None:
    exchange.trade("BTCUSDT", UNTIL_NOW)
    exchange.archive_lacks = {FIXED}
    lake.ingest(exchange, **BTC)
    assert revisions(lake, FIXED) == [("rest", "1.50000000")]
    exchange.files[MONTH] = file_of({**dict.fromkeys(JANUARY, "1.50000000"), FIXED: "1.70000000"}, MONTH)

    report = lake.ingest(exchange, **BTC)["BTCUSDT"]

    assert report.hours_revised == {"monthly_archive": 1}
    assert revisions(lake, FIXED) == [("rest", "1.50000000"), ("monthly_archive", "1.70000000")]
    assert believed(lake)[FIXED] == "1.50000000"


def test_clock_that_was_set_back_does_not_hide_a_revision(loaded: FakeBinance, lake: Lake) -> None:
    loaded.trade("BTCUSDT", [FIXED], close="1.70000000")
    loaded.now -= timedelta(hours=2)

    lake.ingest(loaded, **BTC)

    assert believed(lake)[FIXED] == "1.70000000"


def test_hours_that_a_new_file_lacks_are_kept(loaded: FakeBinance, lake: Lake) -> None:
    loaded.files[MONTH] = file_of(dict.fromkeys(JANUARY[:-5], "1.50000000"), MONTH)

    report = lake.ingest(loaded, **BTC)["BTCUSDT"]

    assert (report.rows, report.hours_missing) == (0, 0)
    assert lake.opens("BTCUSDT") == [millis(opened) for opened in UNTIL_NOW]
    assert checkpoints(lake, MONTH)[1]["message"] == ("published anew: 5 loaded hours are not in the file and are kept")


def test_hour_that_rest_said_does_not_exist_is_taken_when_an_archive_brings_it(
    exchange: FakeBinance, lake: Lake
) -> None:
    exchange.trade("BTCUSDT", [opened for opened in UNTIL_NOW if opened != FIXED])
    lake.ingest(exchange, **BTC)
    exchange.requests.clear()
    assert lake.ingest(exchange, **BTC)["BTCUSDT"].hours_missing == 0
    assert len(exchange.asked("/api/v3/klines")) == 1  # the look-back, not the gap
    exchange.trade("BTCUSDT", [FIXED])

    report = lake.ingest(exchange, **BTC)["BTCUSDT"]

    assert (report.rows, report.hours_revised) == (1, {})
    assert lake.opens("BTCUSDT") == [millis(opened) for opened in UNTIL_NOW]


def test_repeated_rows_of_a_new_file_keep_their_order(loaded: FakeBinance, lake: Lake) -> None:
    rows = [kline(opened) for opened in JANUARY]
    rows.insert(0, kline(FIXED, "3.00000000"))
    loaded.files[MONTH] = zipped(MONTH.replace(".zip", ".csv"), csv_of(rows))

    lake.ingest(loaded, **BTC)

    assert believed(lake)[FIXED] == "1.50000000"
    assert lake.table("klines").height == len(UNTIL_NOW)
