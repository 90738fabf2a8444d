"""``kedro klineforge maintain``: what it refuses, what it prints, and that it holds the lake."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import polars as pl
import pytest
from deltalake import CommitProperties, DeltaTable, write_deltalake

from klineforge.cli.maintenance import Request, maintain_lake, print_maintenance, raise_failures
from klineforge.contracts import CONTRACTS
from klineforge.errors import ConfigurationError, LakeBusyError
from klineforge.lake.lock import lake_lock
from klineforge.lake.note import CommitNote
from klineforge.reporting.console import report_console
from klineforge.reporting.runlog import RUN_LOG

Kedro = Callable[..., subprocess.CompletedProcess[str]]

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
COINS = CONTRACTS["dim_coins"]
MANY = 40


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake with ``dim_coins`` in many small files and ``dim_exchange`` in one."""
    for contract, files in ((COINS, MANY), (CONTRACTS["dim_exchange"], 1)):
        for number in range(files):
            write_deltalake(
                tmp_path / contract.layer / contract.name,
                pl.DataFrame({name: [f"{number}"] for name in contract.grain}).to_arrow(),
                mode="append",
                commit_properties=CommitProperties(
                    custom_metadata={"userMetadata": CommitNote(contract.name, "append").to_json()}
                ),
            )
    return tmp_path


def printed(lake: Path, request: Request, now: datetime = NOW) -> str:
    out = io.StringIO()
    done = maintain_lake(lake, request, now)
    print_maintenance(lake, done, report_console(out), dry_run=request.dry_run)
    raise_failures(done)
    return out.getvalue()


def line_with(text: str, word: str) -> list[str]:
    return next(line for line in text.splitlines() if word in line).split()


def test_maintain_prints_files_log_and_what_was_reclaimed(lake: Path) -> None:
    dry = printed(lake, Request(dry_run=True))
    assert "nothing was changed, this would be done" in dry
    assert line_with(dry, "dim_coins")[1:4] == [f"{MANY}", "->", "1"]
    assert DeltaTable(lake / "gold" / "dim_coins").version() == MANY - 1

    text = printed(lake, Request())

    assert line_with(text, "dim_coins")[1:4] == [f"{MANY}", "->", "1"]
    assert line_with(text, "dim_exchange")[1] == "1"
    assert line_with(text, "all") == ["all", "0", "B"]
    assert pl.read_delta(str(lake / "gold" / "dim_coins")).height == MANY
    later = printed(lake, Request(("dim_coins",)), datetime.now(UTC) + timedelta(days=31))
    assert line_with(later, "dim_coins")[-2:] == line_with(later, "all")[-2:] != ["0", "B"]
    assert "dim_exchange" not in later


def test_maintain_holds_the_lake(lake: Path) -> None:
    with (
        lake_lock(lake, purpose="a run", now=NOW),
        pytest.raises(LakeBusyError, match="written by another run.*a run"),
    ):
        maintain_lake(lake, Request(), NOW)


def test_maintain_damaged_table_is_named_and_the_others_are_done(lake: Path) -> None:
    for file in (lake / "gold" / "dim_coins").glob("*.parquet"):
        file.unlink()

    with pytest.raises(click.ClickException, match="the others were:\n  dim_coins: .*(No such file|not found)"):
        printed(lake, Request())

    assert [upkeep.table for upkeep in maintain_lake(lake, Request(), NOW).tables] == ["dim_exchange"]


def test_maintain_forgets_runs_beyond_the_newest(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (lake / RUN_LOG).parent.mkdir(exist_ok=True)
    (lake / RUN_LOG).write_text("{}\n" * 12)
    monkeypatch.setattr("klineforge.reporting.runlog.trim_runs.__defaults__", (10,))

    printed(lake, Request(dry_run=True))
    assert (lake / RUN_LOG).read_text() == "{}\n" * 12
    assert "run log: 2 old runs were forgotten" in printed(lake, Request())


def test_maintain_unknown_table_lists_tables(lake: Path) -> None:
    with pytest.raises(click.UsageError, match="cannot maintain mart_return: expected .*mart_returns_1h"):
        maintain_lake(lake, Request(("dim_coins", "mart_return")), NOW)


@pytest.mark.parametrize("less", [{"keep_hours": 167}, {"keep_hours": 0, "keep_log_days": 29}])
def test_maintain_less_than_a_week_or_a_month_has_to_be_forced(lake: Path, less: dict[str, int]) -> None:
    with pytest.raises(click.UsageError, match="less than 168 hours and 30 days.*--force"):
        maintain_lake(lake, Request(**less), NOW)
    assert maintain_lake(lake, Request(force=True, **less), NOW).failures == ()


@pytest.mark.parametrize("address", ["s3://bucket/lake", "abfss://lake@account.net/x", "dbfs:/lake"])
def test_maintain_lake_elsewhere_says_what_to_use_instead(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a folder of this machine.*predictive optimization.*VACUUM"):
        maintain_lake(tmp_path / address, Request(), NOW)


def test_maintain_folder_without_tables_is_not_made_a_lake(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no table in .*nowhere.*kedro run makes them.*OPTIMIZE"):
        maintain_lake(tmp_path / "nowhere", Request(), NOW)
    assert not (tmp_path / "nowhere").exists()


def test_maintain_is_a_command_that_ends_in_a_message(kedro: Kedro) -> None:
    result = kedro("klineforge", "maintain", "--env", "demo", "--dry-run")

    assert result.returncode == 1
    assert "there is no table in" in result.stderr
    assert "Traceback" not in result.stderr


def test_maintain_imports_no_spark() -> None:
    probe = "import klineforge.cli.maintenance, sys; print(sorted({'pyspark', 'py4j'} & set(sys.modules)))"

    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", probe], capture_output=True, text=True, check=False, timeout=60
    )

    assert result.stdout.splitlines()[-1:] == ["[]"], result.stderr
