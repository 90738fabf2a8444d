"""Looking at older archive files again: what a run is asked to do, what it remembers, and random histories of files."""

from __future__ import annotations

import json
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingestion.anew import believed, file_of
from ingestion.fakes import FakeBinance, Reply, hours, millis, utc
from ingestion.lake import Lake

from klineforge.datasets.archive_checks import ArchiveChecksDataset
from klineforge.domain.parameters import parse_ingestion_parameters
from klineforge.errors import ConfigurationError

OLD = {"coins": "BTCUSDT", "start": "2020-07-01", "end": "2020-11-01"}
TRADED = hours("2020-07-01", "2020-11-01")
FILES = [f"BTCUSDT-1h-2020-{month:02d}.zip" for month in range(7, 11)]
LATE = hours("2020-08-01", "2020-09-01")


@pytest.fixture
def loaded(exchange: FakeBinance, lake: Lake) -> FakeBinance:
    """An exchange of which four old months have been loaded."""
    exchange.trade("BTCUSDT", TRADED)
    lake.ingest(exchange, **OLD)
    exchange.requests.clear()
    return exchange


@pytest.mark.parametrize(("recheck", "expected"), [("all", FILES), ("off", []), (False, []), ("ALL ", FILES)])
def test_recheck_can_be_asked_for_at_once_or_switched_off(
    loaded: FakeBinance, lake: Lake, recheck: object, expected: list[str]
) -> None:
    before = lake.versions()

    report = lake.ingest(loaded, **OLD, recheck=recheck)["BTCUSDT"]

    assert loaded.rechecked() == expected
    assert report.files_rechecked == len(expected)
    assert lake.checks.exists() is bool(expected)
    assert lake.versions() == before


@pytest.mark.parametrize("value", ["sometimes", "", True, 7, None, ["all"]])
def test_recheck_that_is_none_of_the_words_is_refused(value: object) -> None:
    good: dict[str, Any] = {**OLD, "archive_url": "http://host", "rest_url": "off"}

    with pytest.raises(ConfigurationError, match="'recheck' must be one of the words auto, all, off, found .*recheck="):
        parse_ingestion_parameters({**good, "recheck": value})

    assert parse_ingestion_parameters(good).recheck == "auto"


def test_all_old_files_are_looked_at_once_in_a_week_of_many_runs(loaded: FakeBinance, lake: Lake) -> None:
    looks: list[str] = []
    lake.ingest(loaded, **OLD, recheck="all")
    for _ in range(28):
        loaded.now += timedelta(hours=6)
        loaded.requests.clear()
        lake.ingest(loaded, **OLD)
        looks.extend(loaded.rechecked())

    assert sorted(looks) == FILES


def test_lost_memory_is_harmless_and_a_torn_one_is_started_anew(loaded: FakeBinance, lake: Lake) -> None:
    lake.ingest(loaded, **OLD, recheck="all")
    lake.checks.write_text('{"BTCUSDT": "2021-')
    loaded.requests.clear()

    lake.ingest(loaded, **OLD)

    assert len(loaded.rechecked()) < len(FILES)
    lake.ingest(loaded, **OLD, recheck="all")
    assert json.loads(lake.checks.read_text()) == {"BTCUSDT": "2021-03-10T12:10:00+00:00"}


def test_memory_of_other_coins_is_kept(tmp_path: Path) -> None:
    checks = ArchiveChecksDataset(path=str(tmp_path / "deep" / "checks.json"))
    checks.save({"A": "2021-03-10T12:10:00+00:00"})
    checks.save({})
    checks.save({"B": "2021-03-11T12:10:00"})

    assert checks.load() == {"A": utc("2021-03-10T12:10"), "B": utc("2021-03-11T12:10")}
    assert ArchiveChecksDataset(path=str(tmp_path / "none.json")).load() == {}


def test_old_file_that_did_not_answer_is_looked_at_by_the_next_run(loaded: FakeBinance, lake: Lake) -> None:
    lake.ingest(loaded, **OLD, recheck="all")
    loaded.now += timedelta(days=7)
    loaded.faults[FILES[2] + ".CHECKSUM"] = [Reply(503, b"busy")]
    assert lake.ingest(loaded, **OLD)["BTCUSDT"].rechecks_failed == 1
    loaded.faults.clear()
    loaded.trade("BTCUSDT", [utc("2020-09-05T03:00")], close="1.70000000")

    report = lake.ingest(loaded, **OLD)["BTCUSDT"]

    assert (report.files_rechecked, report.hours_revised) == (4, {"monthly_archive": 1})


