"""What the run log says of runs, nodes and tables, whichever runner runs them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from kedro.pipeline import Node, Pipeline
from kedro.runner import AbstractRunner, SequentialRunner
from runlog.running import TABLE, appending, batches, commits, lines, pipeline_of, rows, run, table

from klineforge import __version__
from klineforge.datasets.delta_table import Append
from klineforge.errors import RunInterruptedError
from klineforge.interruption import INTERRUPTION
from klineforge.reporting.runlog import read_runs
from klineforge.runner import SideBySideRunner

RUNNERS = [SequentialRunner(), SideBySideRunner(max_workers=2)]


def fail() -> Append:
    raise ValueError("the source is at https://me:secret@host/x?api_key=abc")


@pytest.mark.parametrize("runner", RUNNERS, ids=lambda runner: type(runner).__name__)
def test_run_is_written_down_with_its_nodes_and_tables(tmp_path: Path, runner: AbstractRunner) -> None:
    assert run(tmp_path, appending("binance"), runner=runner, parameters={"coins": "BTCUSDT"}) is None
    (line,) = lines(tmp_path)
    assert (line["pipeline"], line["env"], line["outcome"], line["error"]) == ("gold", "demo", "succeeded", None)
    assert line["package_version"] == __version__
    assert line["parameters"] == {"summary": False, "coins": "BTCUSDT"}
    assert [(node["name"], node["outcome"]) for node in line["nodes"]] == [
        ("make_exchanges", "succeeded"),
        ("count_exchanges", "succeeded"),
    ]
    first, second = line["nodes"]
    assert line["started_at"] <= first["started_at"] <= first["ended_at"] <= second["started_at"] <= line["ended_at"]
    (written,) = line["tables"]
    size = sum(file.stat().st_size for file in (tmp_path / "gold" / TABLE).glob("*.parquet"))
    assert (written["version_before"], written["version"], written["bytes_added"]) == (None, 1, size)
    assert not (tmp_path / "_klineforge" / "run_in_work.json").exists()


def test_nodes_side_by_side_are_told_apart(tmp_path: Path) -> None:
    meeting = threading.Barrier(2, timeout=20)

    def meet() -> int:
        return meeting.wait()

    nodes = [Node(meet, None, name, name=f"meet_{name}") for name in ("a", "b")]
    assert run(tmp_path, Pipeline(nodes)) is None
    one, other = lines(tmp_path)[0]["nodes"]
    assert {one["name"], other["name"]} == {"meet_a", "meet_b"}
    assert max(one["started_at"], other["started_at"]) <= min(one["ended_at"], other["ended_at"])


@pytest.mark.parametrize("runner", RUNNERS, ids=lambda runner: type(runner).__name__)
def test_node_that_raises_is_named_without_credentials(tmp_path: Path, runner: AbstractRunner) -> None:
    assert isinstance(run(tmp_path, pipeline_of(fail), runner=runner), ValueError)
    (line,) = lines(tmp_path)
    assert line["outcome"] == "failed"
    assert [(node["name"], node["outcome"]) for node in line["nodes"]] == [("make_exchanges", "failed")]
    assert line["nodes"][0]["error"] == "the source is at https://***@host/x?api_key=***"
    assert "secret" not in str(line)
    assert "abc" not in str(line)


@pytest.mark.parametrize("runner", RUNNERS, ids=lambda runner: type(runner).__name__)
def test_table_that_cannot_be_written_fails_its_node(tmp_path: Path, runner: AbstractRunner) -> None:
    def make() -> Append:
        return Append(rows("binance").rows.drop_columns(["exchange"]), "x")

    assert run(tmp_path, pipeline_of(make), runner=runner) is not None
    (line,) = lines(tmp_path)
    (entry,) = line["tables"]
    assert (entry["table"], entry["action"], entry["version"]) == (TABLE, "failed", None)
    assert "columns exchange are missing" in entry["error"]
    assert [(node["outcome"], node["error"]) for node in line["nodes"]] == [("failed", entry["error"])]


def test_node_of_batches_ends_with_the_last_and_its_table_is_one_row(tmp_path: Path) -> None:
    assert run(tmp_path, pipeline_of(batches("", "binance", "coinbase"))) is None
    (line,) = lines(tmp_path)
    assert [entry["action"] for entry in line["tables"]] == ["unchanged", "append", "append"]
    assert line["nodes"][0]["outcome"] == "succeeded"
    (row,) = table(tmp_path, "table").iter_rows(named=True)
    assert (row["rows_inserted"], row["version_before"], row["version_written"]) == (2, None, 2)


def test_batches_that_break_off_fail_the_node_and_keep_what_was_written(tmp_path: Path) -> None:
    def make() -> object:
        yield rows("binance")
        raise ValueError("the second batch is spoilt")

    assert run(tmp_path, pipeline_of(make)) is not None
    (line,) = lines(tmp_path)
    assert [(node["outcome"], node["error"]) for node in line["nodes"]] == [("failed", "the second batch is spoilt")]
    (row,) = table(tmp_path, "table").iter_rows(named=True)
    assert (row["outcome"], row["rows_inserted"]) == ("succeeded", 1)


def test_interrupted_run_is_written_down_and_comes_into_the_table_with_the_next(tmp_path: Path) -> None:
    def make(_: int) -> Append:
        INTERRUPTION.request()
        raise RunInterruptedError

    first = appending("binance")
    interrupted = Pipeline([Node(make, "count", "never", name="never_made")])
    try:
        assert isinstance(run(tmp_path, first + interrupted, runner=SequentialRunner()), RunInterruptedError)
    finally:
        INTERRUPTION.begin()
    (line,) = lines(tmp_path)
    assert line["outcome"] == "interrupted"
    assert [node["outcome"] for node in line["nodes"]] == ["succeeded", "succeeded", "interrupted"]
    assert "run_log" not in commits(tmp_path)
    assert run(tmp_path, appending("coinbase")) is None
    assert table(tmp_path, "run")["outcome"].to_list() == ["interrupted", "succeeded"]


def test_killed_run_is_written_down_by_the_next(tmp_path: Path) -> None:
    class Killed(BaseException):
        """Leaves no time for anything, as SIGKILL does."""

    def make() -> Append:
        raise Killed

    with pytest.raises(Killed):
        run(tmp_path, pipeline_of(make), runner=SequentialRunner(), parameters={"token": "abc"})
    assert not (tmp_path / "_klineforge" / "runs.jsonl").exists()
    assert run(tmp_path, appending("binance")) is None
    killed, _ = lines(tmp_path)
    assert (killed["outcome"], killed["parameters"]["token"]) == ("killed", "***")
    newest, oldest = read_runs(tmp_path, 5).runs
    assert (newest.outcome, oldest.outcome, oldest.took) == ("succeeded", "killed", None)
    assert table(tmp_path, "run")["ended_at"].null_count() == 1


def test_mark_cut_off_by_a_kill_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "_klineforge").mkdir()
    (tmp_path / "_klineforge" / "run_in_work.json").write_text('{"run_id": "0')
    assert run(tmp_path, appending("binance")) is None
    assert [line["outcome"] for line in lines(tmp_path)] == ["succeeded"]


def test_line_cut_short_does_not_spoil_the_next(tmp_path: Path) -> None:
    assert run(tmp_path, appending("")) is not None  # the table is not there to be counted
    with (tmp_path / "_klineforge" / "runs.jsonl").open("a") as log:
        log.write('{"run_id": "cut')
    assert run(tmp_path, appending("binance")) is None
    log = read_runs(tmp_path, 5)
    assert [found.outcome for found in log.runs] == ["succeeded", "failed"]
    assert log.unreadable_lines == 1


def test_run_goes_on_where_the_run_log_cannot_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "_klineforge" / "runs.jsonl").mkdir(parents=True)
    assert run(tmp_path, appending("binance")) is None
    assert commits(tmp_path)[TABLE] == 2
    assert "is not in the run log, which cannot be written" in caplog.text
