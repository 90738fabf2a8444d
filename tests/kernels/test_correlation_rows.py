"""The stream of correlation rows against the oracle, without Spark."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.correlations import KEY, TOLERANCE, oracle_correlations
from oracle.frames import real_candles, with_utc_microseconds

from klineforge.contracts.marts import MART_CORRELATIONS
from klineforge.kernels import correlation_rows as module
from klineforge.kernels.correlation_rows import ROWS, correlation_rows

NEW_YEAR = datetime(2021, 12, 31, tzinfo=UTC)
ARROW = {
    "STRING": pa.string(),
    "INT": pa.int32(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
}


def stream(history: pd.DataFrame, fewest: int = 12) -> pa.RecordBatchReader:
    return correlation_rows(pa.Table.from_pandas(history, preserve_index=False), fewest)


def history(
    seed: int,
    coins: dict[str, float],
    hours: int,
    exchange: str = "binance",
    reused: Mapping[str, int] = MappingProxyType({}),
) -> pd.DataFrame:
    """Random walks of coins from the last day of 2021 on, in no order.

    Args:
        seed: Decides the prices and which hours are missing.
        coins: The share of each coin's hours that is missing.
        hours: Length.
        exchange: Exchange code.
        reused: Coins that name another asset from an hour on.
    """
    generator = np.random.default_rng(seed)
    parts = []
    for coin, missing in coins.items():
        close = 100 * np.exp(np.cumsum(generator.choice([0.0, 0.01, -0.02, 0.003], hours)))
        opened = pd.date_range(NEW_YEAR, periods=hours, freq="h", unit="us")
        part = pd.DataFrame({"exchange": exchange, "coin": coin, "open_timestamp": opened, "close_price": close})
        part["listing_seq"] = 1 + (np.arange(hours) >= reused.get(coin, hours))
        parts.append(part[generator.random(hours) >= missing])
    return with_utc_microseconds(pd.concat(parts).sample(frac=1, random_state=seed))


def assert_oracle(candles: pd.DataFrame, fewest: int) -> None:
    found = stream(candles, fewest).read_pandas().sort_values(KEY, ignore_index=True)
    wanted = oracle_correlations(candles, fewest).sort_values(KEY, ignore_index=True)
    pd.testing.assert_frame_equal(found[KEY], wanted[KEY])
    assert found["observations_24h"].tolist() == wanted["observations_24h"].tolist()
    np.testing.assert_allclose(found["corr_24h"], wanted["corr_24h"].astype(float), rtol=0, atol=TOLERANCE)
    decided = ~wanted["undecided"].to_numpy(bool)
    for column in ("correlation_regime", "corr_breakdown_alerts"):
        assert found[column][decided].tolist() == wanted[column][decided].tolist()
    assert found["year"].tolist() == found["open_timestamp"].dt.year.tolist()


def test_rows_have_the_columns_of_the_contract() -> None:
    contract = MART_CORRELATIONS.all_columns
    assert [(field.name, field.type, field.nullable) for field in ROWS] == [
        (column.name, ARROW[column.type], column.nullable) for column in contract
    ]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.lists(st.sampled_from([0.0, 0.05, 0.5, 0.97]), min_size=1, max_size=4),
    st.dictionaries(st.sampled_from(["C0", "C1", "C2"]), st.integers(1, 79)),
)
def test_rows_of_random_histories_over_new_year_equal_the_oracle(
    seed: int, missing: list[float], reused: dict[str, int]
) -> None:
    candles = history(seed, {f"C{number}": share for number, share in enumerate(missing)}, 80, reused=reused)
    if candles.empty:
        candles = history(seed, {"C0": 0.0}, 80)
    assert_oracle(candles, 6)


def test_rows_of_real_candles_with_outages_and_late_listings_equal_the_oracle(shared_data: Path) -> None:
    coins = ("BTCUSDT", "ETHUSDT", "DOGEUSDT", "SOLUSDT", "AVAXUSDT")
    start, end = datetime(2020, 8, 1, tzinfo=UTC), datetime(2021, 1, 10, tzinfo=UTC)
    assert_oracle(real_candles(shared_data, coins, start, end), 12)


def test_exchanges_are_not_correlated_with_each_other() -> None:
    one = history(1, {"A": 0.1, "B": 0.2}, 70)
    other = history(2, {"A": 0.0, "B": 0.1, "C": 0.3}, 40, exchange="other")
    assert_oracle(pd.concat([other, one]), 6)


def test_rows_do_not_depend_on_how_hours_and_pairs_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    candles = history(4, {"A": 0.0, "B": 0.1, "C": 0.3, "D": 0.0}, 120)
    whole = stream(candles).read_pandas().sort_values(KEY, ignore_index=True)
    monkeypatch.setattr(module, "_CELLS_PER_PART", 40)
    monkeypatch.setattr(module, "_ROWS_PER_BATCH", 10)
    monkeypatch.setattr(module, "_BYTES_PER_BLOCK", 4_000)
    batches = list(stream(candles))
    cut = pa.Table.from_batches(batches).to_pandas().sort_values(KEY, ignore_index=True)
    assert len(batches) > 50
    pd.testing.assert_frame_equal(cut, whole, rtol=0, atol=1e-14)


def test_rows_come_by_year_and_within_it_by_pair_and_time() -> None:
    rows = stream(history(5, {"B": 0.1, "A": 0.1, "C": 0.1}, 100)).read_pandas()
    in_order = rows.sort_values(["year", *KEY], ignore_index=True)
    pd.testing.assert_frame_equal(rows, in_order)
    assert rows["year"].unique().tolist() == [2021, 2022]


def test_a_move_since_an_hour_without_both_candles_is_no_alert() -> None:
    hours = 40
    moves = np.where(np.arange(hours) % 2, 0.01, -0.01)
    jump = np.where(np.arange(hours) == 6, 0.5, 0.0)  # leaves the window of hour 30
    opened = pd.date_range(NEW_YEAR, periods=hours, freq="h", unit="us")
    both = pd.concat(
        pd.DataFrame(
            {"exchange": "binance", "coin": coin, "open_timestamp": opened, "close_price": np.cumprod(1 + move + jump)}
        )
        for coin, move in (("A", moves), ("B", -moves))
    ).assign(listing_seq=1)
    at = opened[30]
    without = both[(both["coin"] != "A") | (both["open_timestamp"] != opened[29])]
    for candles, alerts in ((both, [True]), (without, [False])):
        rows = stream(candles).read_pandas()
        assert rows["corr_breakdown_alerts"][rows["open_timestamp"] == at].tolist() == alerts
        assert_oracle(with_utc_microseconds(candles.reset_index(drop=True)), 12)


def test_a_single_coin_has_no_pairs() -> None:
    assert stream(history(6, {"A": 0.0}, 50)).read_all().num_rows == 0


def test_no_candles_have_no_rows() -> None:
    assert stream(history(6, {"A": 0.0}, 0)).read_all().num_rows == 0
