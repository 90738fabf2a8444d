"""A run that is killed with SIGKILL leaves nothing half-written; the next one goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from e2e.project import REPOSITORY, kedro, parameters, served, table
from oracle import correlations as pairs
from oracle import marts as singles
from oracle.comparison import assert_same_table
from oracle.frames import real_candles

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

COINS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


def killed_when_it_says(words: str, arguments: list[str]) -> None:
    """Start a run and kill its whole process group as soon as its log says ``words``."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kedro", *arguments],
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    said = []
    with process.stderr:
        for line in process.stderr:
            said.append(line)
            if words in line:
                os.killpg(process.pid, signal.SIGKILL)
                break
    assert process.wait() == -signal.SIGKILL, "".join(said)


def test_runs_killed_between_commits_end_like_one_that_was_not(shared_data: Path, tmp_path: Path) -> None:
    start, end = "2020-08-01", "2020-09-01"
    archive, lake = tmp_path / "archive", tmp_path / "lake"
    tool = shared_data.parent / "tools" / "make_archive.py"
    options = ["--symbols", *COINS, "--start", start, "--end", end, "--daily-from", "2020-08-20"]
    subprocess.run(
        [sys.executable, str(tool), "--data", str(shared_data / "spot_1h"), "--out", str(archive), *options],
        check=True,
        capture_output=True,
    )
    with served(archive) as url:
        run = ["run", "--params"]
        wanted = {"lake": str(lake), "coins": " ".join(COINS), "start": start, "archive_url": url, "rest_url": "off"}
        first = parameters({**wanted, "end": "2020-08-20"})
        whole = parameters({**wanted, "end": end})
        killed_when_it_says("landed", [*run, first])
        killed_when_it_says("binance_klines_daily: append", [*run, first])
        killed_when_it_says("fact_1h_klines: rebuild", [*run, whole])
        killed_when_it_says("mart_returns_1h: rebuild", [*run, whole])
        kedro(*run, whole)
    klines = table(lake, "bronze", "binance_klines_daily")
    assert not klines.duplicated(["coin", "sha256", "source_row"]).any()
    history = real_candles(
        shared_data,
        COINS,
        datetime.fromisoformat(start).replace(tzinfo=UTC),
        datetime.fromisoformat(end).replace(tzinfo=UTC),
    )
    assert len(klines) == len(history)
    returns, volume = singles.oracle_returns(history), singles.oracle_volume(history)
    assert_same_table(table(lake, "marts", "mart_returns_1h"), returns, singles.KEY)
    assert_same_table(table(lake, "marts", "mart_volume_metrics_1h"), volume, singles.KEY)
    assert_same_table(table(lake, "marts", "mart_top_movers"), singles.oracle_movers(returns, volume), singles.KEY)
    assert_same_table(table(lake, "marts", "mart_correlations"), pairs.oracle_correlations(history, 12), pairs.KEY)
    checkpoints = pl.read_delta(str(lake / "bronze" / "binance_ingestion_checkpoints"))
    assert checkpoints.filter(pl.col("status") == "loaded")["row_count"].sum() == len(history)
    assert not any((lake / "landing" / "binance").iterdir())
