"""``status`` as a user sees it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from rich.console import Console

from klineforge.reporting.console import report_console
from klineforge.reporting.health import read_health
from klineforge.reporting.render import print_status
from klineforge.reporting.runlog import RUN_LOG

ESCAPE = "\x1b["


def status_text(lake: Path, now: datetime, width: int = 120) -> str:
    out = io.StringIO()
    print_status(read_health(lake, now), Console(file=out, width=width, highlight=False, markup=False))
    return out.getvalue()


def line_with(text: str, word: str) -> str:
    return next(line for line in text.splitlines() if word in line)


def test_print_status_absent_lake_says_how_to_make_one(tmp_path: Path, now: datetime) -> None:
    text = status_text(tmp_path / "nowhere", now)

    assert "There is no lake here yet" in text
    assert "kedro run --env demo" in text
    assert "Tables" not in text


def test_print_status_tables_show_rows_hour_version_and_change(market_lake: Path, now: datetime) -> None:
    fact = line_with(status_text(market_lake, now), "fact_1h_klines").split()

    assert fact[:5] == ["fact_1h_klines", "6", "2026-03-01", "11:00", "0"]
    assert fact[5:8] == ["append", "+6", "~1"]


def test_print_status_absent_and_damaged_tables_are_named(market_lake: Path, now: datetime) -> None:
    (market_lake / "gold" / "dim_coins" / "_delta_log" / "00000000000000000000.json").write_text("{")

    text = status_text(market_lake, now)

    assert line_with(text, "dim_exchange").split()[1:2] == ["absent"]
    assert line_with(text, "dim_coins").split()[2:3] == ["damaged"]
    assert "`kedro klineforge repair --dry-run`" in line_with(text, "can be mended")


def test_print_status_coins_are_grouped_by_freshness(market_lake: Path, now: datetime) -> None:
    text = status_text(market_lake, now)

    assert line_with(text, "up to date").split()[-1] == "BTCUSDT"
    assert line_with(text, "2 h behind").split()[-1] == "ETHUSDT"
    assert line_with(text, "inactive").split()[-1] == "OLDUSDT"


def test_print_status_losses_are_shown_by_kind_and_reason(market_lake: Path, now: datetime) -> None:
    text = status_text(market_lake, now)

    assert "Gaps: 3 missing coin hours" in text
    assert re.search(r"exchange_outage +2  ETHUSDT\b", text)
    assert re.search(r"delisted +3  ETHUSDT\b", text)
    assert re.search(r"off_hour +2\b", text)
    assert re.search(r"daily_archive  not_found +1 +0\b", text)


def test_print_status_runs_show_outcome_and_first_line_of_error(market_lake: Path, now: datetime) -> None:
    run = {
        "run_id": "r",
        "pipeline": "marts",
        "env": "demo",
        "started_at": "2026-03-01T12:00:00+00:00",
        "ended_at": "2026-03-01T12:00:03+00:00",
        "outcome": "failed",
        "error": "the lake is busy\nwait for the other run",
    }
    path = market_lake / RUN_LOG
    path.parent.mkdir()
    path.write_text(json.dumps(run) + "\n{", encoding="utf-8")

    text = status_text(market_lake, now)

    assert line_with(text, "failed").split(maxsplit=7)[2:7] == ["marts", "demo", "failed", "3", "s"]
    assert "the lake is busy" in text
    assert "wait for the other run" not in text
    assert "1 line of the run log cannot be read" in text


def write_run(lake: Path, *tables: dict[str, object], **changes: object) -> None:
    run = {
        "run_id": "r",
        "pipeline": "marts",
        "started_at": "2026-03-01T12:00:00+00:00",
        "ended_at": "2026-03-01T12:00:03+00:00",
        "outcome": "succeeded",
        "tables": tables,
    }
    path = lake / RUN_LOG
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as log:
        log.write(json.dumps(run | changes) + "\n")


MERGE = {"table": "mart_returns_1h", "action": "merge", "inserted": 3, "updated": 1250, "deleted": 2, "unchanged": 47}
REASON = "the change feed of fact_1h_klines is gone: its log no longer holds version 12"


def test_print_status_last_run_shows_what_it_did_to_each_table(market_lake: Path, now: datetime) -> None:
    write_run(market_lake, {"table": "mart_correlations", "action": "merge", "inserted": 99})
    write_run(
        market_lake,
        {**MERGE, "seconds": 1.26},
        {"table": "mart_correlations", "action": "rebuild", "inserted": 6_000_000, "reason": REASON},
        {"table": "dim_timestamp", "action": "acknowledge", "unchanged": 0},
        {"table": "kline_gaps", "action": "unchanged"},
        {"table": "fact_1h_klines", "action": "acknowledge", "unchanged": 48},
    )

    text = status_text(market_lake, now).split("Tables of the run of 2026-03-01 12:00, marts")[1]

    head, returns, pairs, fact, why, quiet = (line.split() for line in text.strip().splitlines())
    assert head == ["table", "action", "inserted", "updated", "deleted", "unchanged", "seconds"]
    assert returns == ["mart_returns_1h", "merge", "3", "1,250", "2", "47", "1.3"]
    assert pairs == ["mart_correlations", "rebuild", "6,000,000", "-", "-", "-", "-"]
    assert fact == ["fact_1h_klines", "acknowledge", "-", "-", "-", "48", "-"]
    assert why == f"made anew, {REASON}: mart_correlations".split()
    assert quiet == ["nothing", "to", "change", "in", "dim_timestamp,", "kline_gaps"]
    assert "99" not in text


def test_print_status_run_that_reached_no_table_leaves_the_one_before(market_lake: Path, now: datetime) -> None:
    write_run(market_lake, MERGE)
    write_run(market_lake, started_at="2026-03-01T12:05:00+00:00", outcome="failed", error="no network")

    text = status_text(market_lake, now)

    assert "Tables of the run of 2026-03-01 12:00, marts" in text


def test_print_status_last_run_in_a_log_is_plain_and_whole(market_lake: Path, now: datetime) -> None:
    write_run(market_lake, {**MERGE, "action": "rebuild", "reason": REASON})
    out, terminal = io.StringIO(), io.StringIO()

    print_status(read_health(market_lake, now), report_console(out))
    print_status(read_health(market_lake, now), Console(file=terminal, force_terminal=True, width=80))

    assert ESCAPE not in out.getvalue()
    assert ESCAPE in terminal.getvalue()
    for text in (out.getvalue(), re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())):
        told = " ".join(text.split("Tables of the run")[1].split())
        assert f"made anew, {REASON}: mart_returns_1h" in told


def test_print_status_many_small_files_say_that_maintenance_is_due(
    market_lake: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Maintenance" not in status_text(market_lake, now)
    # The fact has a file in 2025 and one in 2026, dim_coins one.
    monkeypatch.setattr("klineforge.reporting.health.CROWDED", 0)

    text = status_text(market_lake, now).split("Maintenance is due")[1]

    assert "many small files in binance_klines_daily" in text
    assert "kedro klineforge maintain" in text


def test_print_status_fresh_lake_without_losses_says_so(
    write_table: Callable[..., Path], lake: Path, now: datetime
) -> None:
    hour = now.replace(hour=11, minute=0)
    names = ("AUSDT", "BUSDT")
    write_table("fact_1h_klines", [{"exchange": "binance", "coin": name, "open_timestamp": hour} for name in names])
    write_table("kline_gaps", [])
    write_table("quarantine_klines", [])

    text = status_text(lake, now)

    assert line_with(text, "up to date").split()[-1] == "2"
    assert text.count("none") == 2


def test_print_status_gaps_not_computed_are_not_called_none(lake: Path, now: datetime) -> None:
    lake.mkdir()

    text = status_text(lake, now)

    assert "none" not in text
    assert text.count("unknown") == 2


def test_report_console_to_a_file_is_plain_and_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    out = io.StringIO()

    console = report_console(out)
    console.print("[x]", style="red")

    assert console.width == 120
    assert out.getvalue() == "[x]\n"


def test_report_console_no_color_on_a_terminal_prints_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    coloured, plain = io.StringIO(), io.StringIO()
    report_console(coloured).print("x", style="red")

    monkeypatch.setenv("NO_COLOR", "1")
    report_console(plain).print("x", style="red")

    assert ESCAPE in coloured.getvalue()
    assert plain.getvalue() == "x\n"
