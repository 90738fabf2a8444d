"""``kedro klineforge repair``: what it prints, how it ends, and that it holds the lake."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from lake.damages import commit_of_zeros, data_file_missing, middle_commit_missing
from law.lake import KLINES, Lake
from law.records import Record

from klineforge.cli.repairing import end_with_what_is_left, print_diagnosis, repair_lake
from klineforge.errors import ConfigurationError, LakeBusyError
from klineforge.lake.lock import lake_lock
from klineforge.reporting.console import report_console

Kedro = Callable[..., subprocess.CompletedProcess[str]]

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Three appends of klines."""
    lake = Lake(tmp_path / "warehouse")
    for hour in range(3):
        lake.add([Record("AAAUSDT", hour, 100.0, 5.0)])
    return lake


def printed(lake: Lake, *names: str, dry_run: bool = False) -> str:
    out = io.StringIO()
    done = repair_lake(lake.root, names, NOW, dry_run=dry_run)
    print_diagnosis(lake.root, done, report_console(out), dry_run=dry_run)
    end_with_what_is_left(done, dry_run=dry_run)
    return " ".join(out.getvalue().split())


def test_repair_says_what_is_wrong_what_was_done_and_then_that_nothing_is(lake: Lake) -> None:
    commit_of_zeros(lake.folder(KLINES))
    said = printed(lake)
    assert "its newest commit 00000000000000000003.json is cut off or not JSON" in said
    assert f"1 file set aside to damaged/{KLINES}-20260301T120000Z; version 2 is the newest again" in said
    assert printed(lake).endswith(f"{KLINES} ok Nothing is wrong.")


def test_dry_run_of_a_damaged_lake_ends_with_one(lake: Lake) -> None:
    commit_of_zeros(lake.folder(KLINES))
    with pytest.raises(click.ClickException, match="damaged; the same command without --dry-run mends it"):
        printed(lake, dry_run=True)


def test_table_of_which_nothing_can_be_read_is_told_and_kept(lake: Lake) -> None:
    middle_commit_missing(lake.folder(KLINES))
    for file in lake.folder(KLINES).glob("*.parquet"):
        file.write_bytes(b"PAR1 and no more")
    with pytest.raises(click.ClickException, match="none of the 3 data files .* can be read; they are in .*damaged"):
        printed(lake)
    assert len(list((lake.root / "damaged").glob("*/*.parquet"))) == 3
    assert not lake.folder(KLINES).exists()


def test_only_the_tables_named_are_looked_at(lake: Lake) -> None:
    data_file_missing(lake.folder(KLINES))
    assert repair_lake(lake.root, ("dim_coins",), NOW).is_well
    with pytest.raises(click.UsageError, match="cannot repair fact: expected tables of the lake, among binance_klines"):
        repair_lake(lake.root, ("fact",), NOW)


def test_repair_waits_for_nobody_and_needs_a_lake(lake: Lake, tmp_path: Path) -> None:
    with lake_lock(lake.root, purpose="a run", now=NOW), pytest.raises(LakeBusyError, match="a run, process"):
        repair_lake(lake.root, (), NOW)
    with pytest.raises(ConfigurationError, match="there is no table in"):
        repair_lake(tmp_path / "nowhere", (), NOW)


def test_command_mends_a_lake_and_tells_by_its_exit_code(kedro: Kedro, lake: Lake) -> None:
    commit_of_zeros(lake.folder(KLINES))
    told = kedro("klineforge", "repair", "--dry-run", "--lake", str(lake.root))
    assert told.returncode == 1, told.stderr
    assert "nothing was changed, this would be done" in told.stdout
    assert kedro("klineforge", "repair", "--lake", str(lake.root)).returncode == 0
    assert kedro("klineforge", "repair", "--dry-run", "--table", KLINES, "--lake", str(lake.root)).returncode == 0
