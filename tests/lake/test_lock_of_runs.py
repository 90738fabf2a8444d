"""How runs take and leave the lake's lock, seen through the hooks that Kedro calls."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from faults.catalogue import case
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from klineforge.errors import ConfigurationError, LakeBusyError
from klineforge.hooks import LakeHooks
from klineforge.lake.journal import JOURNAL, TableEntry
from klineforge.lake.lock import lake_lock

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def run_on(lake: Path, market: str = "binance") -> LakeHooks:
    """The hooks of a run that is about to begin."""
    hooks = LakeHooks()
    hooks._lake, hooks._market = lake, market
    return hooks


@case("79")
def test_run_holds_the_lake_until_it_has_failed(tmp_path: Path) -> None:
    hooks = run_on(tmp_path)
    hooks.before_pipeline_run(run_params={}, pipeline=Pipeline([]), catalog=DataCatalog())
    with (
        pytest.raises(LakeBusyError, match="kedro run, pipeline __default__"),
        lake_lock(tmp_path, purpose="another", now=NOW),
    ):
        pass
    hooks.on_pipeline_error(error=ValueError("no"), run_params={})
    with lake_lock(tmp_path, purpose="another", now=NOW):
        assert '"outcome": "failed"' in (tmp_path / "_klineforge" / "runs.jsonl").read_text()


def test_run_that_is_refused_writes_no_run_log(tmp_path: Path) -> None:
    with lake_lock(tmp_path, purpose="a run", now=NOW):
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(LakeBusyError):
            run_on(tmp_path).before_pipeline_run(run_params={}, pipeline=Pipeline([]), catalog=DataCatalog())
        assert sorted(tmp_path.rglob("*")) == before


def test_run_for_another_market_does_not_keep_the_lake(tmp_path: Path) -> None:
    first = run_on(tmp_path)
    first.before_pipeline_run(run_params={}, pipeline=Pipeline([]), catalog=DataCatalog())
    first.on_pipeline_error(error=ValueError("no"), run_params={})
    (tmp_path / "bronze" / "binance_klines_daily" / "_delta_log").mkdir(parents=True)
    wrong = run_on(tmp_path, market="simulated")
    with pytest.raises(ConfigurationError, match="mixing them"):
        wrong.before_pipeline_run(run_params={}, pipeline=Pipeline([]), catalog=DataCatalog())
    with lake_lock(tmp_path, purpose="the right run", now=NOW):
        pass


def test_run_that_is_refused_leaves_the_journal_of_the_run_at_work(tmp_path: Path) -> None:
    at_work = run_on(tmp_path)
    at_work.before_pipeline_run(run_params={}, pipeline=Pipeline([]), catalog=DataCatalog())
    JOURNAL.record(TableEntry("fact_1h_klines", "append", 3))
    run_id = JOURNAL.run_id
    try:
        with pytest.raises(LakeBusyError):
            run_on(tmp_path).before_pipeline_run(run_params={}, pipeline=Pipeline([]), catalog=DataCatalog())
        assert (JOURNAL.run_id, len(JOURNAL.entries)) == (run_id, 1)
    finally:
        at_work.on_pipeline_error(error=ValueError("no"), run_params={})
