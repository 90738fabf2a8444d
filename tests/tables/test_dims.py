"""The dimensions: listings by source of what is known of them, and every hour of the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from faults.catalogue import case
from oracle.frames import candles, hour, to_pandas, to_spark
from pyspark.sql import DataFrame, SparkSession

from klineforge.contracts import contract_of
from klineforge.reference.listings import Listing
from klineforge.tables.dims import dim_coins, dim_exchange, dim_timestamp
from klineforge.tables.runs import unbroken_runs

SNAPSHOTS = [
    # The newest snapshot of a symbol counts, whatever the order they came in.
    ("BTCUSDT", "TRADING", "BTC", "USDT", hour(2)),
    ("BTCUSDT", "HALT", "XBT", "USDT", hour(1)),
    ("ADAUSDT", "BREAK", "ADA", "USDT", hour(1)),
    # A status that nobody has heard of.
    ("NEWSUSDT", "POST_ONLY_ON_TUESDAYS", "NEWS", "USDT", hour(1)),
    # The exchange speaks of the asset that the symbol names now.
    ("TWICEUSDT", "TRADING", "TWICE", "USDT", hour(1)),
    ("REUSEDUSDT", "TRADING", "REUSED", "USDT", hour(1)),
    ("UNUSEDUSDT", "TRADING", "UNUSED", "USDT", hour(1)),
]
LISTINGS = (
    Listing("BTCUSDT", 1, "WRONG", "WRONG", valid_from=hour(0)),
    Listing("FTMBNB", 1, "FTM", "BNB", valid_to=hour(5)),
    Listing("LUNAUSDT", 1, "LUNC", "USDT", valid_to=hour(2)),
    Listing("LUNAUSDT", 2, "LUNA", "USDT", valid_from=hour(2)),
    Listing("SUSDT", 1, "S", "USDT", predecessor="FTMUSDT"),
    # Two periods of one asset.
    Listing("BACKUSDT", 1, "BACK", "USDT", valid_from=hour(0), valid_to=hour(2)),
    Listing("BACKUSDT", 1, "BACK", "USDT", valid_from=hour(3), valid_to=hour(9)),
    Listing("TWICEUSDT", 1, "OLD", "USDT", valid_to=hour(2)),
    Listing("TWICEUSDT", 2, "TWICE", "USDT", valid_from=hour(2), predecessor="ONCEUSDT"),
    # Only the first asset has candles.
    Listing("REUSEDUSDT", 1, "USED", "USDT", valid_to=hour(8)),
    Listing("REUSEDUSDT", 2, "REUSED", "USDT", valid_from=hour(9)),
)
COINS = (
    "BTCUSDT",
    "ADAUSDT",
    "NEWSUSDT",
    "FTMBNB",
    "LUNAUSDT",
    "SUSDT",
    "BACKUSDT",
    "TWICEUSDT",
    "REUSEDUSDT",
    "WHOUSDT",
)
FACT = candles({coin: {3: 1, 1: 1, 7: 1} for coin in COINS})
FACT["listing_seq"] = 1 + (FACT["coin"].isin(["LUNAUSDT", "TWICEUSDT"]) & (FACT["open_timestamp"] >= hour(2)))
# On another exchange the same symbol is nothing the seed knows.
FACT = pd.concat([FACT, candles({"LUNAUSDT": {2: 1}}).assign(exchange="other")], ignore_index=True)


def exchange_info(spark: SparkSession, snapshots: list[tuple[str, str, str, str, datetime]]) -> DataFrame:
    rows = [(*row[:4], "{}", row[4], "test://info", "batch") for row in snapshots]
    schema = (
        "symbol STRING, status STRING, base_asset STRING, quote_asset STRING, raw_symbol STRING, "
        "ingestion_ts TIMESTAMP, source_uri STRING, batch_id STRING"
    )
    return spark.createDataFrame(rows, schema)


@pytest.fixture(scope="module")
def coins(spark: SparkSession) -> pd.DataFrame:
    return to_pandas(dim_coins(unbroken_runs(to_spark(spark, FACT)), exchange_info(spark, SNAPSHOTS), LISTINGS))


def listing(coins: pd.DataFrame, coin: str, seq: int = 1, exchange: str = "binance") -> dict[str, Any]:
    found = coins[(coins["coin"] == coin) & (coins["listing_seq"] == seq) & (coins["exchange"] == exchange)]
    assert len(found) == 1
    return {name: None if pd.isna(value) else value for name, value in found.iloc[0].items()}


@case("35", "92", "93", "95")
@pytest.mark.parametrize(
    ("coin", "seq", "expected"),
    [
        ("BTCUSDT", 1, ("BTC", "USDT", True, True, "exchange")),
        ("ADAUSDT", 1, ("ADA", "USDT", True, False, "exchange")),
        ("NEWSUSDT", 1, ("NEWS", "USDT", True, False, "exchange")),
        ("FTMBNB", 1, ("FTM", "BNB", True, False, "seed")),
        ("SUSDT", 1, ("S", "USDT", True, True, "seed")),
        ("LUNAUSDT", 1, ("LUNC", "USDT", False, False, "seed")),
        ("LUNAUSDT", 2, ("LUNA", "USDT", True, True, "seed")),
        ("BACKUSDT", 1, ("BACK", "USDT", True, False, "seed")),
        ("TWICEUSDT", 1, ("OLD", "USDT", False, False, "seed")),
        ("TWICEUSDT", 2, ("TWICE", "USDT", True, True, "exchange")),
        ("REUSEDUSDT", 1, ("USED", "USDT", False, False, "seed")),
        ("WHOUSDT", 1, (None, None, True, None, "unverified")),
    ],
)
def test_listing_is_described_by_the_best_source(
    coins: pd.DataFrame, coin: str, seq: int, expected: tuple[str | None, str | None, bool, bool | None, str]
) -> None:
    row = listing(coins, coin, seq)
    columns = ["base_asset", "quote_asset", "is_current", "is_active", "listing_source"]
    assert tuple(row[name] for name in columns) == expected


def test_listings_are_those_with_candles_and_know_the_first_and_last(coins: pd.DataFrame) -> None:
    assert tuple(coins.columns) == contract_of("dim_coins").column_names
    assert len(coins) == len(COINS) + 3
    times = {(row.coin, row.listing_seq): (row.first_candle, row.last_candle) for row in coins.itertuples()}
    assert times["BTCUSDT", 1] == (hour(1), hour(7))
    assert times["TWICEUSDT", 1] == (hour(1), hour(1))
    assert times["TWICEUSDT", 2] == (hour(3), hour(7))


def test_listing_lasts_from_its_first_period_to_its_last_and_knows_what_it_was(coins: pd.DataFrame) -> None:
    columns = ["valid_from", "valid_to", "predecessor"]
    known = {
        (coin, seq): [listing(coins, coin, seq)[name] for name in columns]
        for coin, seq in (("BTCUSDT", 1), ("BACKUSDT", 1), ("TWICEUSDT", 1), ("TWICEUSDT", 2), ("WHOUSDT", 1))
    }
    assert known == {
        ("BTCUSDT", 1): [hour(0), None, None],
        ("BACKUSDT", 1): [hour(0), hour(9), None],
        ("TWICEUSDT", 1): [None, hour(2), None],
        ("TWICEUSDT", 2): [hour(2), None, "ONCEUSDT"],
        ("WHOUSDT", 1): [None, None, None],
    }


def test_seed_and_snapshots_say_nothing_about_another_exchange(coins: pd.DataFrame) -> None:
    row = listing(coins, "LUNAUSDT", exchange="other")
    assert (row["listing_source"], row["is_current"], row["base_asset"]) == ("unverified", True, None)


def test_coins_without_any_listing_are_unverified(spark: SparkSession) -> None:
    table = to_pandas(dim_coins(unbroken_runs(to_spark(spark, FACT)), exchange_info(spark, []), ()))
    assert set(table["listing_source"]) == {"unverified"}


def test_exchange_knows_its_first_and_last_candle(spark: SparkSession) -> None:
    table = to_pandas(dim_exchange(unbroken_runs(to_spark(spark, FACT))))
    assert tuple(table.columns) == contract_of("dim_exchange").column_names
    row = table.loc[0]
    assert (row["exchange_name"], row["timezone"], row["first_candle"]) == ("Binance", "UTC", hour(1))


def test_timestamp_holds_every_hour_of_the_years_with_candles(spark: SparkSession) -> None:
    years = (2016, 2020, 2021)
    fact = pd.concat([candles({"A": {0: 1}}).assign(open_timestamp=datetime(year, 6, 1, tzinfo=UTC)) for year in years])
    table = to_pandas(dim_timestamp(unbroken_runs(to_spark(spark, fact)))).sort_values("ts", ignore_index=True)
    assert tuple(table.columns) == contract_of("dim_timestamp").column_names
    expected = pd.DataFrame([parts(opened) for year in years for opened in hours_of(year)], columns=table.columns)
    pd.testing.assert_frame_equal(table.astype(object), expected.astype(object))


def hours_of(year: int) -> list[datetime]:
    first, following = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    return [first + timedelta(hours=n) for n in range((following - first) // timedelta(hours=1))]


def parts(ts: datetime) -> tuple[object, ...]:
    hour_of_day, weekday = ts.hour, ts.isoweekday() % 7
    name = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"][weekday]
    sessions = hour_of_day <= 7, 7 <= hour_of_day <= 15, 13 <= hour_of_day <= 20
    calendar = ts.date(), hour_of_day, ts.day, ts.month, ts.year, weekday, name, ts.isocalendar().week
    return pd.Timestamp(ts).as_unit("us"), *calendar, weekday in {0, 6}, *sessions
