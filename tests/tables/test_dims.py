"""The dimensions: coins by source of their listing, and every hour of the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
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
    ("UNUSEDUSDT", "TRADING", "UNUSED", "USDT", hour(1)),
]
LISTINGS = (
    Listing("BTCUSDT", 1, "WRONG", "WRONG"),
    Listing("FTMBNB", 1, "FTM", "BNB", valid_to=hour(5)),
    Listing("LUNAUSDT", 1, "LUNC", "USDT", valid_to=hour(1)),
    Listing("LUNAUSDT", 2, "LUNA", "USDT", valid_from=hour(2)),
)
FACT = candles({coin: {3: 1, 1: 1, 7: 1} for coin in ("BTCUSDT", "ADAUSDT", "FTMBNB", "LUNAUSDT", "WHOUSDT")})


def exchange_info(spark: SparkSession, snapshots: list[tuple[str, str, str, str, datetime]]) -> DataFrame:
    rows = [(*row[:4], "{}", row[4], "test://info", "batch") for row in snapshots]
    schema = (
        "symbol STRING, status STRING, base_asset STRING, quote_asset STRING, raw_symbol STRING, "
        "ingestion_ts TIMESTAMP, source_uri STRING, batch_id STRING"
    )
    return spark.createDataFrame(rows, schema)


@pytest.fixture(scope="module")
def coins(spark: SparkSession) -> pd.DataFrame:
    fact = to_spark(spark, FACT)
    return to_pandas(dim_coins(unbroken_runs(fact), exchange_info(spark, SNAPSHOTS), LISTINGS)).set_index(
        "coin", drop=False
    )


@pytest.mark.parametrize(
    ("coin", "expected"),
    [
        ("BTCUSDT", ("BTC", "USDT", True, "exchange")),
        ("ADAUSDT", ("ADA", "USDT", False, "exchange")),
        ("FTMBNB", ("FTM", "BNB", False, "seed")),
        ("LUNAUSDT", ("LUNA", "USDT", True, "seed")),
        ("WHOUSDT", (None, None, None, "unverified")),
    ],
)
def test_coin_is_described_by_the_best_source(
    coins: pd.DataFrame, coin: str, expected: tuple[str | None, str | None, bool | None, str]
) -> None:
    columns = ["base_asset", "quote_asset", "is_active", "listing_source"]
    assert tuple(coins.loc[coin, columns]) == expected


def test_coins_are_those_with_candles_and_know_the_first_and_last(coins: pd.DataFrame) -> None:
    assert tuple(coins.columns) == contract_of("dim_coins").column_names
    assert set(coins["coin"]) == set(FACT["coin"])
    assert set(coins["first_candle"]) == {hour(1)}
    assert set(coins["last_candle"]) == {hour(7)}


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
