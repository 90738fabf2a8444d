"""``kedro klineforge alerts`` as a user calls it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from alerting.lake import START, Lake, Recorder
from click.testing import CliRunner, Result

from klineforge.cli.alerts import alerts

Kedro = Callable[..., CompletedProcess[str]]
HOUR = timedelta(hours=1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Two coins, three hours of a lot of volume, returns so that there are hours to look at."""
    lake = Lake(tmp_path / "lake")
    lake.trade({"BTCUSDT": {10: 9.0, 100: 12.0}, "ETHUSDT": {300: 10.0}}, hours=24 * 14)
    lake.write("mart_returns_1h", ({"coin": "BTCUSDT", "open_timestamp": START + n * HOUR} for n in range(24 * 14)))
    return lake


@dataclass
class ProjectOf:
    """A project with one lake and no configuration: what is asked for on the command line is all there is."""

    root: Path

    def lake(self, _: str | None) -> Path:
        return self.root

    def parameters(self, runtime: Mapping[str, Any]) -> Mapping[str, Any]:
        return runtime


@pytest.fixture
def call(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """A function that calls ``alerts`` in this process, without Kedro."""
    monkeypatch.setattr("klineforge.cli.alerts.current_project", lambda _: ProjectOf(lake.root))
    return lambda *arguments: CliRunner(env={"COLUMNS": "200"}).invoke(alerts, arguments)


def files(lake: Lake) -> set[Path]:
    return set(lake.root.rglob("*"))


def test_replay_in_a_project_takes_its_parameters_and_those_asked_for(kedro: Kedro, lake: Lake) -> None:
    asked = ("--start", "2026-03-03", "--params", "alerts.rules.volume_spike.above=11")
    done = kedro("klineforge", "alerts", "replay", "--lake", str(lake.root), *asked)
    assert done.returncode == 0, done.stderr
    assert ["volume_spike", "1", "0.5", "1", "2026-03-02"] in [line.split() for line in done.stdout.splitlines()]


def test_replay_counts_per_week_and_names_the_largest_and_writes_nothing(
    call: Callable[..., Result], lake: Lake
) -> None:
    before = files(lake)
    done = call("replay")
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["volume_spike", "3", "1.5", "2", "2026-03-02"] in lines
    assert "from 2026-03-02 00:00 to 2026-03-16 00:00 UTC" in done.stdout
    assert "binance/BTCUSDT: volume 12.0 times its 24-hour mean" in done.stdout
    assert files(lake) == before


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("--params", "alerts.rules.volume_spike.abov=9"), "'alerts.rules.volume_spike' knows nothing called abov"),
        (("--start", "2026-03-05", "--end", "2026-03-04"), "--end must lie after --start"),
        (("--start", "2031-01-01"), "holds no figures in these hours; run `kedro run` first"),
    ],
)
def test_replay_that_cannot_be_done_ends_in_a_message(
    call: Callable[..., Result], asked: tuple[str, ...], message: str
) -> None:
    done = call("replay", *asked)
    assert done.exit_code == 1
    assert message in done.stderr


def test_list_shows_what_waits_and_what_was_found(call: Callable[..., Result], lake: Lake) -> None:
    broken = Recorder("ops", fails=True)
    lake.run(START + 24 * 14 * HOUR, (broken,))
    done = call("list")
    assert done.exit_code == 0, done.output
    assert "Waiting for delivery: 1" in done.stdout
    (waiting, found) = (line for line in done.stdout.splitlines() if "binance/ETHUSDT: volume 10.0 times" in line)
    assert waiting.split()[-7:] == ["ops", "1", "refused", "with", "HTTP", "status", "500"]
    assert found.split()[:4] == ["2026-03-14", "12:00", "info", "volume_spike"]


def test_list_of_a_lake_without_alerts_is_empty(call: Callable[..., Result]) -> None:
    done = call("list")
    assert done.exit_code == 0, done.output
    assert "Waiting for delivery: 0" in done.stdout
