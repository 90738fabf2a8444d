"""Indicators: cases by hand, random markets with every oddity, and the same bits from a part of history."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from oracle.comparison import assert_same_table
from oracle.frames import candles, hour, to_pandas, to_spark
from oracle.indicators import oracle_indicators
from oracle.marts import KEY, oracle_returns, oracle_volume
from pyspark.sql import SparkSession

from klineforge.contracts import contract_of
from klineforge.domain.hours import Span
from klineforge.domain.scope import Scope
from klineforge.recipes import marts as recipes
from klineforge.tables.indicators import indicators_1h

REFERENCE = "REF"
Marts = tuple[pd.DataFrame, pd.DataFrame]


def marts(rows: pd.DataFrame) -> Marts:
    """What indicators are made of, by the oracle."""
    return oracle_returns(rows), oracle_volume(rows)


def indicators(spark: SparkSession, inputs: Marts, least: int = 3) -> pd.DataFrame:
    return to_pandas(indicators_1h(*(to_spark(spark, frame) for frame in inputs), REFERENCE, least))


# Rises by 1 for 20 hours, stands still for one, falls by 2 for 8; hour 29 is missing.
UP = {number: 100.0 + number for number in range(20)} | {20: 119.0}
PATH = UP | {21 + step: 117.0 - 2 * step for step in range(8)} | {30: 103.0, 31: 104.0}
QUIET = {"QUIET": dict.fromkeys(range(32), 0.0)}


@pytest.fixture(scope="module")
def mart(spark: SparkSession) -> pd.DataFrame:
    # REF moves by a half of what COIN moves, hour by hour; QUIET stands still and nobody trades it.
    half = {0: 50.0}
    for number in range(1, 29):
        half[number] = half[number - 1] * (1 + (PATH[number] / PATH[number - 1] - 1) / 2)
    coins = {"COIN": PATH, REFERENCE: half, "QUIET": dict.fromkeys(range(32), 7.0)}
    return indicators(spark, marts(candles(coins, QUIET)))


def figures(mart: pd.DataFrame, coin: str, number: int, *names: str) -> list[Any]:
    (row,) = mart[(mart["coin"] == coin) & (mart["open_timestamp"] == hour(number))].to_dict("records")
    return [None if pd.isna(row[name]) else row[name] for name in names]


def test_indicators_rsi_begins_with_the_mean_of_fourteen_changes_and_goes_on_by_wilder(mart: pd.DataFrame) -> None:
    assert figures(mart, "COIN", 13, "rsi_14") == [None], "thirteen changes"
    assert figures(mart, "COIN", 14, "rsi_14") == [100.0]
    # Averages at hour 19: gain 1, loss 0. Then a change of zero and one of -2: gain (13/14)^2, loss 2/14.
    gain, loss = (13 / 14) ** 2, 2 / 14
    assert figures(mart, "COIN", 21, "rsi_14") == [pytest.approx(100 * gain / (gain + loss), rel=1e-12)]
    # A missing hour passes: the first candle after it has no change and the index of the one before.
    assert figures(mart, "COIN", 30, "rsi_14") == figures(mart, "COIN", 28, "rsi_14")
    assert figures(mart, "QUIET", 31, "rsi_14") == [None], "nothing moved"


def test_indicators_day_needs_the_candle_of_exactly_a_day_before(mart: pd.DataFrame) -> None:
    names = ("return_24h", "trend_persistence_24h", "efficiency_ratio_24h")
    assert figures(mart, "COIN", 23, *names) == [None, None, None]
    # From 100 at hour 0 to 111 at hour 24: 19 rises of 1, a standstill, 4 falls of 2.
    assert figures(mart, "COIN", 24, *names) == [pytest.approx(0.11), pytest.approx(19 / 24), pytest.approx(11 / 27)]
    # From 106 to 103 with 22 returns, 8 of them falls; the changes of two hours are missing.
    assert figures(mart, "COIN", 30, *names) == [pytest.approx(103 / 106 - 1), pytest.approx(8 / 22), None]
    assert figures(mart, "QUIET", 31, *names) == [0.0, None, None]


def test_indicators_run_ends_at_a_standstill_and_at_a_gap(mart: pd.DataFrame) -> None:
    runs = {number: figures(mart, "COIN", number, "trend_run_hours")[0] for number in (0, 1, 19, 20, 21, 28, 30, 31)}
    assert runs == {0: 0, 1: 1, 19: 19, 20: 0, 21: -1, 28: -8, 30: 0, 31: 1}


def test_indicators_without_trades_have_no_figures_of_volume(mart: pd.DataFrame) -> None:
    names = ("vwap_deviation", "share_above_vwap_24h", "vwap_observations_24h", "volume_ratio_30d", "observations_720h")
    assert figures(mart, "QUIET", 31, *names) == [None, None, 0, None, 32]
    # Two candles, one unit each: VWAP 100.5, volume 2 against a mean of 1.5; the first closed at its VWAP.
    assert figures(mart, "COIN", 1, *names) == [pytest.approx(101 / 100.5 - 1), 0.5, 2, pytest.approx(4 / 3), 2]


def test_indicators_beta_is_to_the_reference_and_of_enough_hours(mart: pd.DataFrame) -> None:
    names = ("beta_720h", "beta_observations_720h")
    assert figures(mart, "COIN", 2, *names) == [None, 2]
    assert figures(mart, "COIN", 28, *names) == [pytest.approx(2.0), 28]
    assert figures(mart, REFERENCE, 28, *names) == [1.0, 28]
    assert figures(mart, "QUIET", 28, *names) == [0.0, 28]
    assert figures(mart, "COIN", 31, *names) == [None, 0], "the reference has no candle"


def odd_market(seed: int, hours: int = 2000) -> pd.DataFrame:
    """Three coins over three months with gaps, standstills and hours without trades; the reference is renamed once."""
    random = np.random.default_rng(seed)
    closes, volumes = {}, {}
    for coin in ("AAA", "BBB", REFERENCE):
        steps = random.choice([0.0, 1.0, 40.0], hours, p=[0.2, 0.795, 0.005]) * random.normal(0, 0.01, hours)
        kept = np.flatnonzero(random.random(hours) > 0.01)
        price = 100 * np.exp(np.cumsum(steps))
        closes[coin] = {
            int(number): float(price[number]) for number in kept if not 300 <= number < 300 + 40 * len(coin)
        }
        volumes[coin] = {number: float(random.choice([0.0, random.lognormal(3, 2)])) for number in closes[coin]}
        volumes[coin] |= {number: 0.0 for number in volumes[coin] if 900 <= number < 950}
    closes["AAA"] |= {number: 90.0 + number / 100 for number in range(1000, 1300)}
    volumes["AAA"] |= dict.fromkeys(range(1000, 1300), 1.0)
    rows = candles(closes, volumes)
    renamed = (rows["coin"] == REFERENCE) & (rows["open_timestamp"] >= hour(1500))
    rows.loc[renamed, "listing_seq"] = 2
    return rows


@pytest.fixture(scope="module")
def odd() -> Marts:
    return marts(odd_market(20_221_108))


@pytest.fixture(scope="module")
def of_odd(spark: SparkSession, odd: Marts) -> pd.DataFrame:
    return indicators(spark, odd, 100).sort_values(KEY, ignore_index=True)


def test_indicators_of_an_odd_market_agree_with_the_oracle_on_every_row(odd: Marts, of_odd: pd.DataFrame) -> None:
    assert tuple(of_odd.columns) == contract_of("mart_indicators_1h").column_names
    assert set(of_odd["trend_run_hours"]) >= {-5, 0, 5, 168}
    assert of_odd["beta_720h"].isna().any()
    expected = oracle_indicators(*odd, REFERENCE, 100)
    assert_same_table(of_odd, expected.assign(undecided=False), KEY)


def test_indicators_have_the_same_bits_from_two_months_as_from_all_of_history(
    spark: SparkSession, odd: Marts, of_odd: pd.DataFrame
) -> None:
    first = hour(31 * 24 + 30 * 24 + 100)
    reaches = recipes.indicators(REFERENCE, 100).inputs.values()
    recent = (
        frame[frame["open_timestamp"] >= first - reach.back].sample(frac=1, random_state=1)
        for frame, reach in zip(odd, reaches, strict=True)
    )
    part = to_pandas(indicators_1h(*(to_spark(spark, frame).repartition(3) for frame in recent), REFERENCE, 100))
    found, whole = (
        frame[frame["open_timestamp"] >= first].sort_values(KEY, ignore_index=True) for frame in (part, of_odd)
    )
    assert len(whole) > 1000
    pd.testing.assert_frame_equal(found, whole, check_exact=True)


def test_indicators_of_the_rows_asked_for_have_the_same_bits_as_among_all(
    spark: SparkSession, odd: Marts, of_odd: pd.DataFrame
) -> None:
    # The end of a month; hours around a renaming of the reference, with those 720 hours after it in between left out.
    spans = [Span(hour(first), hour(last)) for first, last in ((730, 748), (1495, 1507))]
    asked = Scope(("exchange",), {(str(of_odd["exchange"][0]),): tuple(spans)})
    inputs = (to_spark(spark, frame) for frame in odd)
    part = to_pandas(indicators_1h(*inputs, REFERENCE, 100, asked=asked))
    wanted = [
        (frame["open_timestamp"] >= span.start) & (frame["open_timestamp"] < span.end)
        for frame in (part, of_odd)
        for span in spans
    ]
    found, whole = (
        frame[first | second].sort_values(KEY, ignore_index=True)
        for frame, first, second in ((part, *wanted[:2]), (of_odd, *wanted[2:]))
    )
    assert len(part) < len(of_odd) / 2, "others are left out"
    assert len(whole) == 90
    pd.testing.assert_frame_equal(found, whole, check_exact=True)


def test_indicators_rsi_is_the_textbooks_of_all_of_history(of_odd: pd.DataFrame, odd: Marts) -> None:
    returns = odd[0]
    for coin in ("AAA", "BBB"):
        rows = returns[returns["coin"] == coin].sort_values("open_timestamp")
        steps = (rows["close_price"] - rows["prev_close"]).to_numpy()
        gain = loss = 0.0
        seen, textbook = 0, []
        for step in steps:
            if not np.isnan(step):
                seen += 1
                share = 1 / min(seen, 14)
                gain += share * (max(step, 0.0) - gain)
                loss += share * (max(-step, 0.0) - loss)
            textbook.append(100 * gain / (gain + loss) if seen >= 14 else np.nan)
        found = of_odd.loc[of_odd["coin"] == coin, "rsi_14"].to_numpy()
        np.testing.assert_allclose(found, textbook, rtol=0, atol=1e-9)
