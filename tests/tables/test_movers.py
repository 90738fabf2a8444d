"""Top movers: ranks by hand."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import pytest
from oracle.comparison import assert_same_table
from oracle.frames import hour, to_pandas, to_spark, with_utc_microseconds
from oracle.marts import KEY, oracle_movers
from pyspark.sql import SparkSession

from klineforge.contracts import contract_of
from klineforge.tables.movers import top_movers

NOTHING = float("nan")
# exchange, coin, hour, return, spike ratio
CASES = [
    # Falls count as much as rises: 0.02 x 3 beats 0.05 x 1.
    ("binance", "FALLS", 0, -0.02, 3.0),
    ("binance", "RISES", 0, 0.05, 1.0),
    # A new coin has no return yet and comes last; so does one without any volume, after it by name.
    ("binance", "NEW", 0, NOTHING, 2.0),
    ("binance", "SILENT", 0, 0.0, NOTHING),
    # Equal signals stand in the order of their names.
    ("binance", "B", 1, 0.5, 2.0),
    ("binance", "A", 1, -0.5, 2.0),
    # Another exchange's strongest is first there.
    ("other", "RISES", 0, 0.001, 1.0),
]


@pytest.fixture(scope="module")
def inputs() -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = [(exchange, coin, hour(number), change, ratio) for exchange, coin, number, change, ratio in CASES]
    frame = with_utc_microseconds(pd.DataFrame(rows, columns=[*KEY, "return_pct", "volume_spike_ratio"]))
    returns = frame.drop(columns="volume_spike_ratio").assign(log_return=frame["return_pct"], rolling_vol_24h=0.1)
    return returns, frame.drop(columns="return_pct")


@pytest.fixture(scope="module")
def mart(spark: SparkSession, inputs: tuple[pd.DataFrame, pd.DataFrame]) -> pd.DataFrame:
    returns, volume = (to_spark(spark, frame) for frame in inputs)
    return to_pandas(top_movers(returns, volume))


def ranking(mart: pd.DataFrame, exchange: str, opened: datetime) -> list[str]:
    rows = mart[(mart["exchange"] == exchange) & (mart["open_timestamp"] == opened)].sort_values("mover_rank")
    assert list(rows["mover_rank"]) == list(range(1, len(rows) + 1))
    return list(rows["coin"])


def test_rank_orders_by_size_of_move_times_relative_volume(mart: pd.DataFrame) -> None:
    assert ranking(mart, "binance", hour(0)) == ["FALLS", "RISES", "NEW", "SILENT"]
    assert mart.set_index("coin")["mover_signal"]["FALLS"] == pytest.approx(0.06)


def test_rank_of_equal_signals_follows_the_name(mart: pd.DataFrame) -> None:
    assert ranking(mart, "binance", hour(1)) == ["A", "B"]


def test_rank_starts_anew_on_each_exchange(mart: pd.DataFrame) -> None:
    assert ranking(mart, "other", hour(0)) == ["RISES"]


def test_movers_have_the_contracts_columns_and_agree_with_the_oracle(
    mart: pd.DataFrame, inputs: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    assert tuple(mart.columns) == contract_of("mart_top_movers").column_names
    assert_same_table(mart, oracle_movers(*inputs), KEY)
