"""Results of checks do not grow for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from klineforge.cli.maintenance import Request, maintain_lake
from klineforge.contracts.operations import QUALITY_RESULTS
from klineforge.errors import ConfigurationError
from klineforge.lake.local import LocalWriter
from klineforge.lake.location import TableLocation
from klineforge.lake.note import CommitNote
from klineforge.pipelines.quality.nodes import put_down
from klineforge.quality.checks import MADE
from klineforge.quality.finding import Finding
from klineforge.quality.report import QualityReport

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AGES = (0, 89, 91, 400)


def results(lake: Path) -> pl.DataFrame:
    return pl.read_delta(str(lake / "operations" / "quality_results"))


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake with results of four runs of different age."""
    place = tmp_path / "lake"
    writer = LocalWriter(QUALITY_RESULTS, TableLocation(str(place / "operations" / "quality_results")))
    writer.create()
    for age in AGES:
        found = [Finding("fact_1h_klines", rule, "error", 10, 0) for rule in ("unique_key", "made")]
        report = QualityReport.of(f"run {age}", NOW - timedelta(days=age), [found])
        writer.append(report.to_rows(), CommitNote("quality_results", "append"), once_as=report.identity)
    return place


def test_maintenance_forgets_results_older_than_ninety_days(lake: Path) -> None:
    done = maintain_lake(lake, Request(), NOW)
    assert done.failures == ()
    assert done.checks_forgotten == 4
    assert set(results(lake)["run_id"]) == {"run 0", "run 89"}
    version = DeltaTable(lake / "operations" / "quality_results").version()
    assert maintain_lake(lake, Request(), NOW).checks_forgotten == 0
    assert DeltaTable(lake / "operations" / "quality_results").version() == version


def test_dry_run_forgets_nothing(lake: Path) -> None:
    assert maintain_lake(lake, Request(dry_run=True), NOW).checks_forgotten == 0
    assert results(lake).height == 2 * len(AGES)


def test_lake_without_tables_is_told_and_not_called_sound() -> None:
    missing = [Finding(table, MADE, "warning", 1, 1) for table in ("fact_1h_klines", "dim_coins")]
    with pytest.raises(ConfigurationError, match="the lake has no tables"):
        put_down(missing, [])
    rows, report = put_down(missing, [Finding("kline_runs", "unique_key", "error", 3, 0)])
    assert rows.rows.num_rows == report["rules"] == 3
