"""What may be asked of ingestion, and how a refusal reads."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from faults.catalogue import case
from ingestion.fakes import utc

from klineforge.domain.parameters import (
    floor_hour,
    parse_coins,
    parse_ingestion_parameters,
    parse_instant,
    parse_source_url,
    parse_source_urls,
)
from klineforge.errors import ConfigurationError

GOOD: dict[str, Any] = {
    "coins": ["BTCUSDT"],
    "start": "2021-01-01",
    "archive_url": "https://data.binance.vision",
    "rest_url": "https://api.binance.com",
}


def test_parameters_are_read_with_their_defaults() -> None:
    request = parse_ingestion_parameters(GOOD)

    assert (request.coins, request.start, request.end) == (("BTCUSDT",), utc("2021-01-01"), None)
    assert (request.archive_url, request.rest_urls) == ("https://data.binance.vision", ("https://api.binance.com",))
    assert (request.grace, request.look_back) == (timedelta(minutes=2), timedelta(hours=48))


def test_end_may_be_the_word_now() -> None:
    assert parse_ingestion_parameters({**GOOD, "end": "now"}).end is None


def test_fine_tuning_is_read_from_its_own_mapping() -> None:
    request = parse_ingestion_parameters({**GOOD, "ingestion": {"workers": 3, "look_back_hours": 0}, "lake": "/x"})

    assert (request.workers, request.look_back_hours, request.grace_seconds) == (3, 0, 120)


@pytest.mark.parametrize("value", ["BTCUSDT ETHUSDT", "BTCUSDT,ETHUSDT", " btcusdt;\tethusdt, ", ["BTCUSDT", "ETHUSDT"],
                                   ("BTCUSDT", "ETHUSDT", "BTCUSDT")])  # fmt: skip
def test_coins_are_read_from_a_list_or_one_text(value: object) -> None:
    assert parse_coins(value) == ("BTCUSDT", "ETHUSDT")


@case("97")
def test_coin_outside_ascii_is_a_coin() -> None:
    assert parse_coins(["币安人生USDT", "1000CHEEMS"]) == ("币安人生USDT", "1000CHEEMS")


@case("97")
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "must name at least one coin, found None"),
        ("", "must name at least one coin"),
        ([], "must name at least one coin"),
        ([7], "every entry of 'coins' must be a symbol such as BTCUSDT, found 7"),
        (["BTC/USDT"], "coin 'BTC/USDT' cannot be a symbol.*exchange's own spelling"),
        (["../../etc"], "cannot be a symbol"),
        (["X" * 41], "cannot be a symbol"),
    ],
)
def test_coins_that_cannot_be_are_refused(value: object, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse_coins(value)


@pytest.mark.parametrize(
    "value",
    ["2021-01-02", "2021-01-02T00:00", "2021-01-02T02:00+02:00", date(2021, 1, 2), datetime(2021, 1, 2),  # noqa: DTZ001
     datetime(2021, 1, 2, 1, tzinfo=timezone(timedelta(hours=1)))],
)  # fmt: skip
def test_instant_is_read_as_utc(value: object) -> None:
    assert parse_instant(value, "start") == utc("2021-01-02")


@pytest.mark.parametrize("value", ["yesterday", "2021-02-30", "01/02/2021", 20210102, None, ""])
def test_instant_that_is_no_date_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"parameter 'end' must be a date, found .*write it as 2021-01-31"):
        parse_instant(value, "end")


def test_instant_between_hours_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"must be on the hour.*write 2021-01-02T03:00"):
        parse_instant("2021-01-02T03:30", "start")


@pytest.mark.parametrize("end", ["2021-01-01", "2020-12-31"])
def test_end_that_is_not_after_the_start_is_refused(end: str) -> None:
    with pytest.raises(ConfigurationError, match="'end' must lie after 'start'.*the end is exclusive"):
        parse_ingestion_parameters({**GOOD, "end": end})


def test_start_before_the_exchange_existed_is_moved_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert parse_ingestion_parameters({**GOOD, "start": "2009-01-03"}).start == utc("2017-01-01")
    assert "before the exchange existed" in caplog.text


@pytest.mark.parametrize("word", ["off", "OFF", " Off ", False])
def test_source_is_switched_off_by_a_word(word: object) -> None:
    assert parse_source_url(word, "rest_url") is None


def test_source_url_loses_its_trailing_slash_and_keeps_its_path() -> None:
    assert parse_source_url("HTTP://127.0.0.1:8089/mirror/", "archive_url") == "http://127.0.0.1:8089/mirror"


@pytest.mark.parametrize(
    "url",
    [None, "", "data.binance.vision", "ftp://host", "http://", "http://host:0", "http://host:99999", "http://h/a?b=1",
     "http://h/a b", 7],
)  # fmt: skip
def test_source_url_that_cannot_be_is_refused(url: object) -> None:
    with pytest.raises(ConfigurationError, match="'archive_url' must be a URL such as https://host or the word off"):
        parse_source_url(url, "archive_url")


def test_source_url_with_credentials_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="must not hold a user name or password"):
        parse_source_url("https://me:secret@host", "rest_url")


def test_both_sources_off_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="are both 'off'.*archive_url=https://data.binance.vision"):
        parse_ingestion_parameters({**GOOD, "archive_url": "off", "rest_url": "off"})


@pytest.mark.parametrize("tuning", [{"workers": 0}, {"workers": "8"}, {"workers": True}, {"grace_seconds": 2.5}])
def test_fine_tuning_out_of_range_is_refused(tuning: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="parameter 'ingestion.* must be a whole number from"):
        parse_ingestion_parameters({**GOOD, "ingestion": tuning})


def test_fine_tuning_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'ingestion' must be a mapping"):
        parse_ingestion_parameters({**GOOD, "ingestion": "fast"})


def test_floor_hour_drops_what_is_past_the_hour() -> None:
    assert floor_hour(utc("2021-01-02T03:59:59.999999")) == utc("2021-01-02T03:00")


@pytest.mark.parametrize(
    "value",
    ["http://a http://b/", " http://a\thttp://b http://a ", ["http://a", "http://b"], ("HTTP://a/", "http://b")],
)
def test_hosts_of_rest_are_read_from_a_list_or_one_text_in_their_order(value: object) -> None:
    assert parse_source_urls(value, "rest_url") == ("http://a", "http://b")


@pytest.mark.parametrize("value", ["off", False, ["off"]])
def test_rest_is_switched_off_by_a_word(value: object) -> None:
    assert parse_source_urls(value, "rest_url") == ()


@pytest.mark.parametrize("value", ["http://a off", ["http://a", False]])
def test_hosts_beside_the_word_off_are_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match="'rest_url' names hosts and the word off.*or off alone"):
        parse_source_urls(value, "rest_url")


@pytest.mark.parametrize("value", [[], "", None, ["http://a", 7], "http://a ftp://b", {"http://a": 1}])
def test_hosts_of_which_one_cannot_be_are_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match="'rest_url' must be a URL such as https://host or the word off"):
        parse_source_urls(value, "rest_url")
