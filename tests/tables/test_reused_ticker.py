"""One symbol, two assets: LUNAUSDT from one archive file of May 2022, and the same without a hole between them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from faults.catalogue import case
from oracle.bronze import bronze, record
from oracle.frames import to_pandas, to_spark
from pyspark.sql import SparkSession

from klineforge.reference.listings import Listing, load_listings
from klineforge.tables.correlations import correlations_1h
from klineforge.tables.dims import dim_coins
from klineforge.tables.fact import accepted_candles
from klineforge.tables.gaps import missing_stretches
from klineforge.tables.quarantine import quarantined_records
from klineforge.tables.returns import returns_1h
from klineforge.tables.runs import unbroken_runs
from klineforge.tables.stage import stage_binance_klines
from klineforge.tables.volume import volume_metrics_1h

HOUR = timedelta(hours=1)
OLD_ENDS, NEW_BEGINS = datetime(2022, 5, 26, 15, tzinfo=UTC), datetime(2022, 5, 31, 6, tzinfo=UTC)
SPAN = 30
# TIGHTUSDT changes its asset from one hour to the next.
LISTINGS = (
    *load_listings(),
    Listing("TIGHTUSDT", 1, "OLD", "USDT", valid_to=OLD_ENDS),
    Listing("TIGHTUSDT", 2, "NEW", "USDT", valid_from=OLD_ENDS),
)
BORDERS = {"LUNAUSDT": NEW_BEGINS, "TIGHTUSDT": OLD_ENDS}
Tables = dict[str, pd.DataFrame]


def records() -> Iterator[dict[str, Any]]:
    """The old asset at 80, the new one at 9, and candles of the days on which there was neither."""
    for coin, border in BORDERS.items():
        for number in range(SPAN):
            yield _candle(coin, OLD_ENDS - HOUR * (number + 1), 80 - number % 3)
            yield _candle(coin, border + HOUR * number, 9 - number % 2 * 0.5 - number % 5 * 0.1)
    yield _candle("LUNAUSDT", OLD_ENDS, 0.0001)
    yield _candle("LUNAUSDT", NEW_BEGINS - HOUR, 0.0001)
    opened = OLD_ENDS - SPAN * HOUR
    while opened < NEW_BEGINS + SPAN * HOUR:
        yield _candle("BTCUSDT", opened, 30_000 + opened.hour % 7 * 100)
        opened += HOUR


def _candle(coin: str, opened: datetime, price: float) -> dict[str, Any]:
    prices = dict.fromkeys(("open", "high", "low", "close"), f"{price:.8f}")
    row = (opened - OLD_ENDS) // HOUR + 1000
    return record(row, coin=coin, open_time=int(opened.timestamp() * 1000), **prices, ingestion_ts=opened + 9 * HOUR)


@pytest.fixture(scope="module")
def tables(spark: SparkSession) -> Tables:
    klines = bronze(spark, list(records()))
    stage = to_spark(spark, to_pandas(stage_binance_klines(klines)))
    fact = to_pandas(accepted_candles(stage, LISTINGS))
    candles = to_spark(spark, fact)
    runs = to_spark(spark, to_pandas(unbroken_runs(candles)))
    texts = ", ".join(f"{name} STRING" for name in ("symbol", "status", "base_asset", "quote_asset", "raw_symbol"))
    nothing = spark.createDataFrame([], f"{texts}, ingestion_ts TIMESTAMP")
    made = {
        "quarantine": quarantined_records(stage, klines, LISTINGS),
        "gaps": missing_stretches(runs, LISTINGS),
        "coins": dim_coins(runs, nothing, LISTINGS),
        "returns": returns_1h(candles),
        "volume": volume_metrics_1h(candles),
        "correlations": correlations_1h(candles, 12),
    }
    return {"fact": fact, "runs": to_pandas(runs), **{name: to_pandas(frame) for name, frame in made.items()}}


def at(table: pd.DataFrame, opened: datetime, **key: str) -> dict[str, Any]:
    """The row of an hour, with None for null."""
    rows = table[table["open_timestamp"] == opened]
    for column, value in key.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1
    return {name: None if pd.isna(value) else value for name, value in rows.iloc[0].items()}


@case("93")
def test_file_that_holds_both_assets_is_split_at_the_border(tables: Tables) -> None:
    luna = tables["fact"][tables["fact"]["coin"] == "LUNAUSDT"].sort_values("open_timestamp")
    assert luna["listing_seq"].tolist() == [1] * SPAN + [2] * SPAN
    assert luna["close_price"].tolist()[SPAN - 1 : SPAN + 1] == [80, 9]
    assert luna["open_timestamp"].tolist()[SPAN - 1 : SPAN + 1] == [OLD_ENDS - HOUR, NEW_BEGINS]
    refused = tables["quarantine"]
    assert set(refused["open_timestamp"]) == {OLD_ENDS, NEW_BEGINS - HOUR}
    assert {tuple(reasons) for reasons in refused["reasons"]} == {("outside_listing",)}


@case("93", "95")
@pytest.mark.parametrize("coin", BORDERS)
def test_new_asset_begins_without_a_past(tables: Tables, coin: str) -> None:
    old = at(tables["returns"], OLD_ENDS - HOUR, coin=coin)
    assert (old["listing_seq"], old["running_peak_price"], old["prev_close"]) == (1, 80, 79)
    new = at(tables["returns"], BORDERS[coin], coin=coin)
    assert (new["listing_seq"], new["close_price"], new["running_peak_price"], new["drawdown_pct"]) == (2, 9, 9, 0)
    empty = ("prev_close", "return_pct", "log_return", "rolling_vol_24h", "volatility_regime")
    assert [new[name] for name in empty] == [None] * len(empty)
    assert new["observations_24h"] == 0
    lowest = tables["returns"][(tables["returns"]["coin"] == coin) & (tables["returns"]["listing_seq"] == 2)]
    assert lowest["drawdown_pct"].min() > -0.2, "never measured from the old asset's 80"
    volume = at(tables["volume"], BORDERS[coin], coin=coin)
    assert (volume["observations_24h"], volume["volume_spike_ratio"]) == (1, 1)


@case("93", "95")
@pytest.mark.parametrize("coin", BORDERS)
def test_new_asset_is_not_correlated_by_the_moves_of_the_old_one(tables: Tables, coin: str) -> None:
    pair = {"base_coin": "BTCUSDT", "related_coin": coin}
    assert at(tables["correlations"], OLD_ENDS - HOUR, **pair)["observations_24h"] == 24
    for number in range(SPAN):
        row = at(tables["correlations"], BORDERS[coin] + number * HOUR, **pair)
        assert row["observations_24h"] == min(number, 24)
        assert (row["corr_24h"] is None) == (number < 12)
        assert number > 12 or not row["corr_breakdown_alerts"]


@case("93")
def test_hours_between_two_assets_are_no_missing_hours(tables: Tables) -> None:
    gaps = tables["gaps"][tables["gaps"]["coin"] == "LUNAUSDT"]
    assert gaps[["gap_start", "gap_end", "kind"]].to_numpy().tolist() == [[OLD_ENDS, NEW_BEGINS, "delisted"]]
    assert tables["gaps"][tables["gaps"]["coin"] == "TIGHTUSDT"].empty
    runs = tables["runs"][tables["runs"]["coin"] == "TIGHTUSDT"].sort_values("first_hour")
    assert runs["listing_seq"].tolist() == [1, 2]
    assert runs["first_hour"].tolist()[1] - runs["last_hour"].tolist()[0] == HOUR


@case("93")
def test_two_assets_are_two_rows_of_the_dimension(tables: Tables) -> None:
    coins = tables["coins"][tables["coins"]["coin"] == "LUNAUSDT"].sort_values("listing_seq")
    known = coins[["listing_seq", "base_asset", "is_current", "is_active"]]
    assert known.to_numpy().tolist() == [[1, "LUNC", False, False], [2, "LUNA", True, True]]
    assert coins["last_candle"].tolist()[0] == OLD_ENDS - HOUR
    assert coins["first_candle"].tolist()[1] == NEW_BEGINS
