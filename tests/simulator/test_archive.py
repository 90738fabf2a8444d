"""Archives: names, publication times, exact bytes and checksums."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from klineforge.simulator.archive import Archives, archive_file, zipped
from klineforge.simulator.lifecycle import hour_number, traded_hours
from klineforge.simulator.market import DEMO_SEED, Market
from klineforge.simulator.rest import RestInterface

MONTHLY = "data/spot/monthly/klines/{0}/1h/{0}-1h-{1}.zip"
DAILY = "data/spot/daily/klines/{0}/1h/{0}-1h-{1}.zip"


@pytest.fixture(scope="module")
def archives(market: Market) -> Archives:
    return Archives(market)


def rows(body: bytes) -> list[list[str]]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        (member,) = archive.namelist()
        return [line.split(",") for line in archive.read(member).decode().splitlines()]


def test_monthly_archive_of_a_whole_month_holds_every_hour_without_a_header(archives: Archives, now: datetime) -> None:
    stored = archives.find(MONTHLY.format("BTCUSDT", "2026-07"), now)
    assert stored is not None
    lines = rows(stored.body)
    assert len(lines) == 31 * 24
    assert {len(line) for line in lines} == {12}
    assert lines[0][0] == str(int(datetime(2026, 7, 1, tzinfo=UTC).timestamp()) * 1_000_000)
    assert all("." in field and len(field.split(".")[1]) == 8 for field in lines[0][1:6])


def test_monthly_archive_member_is_named_after_the_zip(archives: Archives, now: datetime) -> None:
    stored = archives.find(MONTHLY.format("FTMBNB", "2026-07"), now)
    assert stored is not None
    assert zipfile.ZipFile(io.BytesIO(stored.body)).namelist() == ["FTMBNB-1h-2026-07.csv"]


@pytest.mark.parametrize(("month", "digits"), [("2024-12", 13), ("2025-01", 16)])
def test_archive_times_change_to_microseconds_in_2025(
    archives: Archives, now: datetime, month: str, digits: int
) -> None:
    stored = archives.find(MONTHLY.format("ETHUSDT", month), now)
    assert stored is not None
    assert {len(line[0]) for line in rows(stored.body)} == {digits}
    assert {len(line[6]) for line in rows(stored.body)} == {digits}
    assert rows(stored.body)[0][6].endswith("9" * (digits - 10))


def test_daily_archive_of_the_outage_day_lacks_the_missing_hours(archives: Archives, now: datetime) -> None:
    stored = archives.find(DAILY.format("BTCUSDT", "2026-09-21"), now)
    assert stored is not None
    opened = [datetime.fromtimestamp(int(line[0]) // 1_000_000, UTC).hour for line in rows(stored.body)]
    assert opened == [*range(15), *range(18, 24)]


def test_daily_and_monthly_archives_agree_line_by_line(archives: Archives, now: datetime) -> None:
    month = archives.find(MONTHLY.format("ADAUSDT", "2026-02"), now)
    days = [archives.find(DAILY.format("ADAUSDT", f"2026-02-{day:02d}"), now) for day in range(1, 29)]
    assert month is not None
    assert rows(month.body) == [line for day in days if day is not None for line in rows(day.body)]


def test_archives_and_rest_together_give_every_traded_hour_once(archives: Archives, market: Market) -> None:
    now = datetime(2026, 10, 3, 9, 0, tzinfo=UTC)
    start = datetime(2026, 8, 1, tzinfo=UTC)
    assert archives.find(MONTHLY.format("BTCUSDT", "2026-09"), now) is None  # published on Monday the 5th
    month = archives.find(MONTHLY.format("BTCUSDT", "2026-08"), now)
    dates = [datetime(2026, 9, 1, tzinfo=UTC) + timedelta(days=day) for day in range(32)]
    files = [month, *(archives.find(DAILY.format("BTCUSDT", f"{date:%Y-%m-%d}"), now) for date in dates)]
    archived = [int(line[0]) // 1000 for file in files if file is not None for line in rows(file.body)]
    query = f"symbol=BTCUSDT&interval=1h&startTime={archived[-1] + 1}"
    tail = json.loads(RestInterface(market).answer("/api/v3/klines", query, {}, now).body)
    expected = traded_hours("BTCUSDT", hour_number(start), hour_number(now) + 1)
    assert archived + [row[0] for row in tail] == [int(hour) * 3_600_000 for hour in expected]
    assert len(tail) == 10


def test_rest_and_archive_of_one_hour_say_the_same(archives: Archives, market: Market, now: datetime) -> None:
    stored = archives.find(DAILY.format("FTMBNB", "2026-07-04"), now)
    assert stored is not None
    line = rows(stored.body)[13]
    query = f"symbol=FTMBNB&interval=1h&startTime={line[0]}&limit=1"
    (row,) = json.loads(RestInterface(market).answer("/api/v3/klines", query, {}, now).body)
    assert [str(field) for field in row[1:6] + row[7:]] == line[1:6] + line[7:]
    assert (row[0], row[6]) == (int(line[0]) // 1000, int(line[6]) // 1000)


def test_checksum_names_the_zip_with_two_spaces_and_no_line_end(archives: Archives, now: datetime) -> None:
    key = MONTHLY.format("BTCUSDT", "2026-07")
    stored, checksum = archives.find(key, now), archives.find(f"{key}.CHECKSUM", now)
    assert stored is not None
    assert checksum is not None
    digest = hashlib.sha256(stored.body).hexdigest()
    assert checksum.body.decode() == f"{digest}  BTCUSDT-1h-2026-07.zip"


def test_zipped_same_text_gives_the_same_bytes_at_any_time() -> None:
    assert zipped("a.zip", "1,2\n") == zipped("a.zip", "1,2\n")
    with zipfile.ZipFile(io.BytesIO(zipped("a.zip", "1,2\n"))) as archive:
        assert archive.infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)
        assert archive.testzip() is None


def test_archives_of_two_exchanges_with_one_seed_are_the_same_bytes(archives: Archives, now: datetime) -> None:
    key = MONTHLY.format("DOGEUSDT", "2026-07")
    assert archives.find(key, now) == Archives(Market(seed=3)).find(key, now)


def test_demo_market_is_still_the_one_that_existing_demo_lakes_hold(now: datetime) -> None:
    stored = Archives(Market(DEMO_SEED)).find(DAILY.format("ADAUSDT", "2024-02-01"), now)
    assert stored is not None
    with zipfile.ZipFile(io.BytesIO(stored.body)) as archive:
        text = archive.read("ADAUSDT-1h-2024-02-01.csv")
    assert hashlib.sha256(text).hexdigest() == "51c4ed826b33ceeaee07bc8679484bedecff5168cd781fd06f4e6cd9f149a807"


def test_daily_archive_appears_at_half_past_eight_the_next_day(archives: Archives) -> None:
    key = DAILY.format("BTCUSDT", "2026-11-20")
    published = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
    assert archives.find(key, published - timedelta(seconds=1)) is None
    stored = archives.find(key, published)
    assert stored is not None
    assert stored.modified == published


def test_monthly_archive_appears_on_the_first_monday(archives: Archives) -> None:
    key = MONTHLY.format("BTCUSDT", "2026-10")
    published = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
    assert published.weekday() == 0
    assert archives.find(key, published - timedelta(seconds=1)) is None
    assert archives.find(key, published) is not None


def test_monthly_archive_of_a_delisting_month_ends_with_the_last_trade(archives: Archives, now: datetime) -> None:
    stored = archives.find(MONTHLY.format("MATICUSDT", "2026-08"), now)
    assert stored is not None
    assert len(rows(stored.body)) == 9 * 24 + 3
    assert archives.find(MONTHLY.format("MATICUSDT", "2026-09"), now) is None


def test_monthly_archive_of_a_listing_month_begins_with_the_first_trade(archives: Archives, now: datetime) -> None:
    stored = archives.find(MONTHLY.format("AVAXUSDT", "2026-08"), now)
    assert stored is not None
    first = int(rows(stored.body)[0][0]) // 1_000_000
    assert datetime.fromtimestamp(first, UTC) == datetime(2026, 8, 13, 10, tzinfo=UTC)
    assert archives.find(MONTHLY.format("AVAXUSDT", "2026-07"), now) is None


def test_archives_with_a_later_history_start_hold_nothing_before_it(market: Market, now: datetime) -> None:
    archives = Archives(market, history_start=datetime(2026, 7, 15, 6, tzinfo=UTC))
    stored = archives.find(MONTHLY.format("BTCUSDT", "2026-07"), now)
    assert stored is not None
    assert len(rows(stored.body)) == 16 * 24 + 18
    assert archives.find(MONTHLY.format("BTCUSDT", "2026-06"), now) is None


@pytest.mark.parametrize(
    "key",
    [
        MONTHLY.format("BTCUSDT", "2026-8"),
        MONTHLY.format("BTCUSDT", "2026-13"),
        MONTHLY.format("BTCUSDT", "2026-08-01"),
        DAILY.format("BTCUSDT", "2026-08"),
        DAILY.format("BTCUSDT", "2026-02-30"),
        MONTHLY.format("btcusdt", "2026-08"),
        MONTHLY.format("XYZUSDT", "2026-08"),
        MONTHLY.format("BTCUSDT", "2026-08").replace("/1h/", "/1m/"),
        MONTHLY.format("BTCUSDT", "2026-08").replace("data/spot", "data/SPOT"),
        "../../etc/passwd",
        "",
    ],
)
def test_archive_file_with_a_key_binance_does_not_have_is_none(key: str) -> None:
    assert archive_file(key) is None
