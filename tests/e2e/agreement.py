"""Whole lakes against the oracle and against a rebuild."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import polars as pl
from e2e.project import REPOSITORY, table
from kedro.framework.startup import bootstrap_project
from law.comparison import differences
from oracle import correlations as pairs
from oracle import marts as singles
from oracle.breadth import KEY, oracle_breadth
from oracle.comparison import assert_same_table
from oracle.indicators import oracle_indicators

from klineforge.cli.project import Project
from klineforge.cli.rebuilding import derived_tables, rebuild_tables
from klineforge.contracts import CONTRACTS

COINS = (
    *("ADAUSDT", "ALGOUSDT", "AVAXUSDT", "BNBUSDT", "BTCUSDT"),
    *("DOGEUSDT", "DOTUSDT", "ETHUSDT", "FTMUSDT", "LINKUSDT"),
    *("LTCUSDT", "MATICUSDT", "SOLUSDT", "TRXUSDT", "XRPUSDT"),
)


def assert_fact_is(lake: Path, history: pd.DataFrame) -> None:
    """The fact holds exactly these candles, bit for bit."""
    found = table(lake, "silver", "fact_1h_klines")
    assert_same_table(found, history, singles.KEY)
    exact = [name for name in history.columns if name.endswith(("_price", "volume"))]
    ordered = (frame.sort_values(singles.KEY, ignore_index=True)[exact] for frame in (found, history))
    pd.testing.assert_frame_equal(*ordered, check_exact=True)


def assert_marts_agree(lake: Path, history: pd.DataFrame) -> None:
    """Every mart, every row, is what the oracle makes of these candles."""
    returns, volume = singles.oracle_returns(history), singles.oracle_volume(history)
    assert_same_table(table(lake, "marts", "mart_returns_1h"), returns, singles.KEY)
    assert_same_table(table(lake, "marts", "mart_volume_metrics_1h"), volume, singles.KEY)
    assert_same_table(table(lake, "marts", "mart_top_movers"), singles.oracle_movers(returns, volume), singles.KEY)
    expected = pairs.oracle_correlations(history, 12)
    assert_same_table(table(lake, "marts", "mart_correlations"), expected, pairs.KEY)
    breadth = oracle_breadth(returns, volume, expected)
    assert_same_table(table(lake, "marts", "mart_market_breadth_1h"), breadth, KEY)
    indicators = oracle_indicators(returns, volume, "BTCUSDT", 360)
    assert_same_table(table(lake, "marts", "mart_indicators_1h"), indicators, singles.KEY)


def assert_equals_rebuild(lake: Path, scratch: Path) -> None:
    """Every table that a plain run derives equals what ``kedro klineforge rebuild`` makes of the same bronze.

    Features are a pipeline of their own, which ``tests/law`` puts under the same proof.

    Args:
        lake: The lake.
        scratch: Where a copy of it can be made and left.
    """
    shutil.copytree(lake, scratch)
    bootstrap_project(REPOSITORY)
    names = [name for name in derived_tables() if CONTRACTS[name].layer != "features"]
    rebuild_tables(Project(REPOSITORY, None), names, str(scratch))
    wrong = [line for name in names for line in differences(_rows(lake, name), _rows(scratch, name), name)]
    assert not wrong, "\n".join(wrong)


def _rows(lake: Path, name: str) -> pl.DataFrame:
    contract = CONTRACTS[name]
    return pl.read_delta(str(lake / contract.layer / name)).select(contract.column_names)
