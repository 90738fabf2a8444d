"""The whole project on real candles, against the oracle: every mart, every row."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from e2e.agreement import COINS, assert_marts_agree
from e2e.project import archive_of, kedro, parameters, served, table
from oracle.frames import real_candles

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_fifteen_coins_from_archives_equal_the_oracle(shared_data: Path, tmp_path: Path) -> None:
    # SOL, DOT and AVAX are listed within the span; September has daily files only.
    start, end = "2020-07-20", "2020-10-01"
    lake = tmp_path / "lake"
    tool = shared_data.parent / "tools" / "make_archive.py"
    options = ("--start", start, "--end", end, "--daily-from", "2020-09-01")
    archive = archive_of(shared_data / "spot_1h", tmp_path / "archive", tool, *options)
    with served(archive) as url:
        run = {
            "lake": str(lake),
            "coins": " ".join(COINS),
            "start": start,
            "end": end,
            "archive_url": url,
            "rest_url": "off",
        }
        kedro("run", "--params", parameters(run))
        history = real_candles(shared_data, COINS, _day(start), _day(end))
        assert history["coin"].nunique() == 15
        assert_marts_agree(lake, history)
        fact = table(lake, "silver", "fact_1h_klines")
        assert len(fact) == len(history)
        before = {path: path.stat().st_mtime_ns for path in lake.rglob("_delta_log/*.json")}
        again = kedro("run", "--params", parameters(run))
        assert {path: path.stat().st_mtime_ns for path in lake.rglob("_delta_log/*.json")} == before, again.stderr


def test_binance_files_with_outage_and_unit_switch_equal_the_oracle(shared_data: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    with served(shared_data / "vision") as url:
        for start, end in (("2020-12-01", "2021-01-01"), ("2024-12-01", "2025-02-01")):
            run = {
                "lake": str(lake),
                "coins": "BTCUSDT ETHUSDT",
                "start": start,
                "end": end,
                "archive_url": url,
                "rest_url": "off",
            }
            kedro("run", "--params", parameters(run))
    fact = table(lake, "silver", "fact_1h_klines")
    klines = table(lake, "bronze", "binance_klines_daily")
    assert set(klines["open_time"].astype(str).str.len()) == {13, 16}
    assert_marts_agree(lake, fact)
    assert len(fact) == 2 * (740 + 31 * 24 + 31 * 24)
    edge = fact[(fact["coin"] == "BTCUSDT") & (fact["open_timestamp"] == pd.Timestamp("2020-12-21T14:00Z"))]
    assert edge[["is_irregular_close", "is_zero_volume"]].to_numpy().tolist() == [[True, True]]
    gaps = table(lake, "silver", "kline_gaps")
    december = gaps[gaps["gap_start"] < pd.Timestamp("2021-01-01T00:00Z")]
    assert set(december[["gap_start", "gap_hours"]].itertuples(index=False, name=None)) == {
        (pd.Timestamp("2020-12-21T15:00Z"), 3),
        (pd.Timestamp("2020-12-25T02:00Z"), 1),
    }
    assert set(december["kind"]) == {"exchange_outage"}
    closes = fact.set_index(["coin", "open_timestamp"])["close_price"]
    assert closes["BTCUSDT", pd.Timestamp("2025-01-01T00:00Z")] == 94401.14


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