def test_gaps_without_rest_are_asked_for_on_the_slow_cycle_alone(exchange: FakeBinance, lake: Lake) -> None:
    parameters = {**OLD, "rest_url": "off"}
    exchange.daily_from = "2020-07-01"
    exchange.trade("BTCUSDT", [opened for opened in TRADED if opened not in set(LATE)])
    assert lake.ingest(exchange, **parameters)["BTCUSDT"].hours_missing == len(LATE)
    before = lake.versions()
    exchange.requests.clear()

    # Nobody has the month, and that is asked for again only when its turn has come, and without a commit.
    assert lake.ingest(exchange, **parameters, recheck="off")["BTCUSDT"].hours_missing == len(LATE)
    assert exchange.requests == []
    lake.ingest(exchange, **parameters, recheck="all")
    assert FILES[1] in exchange.rechecked()
    assert exchange.downloaded("") == []
    assert lake.versions() == before

    exchange.trade("BTCUSDT", LATE)
    report = lake.ingest(exchange, **parameters, recheck="all")["BTCUSDT"]

    assert (report.rows, report.hours_missing, report.hours_revised) == (len(LATE), 0, {})
    assert lake.opens("BTCUSDT") == [millis(opened) for opened in TRADED]


def test_gaps_that_rest_has_confirmed_are_settled(exchange: FakeBinance, lake: Lake) -> None:
    exchange.trade("BTCUSDT", [opened for opened in TRADED if opened not in set(LATE)])
    lake.ingest(exchange, **OLD)
    before = lake.versions()
    exchange.requests.clear()

    report = lake.ingest(exchange, **OLD, recheck="all")["BTCUSDT"]

    assert report.hours_missing == 0
    assert exchange.asked("/api/v3/klines") == exchange.downloaded("") == []
    assert exchange.rechecked() == [name for name in FILES if name != FILES[1]]
    assert lake.versions() == before


CLOSES = ["1.50000000", "1.60000000", "1.7", "1.70000000"]
MONTH = "BTCUSDT-1h-2020-07.zip"
JULY = hours("2020-07-01", "2020-08-01")
VERSION = st.dictionaries(st.sampled_from(JULY[::150]), st.sampled_from(CLOSES), max_size=4)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(VERSION, st.booleans()), min_size=1, max_size=5))
def test_after_any_history_of_a_file_its_last_version_is_believed(history: list[tuple[dict[Any, str], bool]]) -> None:
    parameters = {"coins": "BTCUSDT", "start": "2020-07-01", "end": "2020-08-01", "rest_url": "off", "recheck": "all"}
    with (
        tempfile.TemporaryDirectory() as folder,
        FakeBinance(utc("2021-03-10T12:10"), daily_from="2020-07-01") as exchange,
    ):
        lake = Lake(Path(folder))
        for changes, killed in history:
            exchange.files[MONTH] = file_of({**dict.fromkeys(JULY, "1.50000000"), **changes}, MONTH)
            if killed:
                lake.download(exchange, **parameters)
                exchange.now += timedelta(hours=1)
            lake.ingest(exchange, **parameters)
            exchange.now += timedelta(hours=1)
        lake.ingest(exchange, **parameters)
        before = lake.versions()
        lake.ingest(exchange, **parameters)

        last = {**dict.fromkeys(JULY, "1.50000000"), **history[-1][0]}
        found = {opened: float(close) for opened, close in believed(lake).items()}
        assert found == {opened: float(close) for opened, close in last.items()}
        assert lake.versions() == before
        rows = lake.table("klines")
        assert rows.height <= len(JULY) + 5 * sum(len(changes) for changes, _ in history)
        assert rows.select("sha256", "source_row", "ingestion_ts").is_duplicated().sum() == 0


@pytest.mark.parametrize("lacking", [[], hours("2021-02-05T03:00", "2021-02-05T05:00")], ids=["nothing", "two hours"])
def test_month_published_after_its_days_is_read_for_the_hours_that_they_lack_and_no_others(
    exchange: FakeBinance, lake: Lake, lacking: list[datetime]
) -> None:
    parameters = {"coins": "BTCUSDT", "start": "2021-02-01", "end": "2021-03-01", "rest_url": "off", "recheck": "off"}
    wanted = hours("2021-02-01", "2021-03-01")
    exchange.trade("BTCUSDT", wanted)
    exchange.monthly_from, exchange.archive_lacks = "2021-02", set(lacking)
    lake.ingest(exchange, **parameters)
    exchange.monthly_from, exchange.archive_lacks = "2021-03", set()
    exchange.requests.clear()

    lake.ingest(exchange, **parameters)

    assert len(exchange.downloaded("1h-2021-02.zip")) == bool(lacking)
    assert lake.opens("BTCUSDT") == [millis(opened) for opened in wanted]
    from_month = lake.table("klines").filter(pl.col("source_kind") == "monthly_archive")
    assert sorted(from_month["open_time"]) == [millis(opened) for opened in lacking]

    exchange.requests.clear()
    lake.ingest(exchange, **parameters)
    assert exchange.requests == []
