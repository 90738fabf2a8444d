"""``make dagster`` refuses what could not work before it starts anything."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from klineforge.errors import EnvironmentProblem
from klineforge.orchestration import __main__ as launcher
from klineforge.orchestration.place import Place, project_of_environment


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Commands that would have taken the process over."""
    commands: list[list[str]] = []
    monkeypatch.setattr(launcher.os, "execv", lambda _program, command: commands.append(command))
    monkeypatch.setattr(launcher, "require_dagster", lambda: None)
    monkeypatch.setattr(Place, "of", lambda _project: None)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    for name in ("KLINEFORGE_DAGSTER_PARAMS", "KEDRO_ENV", "PYTHONWARNINGS"):
        # Set and taken away, so that what the launcher sets is taken back after the test.
        monkeypatch.setenv(name, "")
    return commands


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_start_is_on_loopback_and_hands_over_env_and_parameters(
    replaced: list[list[str]], free_port: int, tmp_path: Path
) -> None:
    asked = ["--env", "demo", "--port", str(free_port), "--params", "lake=/some/lake,coins=BTCUSDT ETHUSDT"]
    result = CliRunner().invoke(launcher.main, asked)
    assert (result.exit_code, result.exception) == (0, None)
    command = replaced[0]
    assert command[command.index("--host") + 1] == "127.0.0.1"
    project = project_of_environment(tmp_path)
    assert (project.env, project.parameters) == ("demo", {"lake": "/some/lake", "coins": "BTCUSDT ETHUSDT"})
    instance = yaml.safe_load((tmp_path / "home" / "dagster.yaml").read_text(encoding="utf-8"))
    assert instance["telemetry"] == {"enabled": False}
    assert instance["concurrency"]["runs"]["max_concurrent_runs"] == 1


def test_instance_configuration_of_somebody_is_left_alone(
    replaced: list[list[str]], free_port: int, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    CliRunner().invoke(launcher.main, ["--port", str(free_port)])
    assert len(replaced) == 1
    assert (tmp_path / "home" / "dagster.yaml").read_text(encoding="utf-8") == "telemetry: {enabled: false}\n"


def test_taken_port_is_named_with_another_one(replaced: list[list[str]]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = CliRunner().invoke(launcher.main, ["--port", str(port)])
    assert (result.exit_code, replaced) == (1, [])
    assert f"Dagster cannot listen on 127.0.0.1:{port}: Address already in use" in result.output
    assert "make dagster ARGS=" in result.output


def test_missing_packages_are_named_with_the_way_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec

    def nothing_of_dagster(name: str, package: str | None = None) -> Any:
        return None if name.startswith("dagster") else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", nothing_of_dagster)
    with pytest.raises(EnvironmentProblem, match=r"dagster and dagster_webserver cannot be imported.*make\s+dagster"):
        launcher.require_dagster()
