"""``kedro klineforge runs``: the last runs, and one of them in full."""

from __future__ import annotations

import importlib
import io
from pathlib import Path

import pytest
from click.testing import CliRunner
from runlog.running import TABLE, appending, batches, lines, pipeline_of, run

from klineforge.cli import klineforge
from klineforge.cli.project import Project
from klineforge.errors import ConfigurationError
from klineforge.reporting.console import report_console
from klineforge.reporting.runlog import read_runs
from klineforge.reporting.runs import print_run, print_runs, require_run


def listed(lake: Path) -> str:
    out = io.StringIO()
    console = report_console(out)
    console.width = 300
    print_runs(lake, read_runs(lake, 20), console)
    return out.getvalue()


def shown(lake: Path, run_id: str) -> str:
    out = io.StringIO()
    console = report_console(out)
    console.width = 300
    print_run(require_run(lake, run_id), console)
    return out.getvalue()


def test_runs_are_listed_newest_first_with_what_they_changed(tmp_path: Path) -> None:
    for code in ("binance", ""):
        assert run(tmp_path, appending(code)) is None
    first, second = (line["run_id"] for line in lines(tmp_path))
    rows = [line.split() for line in listed(tmp_path).splitlines()[2:]]
    assert [(cells[0], cells[5]) for cells in rows] == [(second, "succeeded"), (first, "succeeded")]
    assert rows[0][-2:] == ["nothing", "new"]
    assert "1 rows in 1 of 1 tables" in listed(tmp_path)


def test_run_is_shown_with_nodes_tables_and_parameters(tmp_path: Path) -> None:
    assert run(tmp_path, pipeline_of(batches("a", "b")), parameters={"coins": "BTCUSDT"}) is None
    text = shown(tmp_path, lines(tmp_path)[0]["run_id"][:6])
    assert '{"coins": "BTCUSDT", "summary": false}' in text
    (node,) = [line.split() for line in text.splitlines() if line.strip().startswith("make_exchanges")]
    assert node[3] == "succeeded"
    (table,) = [line.split() for line in text.splitlines() if line.strip().startswith(TABLE)]
    assert table[1:9] == ["append", "-", "->", "2", "2", "0", "0", "0"]


def test_run_that_failed_says_why(tmp_path: Path) -> None:
    def fail() -> object:
        raise ValueError("there is no source")

    assert run(tmp_path, pipeline_of(fail)) is not None
    assert "there is no source" in listed(tmp_path)
    text = shown(tmp_path, lines(tmp_path)[0]["run_id"])
    assert text.count("there is no source") == 2


def test_lake_without_runs_says_so(tmp_path: Path) -> None:
    assert listed(tmp_path).startswith("No run has ended in")
    with pytest.raises(ConfigurationError, match="no single run .* begins with 'abc'.*kedro klineforge runs"):
        require_run(tmp_path, "abc")


def test_runs_is_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("klineforge.cli.commands")  # the package has a group of that name
    monkeypatch.setattr(module, "current_project", lambda env: Project(tmp_path, env))
    assert run(tmp_path / "lake", appending("binance")) is None
    (line,) = lines(tmp_path / "lake")
    result = CliRunner().invoke(klineforge, ["runs", "--lake", str(tmp_path / "lake")])
    assert (result.exit_code, line["run_id"] in result.output) == (0, True)
    result = CliRunner().invoke(klineforge, ["runs", "--lake", str(tmp_path / "lake"), "--run", line["run_id"]])
    assert (result.exit_code, "make_exchanges" in result.output) == (0, True)
    result = CliRunner().invoke(klineforge, ["runs", "--lake", str(tmp_path / "lake"), "--run", "nothing"])
    assert (result.exit_code, "Traceback" in result.output) == (1, False)
