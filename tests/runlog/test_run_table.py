"""The lines of the run log become rows of ``run_log``: each run once, and only when something has changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from runlog.running import TABLE, appending, commits, lines, run, table

from klineforge.contracts.operations import RUN_LOG as CONTRACT
from klineforge.datasets.delta_table import DeltaTableDataset
from klineforge.lake.maintenance import maintain
from klineforge.reporting import runtable
from klineforge.reporting.runlog import RUN_LOG, find_run, read_runs, trim_runs
from klineforge.reporting.runtable import runs_to_take_over, take_over, waiting_runs

START = datetime(2026, 3, 1, tzinfo=UTC)


def line(number: int, **changes: object) -> str:
    """A line as versions before the table wrote it."""
    started = START + timedelta(hours=number)
    entry = {"table": "dim_coins", "action": "merge", "version": 3, "inserted": 1, "updated": 2, "deleted": 0}
    record = {
        "run_id": f"run{number:05}",
        "pipeline": "__default__",
        "env": "local",
        "started_at": started.isoformat(),
        "ended_at": (started + timedelta(minutes=1)).isoformat(),
        "outcome": "succeeded",
        "error": None,
        "parameters": {"coins": ["BTCUSDT"]},
        "tables": [entry],
    }
    return json.dumps(record | changes) + "\n"


def write(lake: Path, *texts: str) -> None:
    (lake / RUN_LOG).parent.mkdir(exist_ok=True)
    with (lake / RUN_LOG).open("a", encoding="utf-8") as log:
        log.writelines(texts)


def test_run_that_changed_something_is_in_the_table_with_its_nodes_and_tables(tmp_path: Path) -> None:
    assert run(tmp_path, appending("binance"), parameters={"rest_url": "https://me:pw@host/?token=abc"}) is None
    held = table(tmp_path)
    assert sorted(held["kind"]) == ["node", "node", "run", "table"]
    assert held["run_id"].n_unique() == 1
    (whole,) = held.filter(pl.col("kind") == "run").iter_rows(named=True)
    assert (whole["name"], whole["outcome"], whole["rows_inserted"]) == ("gold", "succeeded", 1)
    assert whole["started_at"] < whole["ended_at"]
    assert json.loads(whole["parameters"]) == {"summary": False, "rest_url": "https://***@host/?token=***"}
    (one,) = held.filter(pl.col("kind") == "table").iter_rows(named=True)
    assert (one["name"], one["action"], one["version_before"], one["version_written"]) == (TABLE, "append", None, 1)
    assert one["bytes_added"] == whole["bytes_added"] > 0
    assert DeltaTable(str(tmp_path / "operations" / "run_log")).history(1)[0]["userMetadata"].count(one["run_id"]) == 1


def test_run_with_nothing_new_commits_nothing_anywhere_and_comes_with_the_next(tmp_path: Path) -> None:
    for code in ("binance", "", ""):
        assert run(tmp_path, appending(code)) is None
    assert (commits(tmp_path)["run_log"], table(tmp_path, "run").height) == (2, 1)
    assert run(tmp_path, appending("coinbase")) is None
    assert (commits(tmp_path)["run_log"], table(tmp_path, "run").height) == (3, 4)
    assert table(tmp_path, "run")["rows_inserted"].to_list() == [1, 0, 0, 1]
    assert table(tmp_path, "table")["version_written"].to_list() == [1, None, None, 2]


def test_run_killed_between_line_and_commit_is_in_the_table_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """As SIGKILL."""

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(runtable, "_commit", die)
        with pytest.raises(Killed):
            run(tmp_path, appending("binance"))
    assert len(lines(tmp_path)) == 1
    assert run(tmp_path, appending("coinbase")) is None
    assert table(tmp_path, "run")["run_id"].to_list() == [found["run_id"] for found in lines(tmp_path)]
    assert take_over(tmp_path) == 0
    assert commits(tmp_path)["run_log"] == 2


def test_failed_run_that_committed_is_in_the_table(tmp_path: Path) -> None:
    def fail(_: int) -> int:
        raise ValueError("no more")

    from kedro.pipeline import Node, Pipeline

    assert run(tmp_path, appending("binance") + Pipeline([Node(fail, "count", "x", name="fail_late")])) is not None
    assert table(tmp_path, "run")["outcome"].to_list() == ["failed"]
    assert dict(table(tmp_path, "node").select("name", "outcome").iter_rows()) == {
        "make_exchanges": "succeeded",
        "count_exchanges": "succeeded",
        "fail_late": "failed",
    }


def test_lines_of_older_versions_are_taken_over(tmp_path: Path) -> None:
    write(tmp_path, *(line(number) for number in range(500)))
    assert take_over(tmp_path) == 500
    assert take_over(tmp_path) == 0
    (row,) = table(tmp_path, "table").filter(pl.col("run_id") == "run00007").iter_rows(named=True)
    assert (row["rows_inserted"], row["rows_updated"], row["version_before"], row["bytes_added"]) == (1, 2, None, None)
    assert table(tmp_path)["package_version"].null_count() == 1000


def test_lines_that_cannot_be_understood_are_left_out_and_hold_up_nobody(tmp_path: Path) -> None:
    spoilt = (line(1)[:50] + "\n", line(2, outcome="unheard of"), line(3, tables=[{"table": "x"}]))
    write(tmp_path, line(0), *spoilt, line(4))
    assert take_over(tmp_path) == 2
    assert take_over(tmp_path) == 0


def test_clock_that_was_set_back_loses_and_repeats_nothing(tmp_path: Path) -> None:
    for number in (5, 3, 4, 1, 2):
        write(tmp_path, line(number))
        assert take_over(tmp_path) == 1
    assert sorted(table(tmp_path, "run")["run_id"]) == [f"run0000{number}" for number in (1, 2, 3, 4, 5)]


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, *(line(number) for number in range(2000)))
    take_over(tmp_path)
    write(tmp_path, line(2000))
    parsed: list[str] = []
    original = runtable.parse_line
    monkeypatch.setattr(runtable, "parse_line", lambda text: (parsed.append(text), original(text))[1])
    assert [found.run_id for found in runs_to_take_over(tmp_path)] == ["run02000"]
    assert len(parsed) < 500


def test_many_waiting_runs_are_looked_up_a_few_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, line(0))
    take_over(tmp_path)
    write(tmp_path, *(line(number) for number in range(1, 3000)))
    asked: list[object] = []
    original = runtable._held
    monkeypatch.setattr(runtable, "_held", lambda *given: (asked.append(given), original(*given))[1])
    assert take_over(tmp_path) == 2999
    assert len(asked) <= 6


def test_runs_that_are_not_in_the_table_are_not_forgotten(tmp_path: Path) -> None:
    write(tmp_path, *(line(number) for number in range(6)))
    take_over(tmp_path)
    write(tmp_path, *(line(number) for number in range(6, 12)))
    assert waiting_runs(tmp_path) == {f"run{number:05}" for number in range(6, 12)}
    assert trim_runs(tmp_path, 3, kept=waiting_runs(tmp_path)) == 6
    assert [found.run_id for found in read_runs(tmp_path, 20).runs][-1] == "run00006"
    take_over(tmp_path)
    assert trim_runs(tmp_path, 3, kept=waiting_runs(tmp_path)) == 3


def test_table_that_cannot_be_written_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "operations").mkdir(parents=True)
    (tmp_path / "operations" / "run_log").write_text("in the way")
    assert run(tmp_path, appending("binance")) is None
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warning.startswith("the table run_log was not written, its newest runs are in _klineforge/runs.jsonl alone")


def test_table_of_another_version_is_left_alone_with_a_way_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pl.DataFrame({"run_id": ["a"], "kind": ["run"]}).write_delta(str(tmp_path / "operations" / "run_log"))
    assert run(tmp_path, appending("binance")) is None
    assert "column name is missing" in caplog.text
    assert "Move its folder away" in caplog.text
    assert commits(tmp_path)["run_log"] == 1


def test_find_run_takes_a_beginning_that_is_said_of_one_run(tmp_path: Path) -> None:
    write(tmp_path, line(1), line(12))
    assert (find_run(tmp_path, "run00012") or pytest.fail("not found")).run_id == "run00012"
    assert find_run(tmp_path, "run0") is None
    assert (find_run(tmp_path, "run00001") or pytest.fail("not found")).run_id == "run00001"
    assert find_run(tmp_path, "") is None


def test_grain_holds_and_every_column_is_documented(tmp_path: Path) -> None:
    for code in ("a", "b"):
        run(tmp_path, appending(code))
    held = table(tmp_path)
    assert not held.select(CONTRACT.grain).is_duplicated().any()
    assert held.columns == list(CONTRACT.column_names)


def test_catalog_entry_shows_the_newest_runs(tmp_path: Path) -> None:
    for code in ("a", "b"):
        run(tmp_path, appending(code))
    dataset = DeltaTableDataset(contract="run_log", path=str(tmp_path / "operations" / "run_log"))
    shown = dataset.preview(4)
    assert {row[0] for row in shown["data"]} == {lines(tmp_path)[1]["run_id"]}
    assert shown["columns"] == [column.name for column in CONTRACT.columns]


def test_maintenance_joins_the_files_of_the_table_and_keeps_its_rows(tmp_path: Path) -> None:
    for number in range(34):
        write(tmp_path, line(number))
        take_over(tmp_path)
    before = table(tmp_path)
    folder = tmp_path / "operations" / "run_log"
    done = maintain(folder, CONTRACT, (), now=datetime(2027, 1, 1, tzinfo=UTC))
    assert (done.before.files, done.after.files) == (34, 1)
    assert table(tmp_path).equals(before)
    write(tmp_path, line(34))
    assert take_over(tmp_path) == 1
