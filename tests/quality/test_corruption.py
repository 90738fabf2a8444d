"""Lakes that somebody has harmed: every harm is noticed, named and mended by the command that the documents name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable
from e2e.project import REPOSITORY
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from quality.corruption import CORRUPTIONS, Corruption, folder, rewritten

from klineforge.cli.project import Project
from klineforge.cli.rebuilding import rebuild_tables
from klineforge.cli.repairing import end_with_what_is_left, repair_lake
from klineforge.contracts import CONTRACTS
from klineforge.errors import QualityError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("spark"), pytest.mark.timeout(300)]

MARKET = {"coins": "BTCUSDT ETHUSDT MATICUSDT", "start": "2026-08-01", "end": "2026-09-01", "summary": False}
DERIVED = [contract.name for contract in CONTRACTS.values() if contract.layer in {"silver", "gold", "marts"}]
MODELS = [contract.name for contract in CONTRACTS.values() if contract.layer == "features"]
# Of a download that is repeated.
_WHENCE = ("ingestion_ts", "source_uri", "source_sha256", "source_row", "source_kind")


def test_a_sound_lake_breaks_no_rule(sound: Path) -> None:
    told = _asked(sound)
    # The market of the test has ended.
    assert {entry["rule"] for entry in told["broken"]} == {"fresh", "coins_up_to_date"}
    assert told["rules"] > 300
    results = pl.read_delta(str(folder(sound, "quality_results"))).filter(pl.col("run_id") == told["run_id"])
    assert results.height == told["rules"]
    assert results.filter(pl.col("severity") == "error")["rows_failed"].sum() == 0
    figures = results.filter((pl.col("rule") == "figures_again") & pl.col("table_name").str.starts_with("mart_"))
    assert figures.height == 6
    assert figures["rows_checked"].min() > 500  # type: ignore[operator]


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda one: one.name.replace(" ", "-"))
def test_a_harm_is_noticed_named_and_mended(sound: Path, tmp_path: Path, corruption: Corruption) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(sound, lake)
    corruption.harm(lake)

    with pytest.raises(QualityError) as refused:
        _run(lake, "quality")
    told = {(entry["table"], entry["rule"]) for entry in _report(lake)["broken"]}
    assert corruption.rules <= told
    assert all(table in str(refused.value) for table, _ in corruption.rules)

    _mend(lake, corruption)
    assert [entry for entry in _asked(lake)["broken"] if entry["severity"] == "error"] == []
    for name in DERIVED:
        assert _rows(lake, name).equals(_rows(sound, name)), name


def test_tables_for_models_are_made_by_their_pipeline_checked_and_mended(sound: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(sound, lake)
    # Nobody has asked for them so far, and nothing is said of it.
    assert {entry["table"] for entry in _asked(sound)["broken"]} & set(MODELS) == set()
    _run(lake, "features")
    versions = {name: DeltaTable(folder(lake, name)).version() for name in MODELS}
    _run(lake, "__default__", "features")
    assert {name: DeltaTable(folder(lake, name)).version() for name in MODELS} == versions, "nothing was new"
    assert {entry["rule"] for entry in _asked(lake)["broken"]} == {"fresh", "coins_up_to_date"}
    rows = _rows(lake, "features_1h")
    assert rows.height == _rows(lake, "mart_returns_1h").height

    rewritten(lake, "features_1h", lambda rows: rows.with_columns(volatility_168h=pl.col("volatility_168h") * 1.0001))
    rewritten(lake, "labels_1h", lambda rows: rows.with_columns(triple_barrier_24h=-pl.col("triple_barrier_24h")))
    with pytest.raises(QualityError):
        _run(lake, "quality")
    told = {(entry["table"], entry["rule"]) for entry in _report(lake)["broken"] if entry["severity"] == "error"}
    assert told == {("features_1h", "figures_again"), ("labels_1h", "figures_again")}
    rebuild_tables(Project(REPOSITORY, "demo"), ["features_1h", "labels_1h"], str(lake))
    assert [entry for entry in _asked(lake)["broken"] if entry["severity"] == "error"] == []
    assert _rows(lake, "features_1h").equals(rows)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A lake of the simulated market: a month of three coins with an outage and a delisting."""
    lake = tmp_path_factory.mktemp("sound") / "lake"
    _run(lake)
    yield lake
    shutil.rmtree(lake)


def _run(lake: Path, *pipelines: str, **parameters: object) -> None:
    bootstrap_project(REPOSITORY)
    given = {"lake": str(lake), **MARKET, **parameters}
    with KedroSession.create(project_path=REPOSITORY, env="demo", runtime_params=given) as session:
        session.run(pipeline_names=list(pipelines) or None)


def _mend(lake: Path, corruption: Corruption) -> None:
    if corruption.repair == "repair":
        done = repair_lake(lake, (), datetime.now(UTC))
        end_with_what_is_left(done, dry_run=False)
    if corruption.repair == "rebuild":
        rebuild_tables(Project(REPOSITORY, "demo"), [corruption.table], str(lake))
    _run(lake)


def _asked(lake: Path) -> dict[str, Any]:
    _run(lake, "quality", quality={"pairs_again": "all"})
    return _report(lake)


def _report(lake: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((lake / "_klineforge" / "quality_report.json").read_text(encoding="utf-8"))
    return told


def _rows(lake: Path, name: str) -> pl.DataFrame:
    rows = pl.read_delta(str(folder(lake, name)))
    kept = rows.drop(column for column in _WHENCE if column in rows.columns)
    return kept.sort([column for column in CONTRACTS[name].grain if column in kept.columns])
