"""Bronze to stage, fact and quarantine: every rule by hand, then the exchange's own files against the oracle."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from faults.catalogue import case
from oracle.bronze import NEW_YEAR_2021, archive_records, bronze, record
from oracle.silver import Silver, oracle_silver
from pyspark.sql import SparkSession

from klineforge.contracts import contract_of
from klineforge.reference.listings import Listing, load_listings
from klineforge.tables.fact import accepted_candles
from klineforge.tables.quarantine import quarantined_records
from klineforge.tables.stage import stage_binance_klines

OPENED = datetime(2021, 1, 1, tzinfo=UTC)
HOUR_MS = 3_600_000


def listing(coin: str, seq: int, valid_from: datetime | None, valid_to: datetime | None) -> Listing:
    return Listing(coin, seq, coin[:-4], "USDT", valid_from=valid_from, valid_to=valid_to)


LISTINGS = (
    listing("NEWUSDT", 1, OPENED + timedelta(hours=1), None),
    listing("MIDUSDT", 1, OPENED + timedelta(minutes=59), None),
    listing("OLDUSDT", 1, None, OPENED),
    listing("DYINGUSDT", 1, None, OPENED + timedelta(minutes=1)),
    listing("TWICEUSDT", 1, None, OPENED - timedelta(days=1)),
    listing("TWICEUSDT", 2, OPENED + timedelta(days=1), None),
    listing("OPENUSDT", 1, None, None),
    # One hour with a part in both listings, one that ends the first, one before the second, which is off for a while.
    listing("SHAREDUSDT", 1, None, OPENED + timedelta(minutes=10)),
    listing("SHAREDUSDT", 2, OPENED + timedelta(minutes=20), None),
    listing("FIRSTUSDT", 1, None, OPENED + timedelta(hours=1)),
    listing("FIRSTUSDT", 2, OPENED + timedelta(hours=1), None),
    listing("THIRDUSDT", 1, None, OPENED - timedelta(days=9)),
    listing("THIRDUSDT", 2, OPENED - timedelta(days=8), OPENED - timedelta(days=7)),
    listing("THIRDUSDT", 3, OPENED - timedelta(days=6), OPENED - timedelta(days=5)),
    listing("THIRDUSDT", 3, OPENED, None),
    listing("AWAYUSDT", 1, None, OPENED - timedelta(hours=1)),
    listing("AWAYUSDT", 1, OPENED + timedelta(hours=1), None),
)

# Each case is a coin of its own: what differs from a good record, and the rules that breaks.
CASES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "GOOD": ({}, set()),
    "MICROSECONDS": ({"open_time": NEW_YEAR_2021 * 1000, "close_time": NEW_YEAR_2021 * 1000 + 3_599_999_999}, set()),
    "SHORT_CLOSE": ({"close_time": NEW_YEAR_2021 + 1_000_000}, set()),
    "CLOSE_BEFORE_OPEN": ({"close_time": NEW_YEAR_2021 - 1}, set()),
    "NO_CLOSE": ({"close_time": None}, set()),
    "ZERO_VOLUME": ({"volume": "0.00000000", "quote_volume": "0"}, set()),
    "NO_TAKERS": ({"count": None, "taker_buy_volume": None, "taker_buy_quote_volume": None}, set()),
    "EXPONENT": ({"volume": "1E-8"}, set()),
    "OFF_HOUR": ({"open_time": NEW_YEAR_2021 + 1}, {"off_the_hour"}),
    "OFF_BY_A_MICROSECOND": ({"open_time": NEW_YEAR_2021 * 1000 + 1}, {"off_the_hour"}),
    "HIGH_BELOW_CLOSE": ({"high": "105"}, {"high_below_another_price"}),
    "HIGH_BELOW_LOW": ({"high": "80"}, {"high_below_another_price"}),
    "LOW_ABOVE_OPEN": ({"low": "105"}, {"low_above_another_price"}),
    "ZERO_PRICE": ({"low": "0"}, {"price_not_positive"}),
    "NEGATIVE_PRICE": ({"low": "-1"}, {"price_not_positive"}),
    "NAN_PRICE": ({"close": "NaN"}, {"not_a_number"}),
    "INFINITE_PRICE": ({"high": "Infinity"}, {"not_a_number"}),
    "WORD_FOR_PRICE": ({"open": "cheap"}, {"not_a_number"}),
    "NO_VOLUME": ({"volume": None}, {"not_a_number"}),
    "NEGATIVE_VOLUME": ({"volume": "-1"}, {"negative_volume"}),
    "NEGATIVE_TAKERS": ({"taker_buy_volume": "-1"}, {"negative_volume"}),
    "NAN_TAKERS": ({"taker_buy_volume": "NaN"}, {"not_a_number"}),
    "OPEN": ({"ingestion_ts": OPENED + timedelta(minutes=59)}, {"not_closed"}),
    "JUST_CLOSED": ({"ingestion_ts": OPENED + timedelta(hours=1)}, set()),
    "NEWUSDT": ({}, {"outside_listing"}),
    "MIDUSDT": ({}, set()),
    "OLDUSDT": ({}, {"outside_listing"}),
    "DYINGUSDT": ({}, set()),
    "TWICEUSDT": ({}, {"outside_listing"}),
    "OPENUSDT": ({}, set()),
    "SHAREDUSDT": ({}, set()),
    "FIRSTUSDT": ({}, set()),
    "THIRDUSDT": ({}, set()),
    "AWAYUSDT": ({}, {"outside_listing"}),
    "EVERYTHING": (
        {"open_time": NEW_YEAR_2021 + 5, "high": "1", "low": "-1", "volume": "-1", "quote_volume": "?"},
        {"off_the_hour", "not_a_number", "price_not_positive", "negative_volume", "high_below_another_price"},
    ),
    "SECONDS": ({"open_time": NEW_YEAR_2021 // 1000}, {"unreadable_open_time"}),
    "NO_OPEN_TIME": ({"open_time": None}, {"unreadable_open_time"}),
    "TORN": (
        {"open_time": None, "open": None, "malformed_record": "1609459200000,1,2"},
        {"malformed_record"},
    ),
}
RECORDS = [record(row, **{"coin": coin, **changes}) for row, (coin, (changes, _)) in enumerate(CASES.items())]
# Revisions of one candle each; the close says what should win.
RECORDS += [
    # The daily archive above a monthly one that came later; REST above both by being later than the daily one.
    record(100, coin="RANK", close="91", source_kind="daily_archive"),
    record(101, coin="RANK", close="92", source_kind="rest", ingestion_ts=datetime(2021, 1, 3, tzinfo=UTC)),
    record(102, coin="RANK", close="93", ingestion_ts=datetime(2021, 1, 9, tzinfo=UTC)),
    # The same file twice in milliseconds and microseconds: the later download.
    record(103, coin="LATER", close="94"),
    record(
        104,
        coin="LATER",
        close="95",
        open_time=NEW_YEAR_2021 * 1000,
        close_time=NEW_YEAR_2021 * 1000 + 3_599_999_999,
        ingestion_ts=datetime(2021, 1, 3, tzinfo=UTC),
    ),
    # Twice in one file: the later line. In two files of one moment: the smaller digest.
    record(105, coin="LINES", close="96"),
    record(106, coin="LINES", close="97"),
    record(107, coin="FILES", close="98", sha256="bb"),
    record(108, coin="FILES", close="99", sha256="ab"),
]

Tables = dict[str, pd.DataFrame]


def build(spark: SparkSession, records: list[dict[str, Any]], listings: tuple[Listing, ...]) -> Tables:
    klines = bronze(spark, records)
    stage = stage_binance_klines(klines)
    tables = {
        "stage_binance_klines": stage,
        "fact_1h_klines": accepted_candles(stage, listings),
        "quarantine_klines": quarantined_records(stage, klines, listings),
    }
    return {name: frame.toArrow().to_pandas() for name, frame in tables.items()}


@pytest.fixture(scope="module")
def tables(spark: SparkSession) -> Tables:
    return build(spark, RECORDS, LISTINGS)


@case("37", "53", "58", "58b", "65", "90", "93")
@pytest.mark.parametrize("coin", CASES)
def test_candle_is_accepted_or_refused_with_every_reason(tables: Tables, coin: str) -> None:
    fact, quarantine = tables["fact_1h_klines"], tables["quarantine_klines"]
    refused = [set(reasons) for reasons in quarantine.loc[quarantine["coin"] == coin, "reasons"]]
    reasons = CASES[coin][1]
    assert (coin in set(fact["coin"]), refused) == ((False, [reasons]) if reasons else (True, []))


@case("93")
def test_candle_belongs_to_the_newest_listing_its_hour_has_a_part_in(tables: Tables) -> None:
    fact = tables["fact_1h_klines"].set_index("coin")["listing_seq"]
    reused = fact[fact != 1]
    assert reused.to_dict() == {"SHAREDUSDT": 2, "THIRDUSDT": 3}


@case("55", "63")
@pytest.mark.parametrize(("coin", "close"), [("RANK", 92), ("LATER", 95), ("LINES", 97), ("FILES", 99)])
def test_best_revision_wins(tables: Tables, coin: str, close: float) -> None:
    stage = tables["stage_binance_klines"]
    assert list(stage.loc[stage["coin"] == coin, "close_price"]) == [close]


@case("58", "58b", "66")
def test_irregular_closes_and_silent_hours_are_kept_and_flagged(tables: Tables) -> None:
    fact = tables["fact_1h_klines"].set_index("coin")
    irregular = set(fact.index[fact["is_irregular_close"]])
    assert irregular == {"SHORT_CLOSE", "CLOSE_BEFORE_OPEN", "NO_CLOSE"}
    assert set(fact.index[fact["is_zero_volume"]]) == {"ZERO_VOLUME"}
    assert set(fact["close_timestamp"]) == {pd.Timestamp("2021-01-01T00:59:59.999Z")}


@case("65")
def test_quarantine_keeps_what_is_needed_to_judge(tables: Tables) -> None:
    rows = tables["quarantine_klines"].set_index("coin")
    assert rows.loc["TORN", "record"] == "1609459200000,1,2"
    assert json.loads(rows.loc["SECONDS", "record"])["open_time"] == NEW_YEAR_2021 // 1000
    assert json.loads(rows.loc["ZERO_PRICE", "record"])["low_price"] == 0
    assert json.loads(rows.loc["WORD_FOR_PRICE", "record"])["open_price"] is None
    assert rows.loc["SECONDS", "reported_at"] == rows.loc["SECONDS", "ingestion_ts"]
    assert rows.loc["ZERO_PRICE", "reported_at"] == rows.loc["ZERO_PRICE", "open_timestamp"] == OPENED


def test_silver_tables_have_their_contracts_columns(tables: Tables) -> None:
    for name, table in tables.items():
        assert tuple(table.columns) == contract_of(name).column_names


def test_silver_by_hand_agrees_with_the_oracle(tables: Tables) -> None:
    assert_same_silver(tables, oracle_silver(RECORDS, LISTINGS))


def test_silver_of_the_exchanges_own_files_agrees_with_the_oracle(spark: SparkSession, shared_data: Path) -> None:
    # The outage of 2020-12-21, then the change from milliseconds to microseconds, monthly and daily files together.
    downloaded = datetime(2025, 3, 5, tzinfo=UTC)
    records = archive_records(shared_data, "monthly/klines/*/1h/*-2020-12.zip", downloaded)
    records += archive_records(shared_data, "monthly/klines/*/1h/*-202[45]-1[12].zip", downloaded)
    records += archive_records(shared_data, "monthly/klines/*/1h/*-2025-01.zip", downloaded)
    records += archive_records(shared_data, "daily/klines/*/1h/*.zip", downloaded - timedelta(days=1))
    tables = build(spark, records, load_listings())
    assert_same_silver(tables, oracle_silver(records, load_listings()))
    fact = tables["fact_1h_klines"]
    outage = datetime(2020, 12, 21, 14, tzinfo=UTC)
    assert fact.loc[fact["open_timestamp"] == outage, ["is_irregular_close", "is_zero_volume"]].to_numpy().all()
    # New Year comes from the daily files although the monthly ones were downloaded later.
    new_year = tables["stage_binance_klines"]["open_timestamp"] == datetime(2025, 1, 1, tzinfo=UTC)
    assert set(tables["stage_binance_klines"].loc[new_year, "source_kind"]) == {"daily_archive"}


def assert_same_silver(tables: Tables, expected: Silver) -> None:
    stage, fact, quarantine = (tables[name] for name in ("stage_binance_klines", "fact_1h_klines", "quarantine_klines"))
    found = stage.set_index(["coin", "open_timestamp"])[["source_sha256", "source_row"]].apply(tuple, axis=1).to_dict()
    assert found == {key: (chosen["sha256"], chosen["source_row"]) for key, chosen in expected.stage.items()}
    refused = zip(quarantine["source_sha256"], quarantine["source_row"], quarantine["reasons"], strict=True)
    assert {(sha256, row): set(reasons) for sha256, row, reasons in refused} == expected.quarantine
    assert len(quarantine) == len(expected.quarantine)
    candles = fact.set_index(["coin", "open_timestamp"]).to_dict("index")
    assert candles.keys() == expected.fact.keys()
    for key, wanted in expected.fact.items():
        got = {name: None if pd.isna(candles[key][name]) else candles[key][name] for name in wanted}
        assert got == wanted
