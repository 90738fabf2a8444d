"""Stretches without candles: cases by hand, the oracle, and the real outages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from faults.catalogue import case
from oracle.frames import candles, hour, real_candles, to_pandas, to_spark
from oracle.silver import oracle_gaps
from pyspark.sql import SparkSession

from klineforge.contracts import contract_of
from klineforge.reference.listings import Listing, load_listings
from klineforge.tables.gaps import missing_stretches
from klineforge.tables.runs import unbroken_runs

# Hours 2 and 3 are missing everywhere they could be; hour 5 of A only; hour 8 is before LATE and after EARLY.
HOURS = {
    "A": [0, 1, 4, 6, 7, 9, 10],
    "EARLY": [0, 1, 4, 5],
    "LATE": [9, 10],
    "FULL": [4, 5, 6, 7],
}
CASES = candles({coin: dict.fromkeys(hours, 1.0) for coin, hours in HOURS.items()})
ALONE = candles({"A": {0: 1, 2: 1}}).assign(exchange="alone")

# An outage of the hours 4 to 7 and one of the hours 20 to 22, while coins come, go and come again.
LIFE = {
    "STAYS": [*range(4), *range(8, 20), *range(23, 40)],
    # Starts in the middle of hour 10.
    "NEW": [*range(10, 20), *range(23, 40)],
    # Ends in the middle of hour 11; a hole of its own before.
    "GONE": [0, 1, 2, 3, 8, 10, 11],
    # One asset until hour 5, another from hour 21: the outages belong to neither.
    "REUSED": [*range(4), 23, *range(25, 40)],
    # Taken off twice; the last period ends with hour 36.
    "BACK": [0, 8, 9, 12, 13, 30, *range(32, 37)],
    # Known to begin, but its first candle is later.
    "AWAITED": [30, 31, *range(33, 40)],
}
LISTINGS = (
    Listing("NEW", 1, "NEW", "", valid_from=hour(10) + timedelta(minutes=30)),
    Listing("GONE", 1, "GONE", "", valid_to=hour(11) + timedelta(minutes=1)),
    Listing("REUSED", 1, "OLD", "", valid_to=hour(5)),
    Listing("REUSED", 2, "NEW", "", valid_from=hour(21)),
    Listing("BACK", 1, "BACK", "", valid_from=hour(0) - timedelta(days=9), valid_to=hour(10)),
    Listing("BACK", 1, "BACK", "", valid_from=hour(12), valid_to=hour(14)),
    Listing("BACK", 1, "BACK", "", valid_from=hour(30), valid_to=hour(37)),
    Listing("AWAITED", 1, "AWAITED", "", valid_from=hour(26)),
    Listing("STAYS", 1, "STAYS", ""),
    Listing("NOBODY", 1, "NOBODY", "", valid_to=hour(2)),
)
Gaps = dict[tuple[str, datetime], tuple[datetime, int, str]]


def gaps_of(spark: SparkSession, history: pd.DataFrame, listings: Sequence[Listing] = ()) -> pd.DataFrame:
    return to_pandas(missing_stretches(unbroken_runs(to_spark(spark, history)), listings))


@pytest.fixture(scope="module")
def gaps(spark: SparkSession) -> pd.DataFrame:
    return gaps_of(spark, pd.concat([CASES, ALONE], ignore_index=True))


def told(gaps: pd.DataFrame) -> Gaps:
    return {(row.coin, row.gap_start): (row.gap_end, row.gap_hours, row.kind) for row in gaps.itertuples()}


def of_coin(gaps: pd.DataFrame, exchange: str, coin: str) -> list[tuple[datetime, datetime, str]]:
    rows = gaps[(gaps["exchange"] == exchange) & (gaps["coin"] == coin)].sort_values("gap_start")
    return list(zip(rows["gap_start"], rows["gap_end"], rows["kind"], strict=True))


@case("59")
def test_hours_that_every_listed_coin_lacks_are_an_outage(gaps: pd.DataFrame) -> None:
    outage = (hour(2), hour(4), "exchange_outage")
    assert of_coin(gaps, "binance", "EARLY") == [outage]
    assert of_coin(gaps, "binance", "A")[0] == outage


@case("60")
def test_hour_that_one_coin_lacks_is_unexplained(gaps: pd.DataFrame) -> None:
    assert of_coin(gaps, "binance", "A")[1] == (hour(5), hour(6), "unexplained")


def test_hour_with_one_listed_coin_is_unexplained(gaps: pd.DataFrame) -> None:
    assert of_coin(gaps, "binance", "A")[2] == (hour(8), hour(9), "unexplained")
    assert of_coin(gaps, "alone", "A") == [(hour(1), hour(2), "unexplained")]


def test_coins_without_holes_have_no_rows(gaps: pd.DataFrame) -> None:
    assert set(gaps["coin"]) == {"A", "EARLY"}


def test_gaps_have_the_contracts_columns_and_agree_with_the_oracle(gaps: pd.DataFrame) -> None:
    assert tuple(gaps.columns) == contract_of("kline_gaps").column_names
    expected = oracle_gaps({coin: {hour(n) for n in hours} for coin, hours in HOURS.items()})
    assert told(gaps[gaps["exchange"] == "binance"]) == expected


@pytest.fixture(scope="module")
def life(spark: SparkSession) -> pd.DataFrame:
    history = candles({coin: dict.fromkeys(hours, 1.0) for coin, hours in LIFE.items()})
    seq = np.where((history["coin"] == "REUSED") & (history["open_timestamp"] >= hour(21)), 2, 1)
    # On another exchange the same names mean nothing to the seed.
    other = candles({"NEW": {0: 1, 20: 1}, "STAYS": {0: 1, 1: 1}}).assign(exchange="other")
    return gaps_of(spark, pd.concat([history.assign(listing_seq=seq), other], ignore_index=True), LISTINGS)


@case("94")
@pytest.mark.parametrize(
    ("coin", "expected"),
    [
        ("STAYS", [(4, 8, "exchange_outage"), (20, 23, "exchange_outage")]),
        ("NEW", [(0, 10, "not_listed_yet"), (20, 23, "exchange_outage")]),
        ("GONE", [(4, 8, "exchange_outage"), (9, 10, "unexplained"), (12, 40, "delisted")]),
        (
            "REUSED",
            [(4, 5, "exchange_outage"), (5, 21, "delisted"), (21, 23, "exchange_outage"), (24, 25, "unexplained")],
        ),
        (
            "BACK",
            [
                (1, 4, "unexplained"),
                (4, 8, "exchange_outage"),
                (10, 12, "delisted"),
                (14, 30, "delisted"),
                (31, 32, "unexplained"),
                (37, 40, "delisted"),
            ],
        ),
        ("AWAITED", [(0, 26, "not_listed_yet"), (32, 33, "unexplained")]),
    ],
)
def test_hours_without_a_listing_are_told_apart_from_hours_that_are_missing(
    life: pd.DataFrame, coin: str, expected: list[tuple[int, int, str]]
) -> None:
    assert of_coin(life, "binance", coin) == [(hour(start), hour(end), kind) for start, end, kind in expected]


def test_gaps_between_listings_agree_with_the_oracle(life: pd.DataFrame) -> None:
    expected = oracle_gaps({coin: {hour(n) for n in hours} for coin, hours in LIFE.items()}, LISTINGS)
    assert told(life[life["exchange"] == "binance"]) == expected


def test_seed_says_nothing_about_another_exchange(life: pd.DataFrame) -> None:
    assert of_coin(life, "other", "NEW") == [(hour(1), hour(20), "unexplained")]
    assert of_coin(life, "other", "STAYS") == []


# First hour and length of the hours that BTCUSDT lacks (exchange-protocols §1.8).
OUTAGES = (
    (1504717200, 6), (1515038400, 1), (1518051600, 32), (1529978400, 10), (1530104400, 1), (1530666000, 7),
    (1539928800, 3), (1542160800, 7), (1552356000, 6), (1557889200, 10), (1565834400, 8), (1573610400, 2),
    (1574647200, 2), (1581213600, 1), (1582113600, 5), (1583316000, 1), (1587780000, 2), (1593309600, 3),
    (1606716000, 1), (1608562800, 3), (1608861600, 1), (1613016000, 1), (1614996000, 1), (1618884000, 2),
    (1619326800, 3), (1628820000, 4), (1632898800, 2), (1679662800, 1),
)  # fmt: skip


@case("59")
def test_the_126_hours_that_binance_was_down_are_28_outages(spark: SparkSession) -> None:
    first, end = datetime(2017, 8, 17, 4, tzinfo=UTC), datetime(2023, 3, 25, tzinfo=UTC)
    outages = [(datetime.fromtimestamp(start, UTC), length) for start, length in OUTAGES]
    down = {start + timedelta(hours=n) for start, length in outages for n in range(length)}
    up = [moment for moment in pd.date_range(first, end, freq="h", inclusive="left", unit="us") if moment not in down]
    assert len(down) == 126
    history = pd.DataFrame({"exchange": "binance", "listing_seq": 1, "open_timestamp": up})
    history = pd.concat([history.assign(coin=coin) for coin in ("BTCUSDT", "ETHUSDT")])
    found = gaps_of(spark, history, load_listings())
    for coin in ("BTCUSDT", "ETHUSDT"):
        assert of_coin(found, "binance", coin) == [
            (start, start + timedelta(hours=length), "exchange_outage") for start, length in outages
        ]


@case("59")
def test_gaps_of_real_candles_are_the_known_outages(spark: SparkSession, shared_data: Path) -> None:
    # 2019 to 2022: numbers 9 to 27 of the list. The one of 2020-12-21 is an hour longer here: these candles come from
    # REST, which has no flat candle at 14:00.
    start, end = datetime(2019, 1, 1, tzinfo=UTC), datetime(2022, 6, 1, tzinfo=UTC)
    history = real_candles(shared_data, ("BTCUSDT", "ETHUSDT", "SOLUSDT"), start, end)
    gaps = gaps_of(spark, history, load_listings())
    longer = datetime(2020, 12, 21, 15, tzinfo=UTC)
    known = [(datetime.fromtimestamp(first, UTC), timedelta(hours=length)) for first, length in OUTAGES[8:27]]
    outages = [(first - timedelta(hours=first == longer), first + length, "exchange_outage") for first, length in known]
    assert of_coin(gaps, "binance", "BTCUSDT") == of_coin(gaps, "binance", "ETHUSDT") == outages
    listed = datetime(2020, 8, 11, 6, tzinfo=UTC)
    later = [outage for outage in outages if outage[0] > listed]
    assert of_coin(gaps, "binance", "SOLUSDT") == [(start, listed, "not_listed_yet"), *later]
