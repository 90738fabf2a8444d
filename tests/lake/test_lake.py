"""Notes, change summaries, locks and DDL: what the lake needs before Spark starts."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake
from faults.catalogue import case

from klineforge.contracts import CONTRACTS
from klineforge.domain.hours import Span
from klineforge.errors import ConfigurationError, ContractError, EnvironmentProblem, LakeBusyError
from klineforge.incremental.plan import changed_between
from klineforge.lake.changes import change_scope
from klineforge.lake.ddl import create_table, table_properties
from klineforge.lake.location import TableLocation
from klineforge.lake.lock import lake_lock
from klineforge.lake.log import ChangeFeedGoneError, LocalTableLog
from klineforge.lake.note import CommitNote, Counts, InputVersion
from klineforge.lake.table import LakeTable

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_note_survives_the_way_through_the_log() -> None:
    note = CommitNote(
        "fact_1h_klines", "merge", {"fact": InputVersion("id", 7)}, "2", Counts(1, 2, 3, 4), "run", {"batch": "b"}
    )
    assert CommitNote.from_json(note.to_json()) == note


@pytest.mark.parametrize("text", [None, "", "no json", "{}", '{"klineforge": 3}', "[]"])
def test_foreign_metadata_is_no_note(text: str | None) -> None:
    assert CommitNote.from_json(text) is None


def test_change_scope_joins_hours_of_a_coin_that_follow_each_other() -> None:
    feed = pl.DataFrame(
        {
            "coin": ["B", "A", "A", "A", "A"],
            "t": [NOW, NOW, NOW + timedelta(minutes=90), NOW + timedelta(hours=5), NOW],
        }
    )
    scope = change_scope(feed, ("coin",), "t")
    assert scope.ranges == {
        ("A",): (Span(NOW, NOW + timedelta(hours=2)), Span(NOW + timedelta(hours=5), NOW + timedelta(hours=6))),
        ("B",): (Span(NOW, NOW + timedelta(hours=1)),),
    }


def test_change_scope_without_subject_is_about_time_alone() -> None:
    feed = pl.DataFrame({"t": [NOW]})
    assert change_scope(feed, (), "t").ranges == {(): (Span(NOW, NOW + timedelta(hours=1)),)}


def _hold(lake: Path, ready: object, done: object) -> None:
    with lake_lock(lake, purpose="a long run", now=NOW):
        ready.set()  # type: ignore[attr-defined]
        done.wait(30)  # type: ignore[attr-defined]


@case("79", "84")
def test_second_run_on_a_lake_is_told_who_holds_it_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(tmp_path, ready, done))
    holder.start()
    assert ready.wait(30)
    with (
        pytest.raises(LakeBusyError, match="a long run"),
        lake_lock(tmp_path, purpose="another", now=NOW),
    ):
        pass
    holder.kill()
    holder.join()
    with lake_lock(tmp_path, purpose="another", now=NOW):
        assert (tmp_path / "_klineforge" / "lock").is_file()


@case("72")
def test_lake_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with (
        pytest.raises(EnvironmentProblem, match="cannot be written.*--params lake="),
        lake_lock(blocked, purpose="x", now=NOW),
    ):
        pass


def test_location_needs_a_path_or_a_name() -> None:
    with pytest.raises(ConfigurationError, match="either a path or a table name"):
        TableLocation()
    assert TableLocation(name="main.gold.dim_coins").sql == "`main`.`gold`.`dim_coins`"


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_contract_has_a_statement_with_its_columns_and_constraints(name: str) -> None:
    contract = CONTRACTS[name]
    statement = create_table(contract, TableLocation(path="/lake/table"))
    for column in contract.all_columns:
        assert f"`{column.name}` {column.type}" in statement
    assert table_properties(contract)["delta.enableChangeDataFeed"] == "true"
    assert set(contract.grain) <= {column.name for column in contract.columns if not column.nullable}


@case("77")
def test_table_of_another_version_is_refused_with_a_way_out(tmp_path: Path) -> None:
    contract = CONTRACTS["mart_top_movers"]
    older = pl.DataFrame({"exchange": ["binance"], "coin": ["A"], "mover_rank": [1.5]})
    write_deltalake(str(tmp_path / "mart"), older.to_arrow())
    table = LakeTable.at(contract, TableLocation(path=str(tmp_path / "mart")))
    with pytest.raises(
        ContractError, match="mover_rank is DOUBLE.*kedro klineforge rebuild mart_top_movers"
    ) as refused:
        table.require_contract()
    assert "open_timestamp is missing" in str(refused.value)


@case("77")
def test_bronze_of_another_version_is_never_offered_a_rebuild(tmp_path: Path) -> None:
    write_deltalake(str(tmp_path / "klines"), pl.DataFrame({"coin": ["A"]}).to_arrow())
    table = LakeTable.at(CONTRACTS["binance_klines_daily"], TableLocation(path=str(tmp_path / "klines")))
    with pytest.raises(ContractError, match="Bronze cannot be made anew"):
        table.require_contract()


@case("76")
def test_history_that_was_cleaned_up_is_not_taken_for_no_change(tmp_path: Path) -> None:
    path = str(tmp_path / "table")
    for number in range(4):
        write_deltalake(path, pl.DataFrame({"coin": [str(number)]}).to_arrow(), mode="append")
    log = LocalTableLog(TableLocation(path=path))
    assert changed_between(log, 1, 3)
    (tmp_path / "table" / "_delta_log" / f"{2:020d}.json").unlink()
    with pytest.raises(ChangeFeedGoneError, match="no longer holds version 2"):
        changed_between(log, 1, 3)


@case("78")
@pytest.mark.parametrize("left", [0, 100])
def test_log_that_a_power_failure_cut_off_is_told_as_such(tmp_path: Path, left: int) -> None:
    path = str(tmp_path / "table")
    for number in range(3):
        write_deltalake(path, pl.DataFrame({"coin": [str(number)]}).to_arrow(), mode="append")
    newest = tmp_path / "table" / "_delta_log" / f"{2:020d}.json"
    newest.write_text(newest.read_text("utf-8")[:left], "utf-8")
    with pytest.raises(
        EnvironmentProblem, match="table cannot be read.*Nothing was changed. .*kedro klineforge repair"
    ):
        LocalTableLog(TableLocation(path=path)).head()
