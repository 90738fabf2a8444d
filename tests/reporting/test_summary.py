"""The summary a run ends with."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from rich.console import Console

from klineforge.contracts import CONTRACTS
from klineforge.reporting.runlog import RUN_LOG
from klineforge.reporting.summary import SIMULATED, print_summary


def summary_text(lake: Path, now: datetime, *, simulated: bool = False, width: int = 120) -> str:
    out = io.StringIO()
    print_summary(lake, now, simulated, Console(file=out, width=width, highlight=False, markup=False))
    return out.getvalue()


def test_print_summary_names_rows_and_newest_hour_of_every_table(market_lake: Path, now: datetime) -> None:
    text = summary_text(market_lake, now)

    apart = {name for name, contract in CONTRACTS.items() if contract.layer in {"operations", "features"}}
    assert all(name in text for name in CONTRACTS.keys() - apart)
    assert not any(name in text for name in apart), "nobody has asked for them yet"
    assert re.search(r"fact_1h_klines +6 +2026-03-01 11:00", text)


def test_print_summary_counts_gaps_and_quarantine(market_lake: Path, now: datetime) -> None:
    text = summary_text(market_lake, now)

    assert "Missing coin hours: 2 exchange_outage, 1 unexplained" in text
    assert "Quarantined records: 2 (off_hour 2, high_not_highest 1)" in text


def test_print_summary_movers_of_newest_hour_only_in_order_of_rank(market_lake: Path, now: datetime) -> None:
    text = summary_text(market_lake, now)

    assert "Strongest movers, 2026-03-01 11:00" in text
    assert re.search(r"1  ETHUSDT +-3\.00 % +1\.50.*2  BTCUSDT +\+1\.00 %", text, re.DOTALL)
    assert "+50.00 %" not in text


def test_print_summary_correlations_by_size_without_nulls(market_lake: Path, now: datetime) -> None:
    text = summary_text(market_lake, now)

    assert re.search(r"BTCUSDT OLDUSDT +-0\.900 +24 +High.*BTCUSDT ETHUSDT +\+0\.400", text, re.DOTALL)
    assert "XRPUSDT" not in text


def test_print_summary_simulated_market_is_called_so_first_and_at_the_figures(market_lake: Path, now: datetime) -> None:
    text = summary_text(market_lake, now, simulated=True)

    assert text.index(SIMULATED) < text.index("binance_klines_daily")
    assert "Strongest movers, simulated, 2026-03-01 11:00" in text


def test_print_summary_real_market_is_not_called_simulated(market_lake: Path, now: datetime) -> None:
    assert "simulated" not in summary_text(market_lake, now).lower()


def test_print_summary_narrow_console_keeps_every_line_within_it(market_lake: Path, now: datetime) -> None:
    text = summary_text(market_lake, now, width=80)

    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80


def test_print_summary_damaged_mart_leaves_the_rest(market_lake: Path, now: datetime) -> None:
    for file in (market_lake / "marts" / "mart_top_movers").rglob("*.parquet"):
        file.unlink()

    text = summary_text(market_lake, now)

    assert "BTCUSDT OLDUSDT" in text


def test_print_summary_empty_lake_has_no_figures_and_does_not_fail(
    write_table: Callable[..., Path], lake: Path, now: datetime
) -> None:
    write_table("mart_top_movers", [])

    text = summary_text(lake, now)

    assert "none" in text
    assert "What to try next" in text


def test_print_summary_adds_up_what_the_run_touched_and_names_what_was_made_anew(
    market_lake: Path, now: datetime
) -> None:
    assert "Rows of this run" not in summary_text(market_lake, now)
    tables = [
        {"table": "fact_1h_klines", "action": "merge", "inserted": 1200, "updated": 1, "deleted": 3, "unchanged": 40},
        {"table": "dim_coins", "action": "rebuild", "inserted": 3, "reason": "asked for"},
        {"table": "dim_exchange", "action": "rebuild", "inserted": 1, "reason": "first run"},
    ]
    at = now.isoformat()
    run = {"run_id": "r", "started_at": at, "ended_at": at, "outcome": "succeeded", "tables": tables}
    (market_lake / RUN_LOG).parent.mkdir()
    (market_lake / RUN_LOG).write_text(json.dumps(run), encoding="utf-8")

    text = summary_text(market_lake, now)

    assert "Rows of this run: 1,204 inserted, 1 updated, 3 deleted, 40 unchanged" in text
    assert "Made anew: dim_coins;" in text
