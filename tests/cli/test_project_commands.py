"""The commands as a user calls them, in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from klineforge.contracts import CONTRACTS

Kedro = Callable[..., subprocess.CompletedProcess[str]]


def test_kedro_run_user_error_inside_a_dataset_ends_in_message_without_traceback(kedro: Kedro) -> None:
    result = kedro("run", "--pipelines", "unreachable")

    assert result.returncode == 1
    assert result.stderr.endswith("Error: binance BTCUSDT: no answer within 10 s\n  what to do: try again later\n")
    assert "Traceback" not in result.stdout + result.stderr


def test_kedro_run_refused_parameter_ends_in_message_without_traceback(kedro: Kedro) -> None:
    result = kedro("run", "--env", "demo", "--pipelines", "limited", "--params", "limits.hours=25")

    assert result.returncode == 1
    assert (
        "limits.hours is 25, at most 24 are possible\n" in result.stderr.split("Error: Parameter validation failed")[1]
    )
    assert "Traceback" not in result.stdout + result.stderr


def test_kedro_run_fault_of_the_program_keeps_traceback(kedro: Kedro) -> None:
    result = kedro("run", "--pipelines", "lost")

    assert result.returncode == 1
    assert "Traceback" in result.stderr
    assert "the disk is gone" in result.stderr


def test_kedro_help_lists_the_group_once(kedro: Kedro) -> None:
    result = kedro("--help")

    assert result.returncode == 0
    lines = [line.split()[0] for line in result.stdout.splitlines() if line.startswith("  ")]
    assert lines.count("klineforge") == 1


def test_rebuild_unknown_table_lists_tables_and_exits_two(kedro: Kedro) -> None:
    result = kedro("klineforge", "rebuild", "mart_returns", "binance_klines_daily")

    assert result.returncode == 2
    message = result.stderr.splitlines()[-1]
    assert message.startswith("Error: cannot rebuild mart_returns, binance_klines_daily: expected a derived table")
    derived = {name for name, contract in CONTRACTS.items() if contract.layer not in {"bronze", "operations"}}
    assert set(message.rsplit("one of ")[1].split(", ")) == derived


def test_rebuild_tables_runs_only_their_nodes_with_parameter(kedro: Kedro) -> None:
    result = kedro("klineforge", "rebuild", "mart_top_movers", "dim_coins", "dim_coins")

    assert result.returncode == 0, result.stderr
    assert result.stdout.count("REBUILD mart_top_movers dim_coins\n") == 2
    assert "find_missing_hours" not in result.stdout + result.stderr
    assert result.stdout.splitlines()[-1].startswith("Rebuilt mart_top_movers, dim_coins.")


def test_status_reads_the_lake_of_the_environment(kedro: Kedro) -> None:
    result = kedro("klineforge", "status", "--env", "demo")

    assert result.returncode == 0, result.stderr
    assert "warehouse/demo" in result.stdout
    assert "There is no lake here yet" in result.stdout


def test_console_script_outside_a_project_says_so(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "klineforge", "status"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert result.returncode == 1
    assert "is not inside a Kedro project" in result.stderr
    assert "Traceback" not in result.stderr


def test_help_imports_neither_spark_nor_table_readers() -> None:
    probe = (
        "import sys; from click.testing import CliRunner; from klineforge.cli import klineforge;"
        "result = CliRunner().invoke(klineforge, ['--help']); assert result.exit_code == 0, result.output;"
        "print(sorted({'pyspark', 'deltalake', 'polars', 'pandas', 'kedro_viz'} & set(sys.modules)))"
    )

    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", probe], capture_output=True, text=True, check=False, timeout=60
    )

    assert result.stdout.splitlines()[-1:] == ["[]"], result.stderr
