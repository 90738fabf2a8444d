"""The law over whole histories: runs cut anyhow, killed, taken apart, over tables that the world has touched."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from faults.catalogue import case
from hypothesis import given
from law.effort import NIGHTLY, effort, patience
from law.histories import BRONZE, Fate, History, Run, grown_candles, histories
from law.lake import DERIVED, Lake
from law.proof import assert_equals_oracle, assert_equals_rebuild, assert_nothing_left_to_do
from law.records import Record
from law.trouble import (
    TROUBLES,
    KilledError,
    raising_after_commit,
    raising_before_commit,
    take_back_newest_commit,
)
from pyspark.sql import SparkSession

from klineforge.errors import ConfigurationError


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake that holds some candles already, derived once; histories go on with copies of it."""
    lake = Lake(tmp_path_factory.mktemp("grown"))
    lake.add(grown_candles())
    lake.derive()
    return lake


@case("74", "76")
@patience
@effort(examples=4)
@given(history=histories(most_runs=5 if NIGHTLY else 3))
def test_tables_equal_a_rebuild_after_every_run_of_any_history(
    grown: Lake, spark: SparkSession, history: History
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder) / "lake-0")
        if history.grown:
            shutil.copytree(grown.root, lake.root)
            lake.held += grown.held
        for number, (run, records) in enumerate(zip(history.runs, history.deliveries(), strict=True), start=1):
            befall(lake, run)
            bring(lake, run, records)
            carry_out(lake, run.fate)
            if run.fate == Fate():
                assert_equals_oracle(lake)
                assert_nothing_left_to_do(lake)
            lake.move(Path(folder) / f"lake-{number}")
        assert_equals_rebuild(lake, spark)


def befall(lake: Lake, run: Run) -> None:
    """Let the troubles happen to the tables that exist."""
    for trouble, table in run.troubles:
        if not lake.folder(table).is_dir():
            continue
        TROUBLES[trouble](lake.folder(table))
        if trouble == "delete_a_coin" and table == BRONZE:
            lake.held = [record for record in lake.held if record.coin != "AAAUSDT"]


def bring(lake: Lake, run: Run, records: list[Record]) -> None:
    """Append what arrives; after a kill the same append is tried again."""
    if records:
        lake.add(records, times=1 if run.fate == Fate() else 2)
    if run.symbols:
        lake.list_symbols(run.symbols)


def carry_out(lake: Lake, fate: Fate) -> None:
    """Refresh tables until the run ends as it is to."""
    if not lake.folder(BRONZE).is_dir():
        return
    before = lake.versions()
    if fate.ending == "partial":
        for table in fate.tables:
            # A pipeline that runs apart says so where what it reads has never been made.
            with suppress(ConfigurationError):
                lake.derive_only(table)
        return
    with ExitStack() as ending:
        if fate.ending.startswith("raised"):
            ending.enter_context(suppress(KilledError))
            raising = raising_before_commit if fate.ending == "raised before commit" else raising_after_commit
            ending.enter_context(raising(fate.table))
        lake.derive_only(*DERIVED[: DERIVED.index(fate.table) + 1])
    if fate.ending == "killed before commit" and lake.versions()[fate.table] != before.get(fate.table):
        take_back_newest_commit(lake.folder(fate.table))
