"""Whole jobs, in this process, on the demo exchange."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from orchestration.running import Trouble, built, events, materialized

from klineforge.lake.lock import lake_lock
from klineforge.pipeline_registry import register_pipelines
from klineforge.reporting.runlog import read_runs

dg = pytest.importorskip("dagster", reason="Dagster's packages are not there: make .venv/dagster")
pytestmark = pytest.mark.slow

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def first(run_job: Run, trouble: Trouble) -> Any:
    """The daily job, in which a node fails twice and a table cannot be saved twice."""
    trouble.nodes["rank_top_movers"] = 2
    trouble.saves["mart_volume_metrics_1h"] = 2
    return run_job("daily")


@pytest.fixture(scope="module")
def broken(first: Any, run_job: Run, trouble: Trouble) -> Any:  # noqa: ARG001 - it comes first
    """The job of the marts after it, in which one table can never be saved."""
    trouble.saves["mart_volume_metrics_1h"] = 99
    result = run_job("marts")
    trouble.saves.clear()
    return result


@pytest.fixture(scope="module")
def told(broken: Any, definitions: Any, instance: Any, run_job: Run) -> tuple[list[Any], Any]:
    """What the sensor asks for after that failure, and the run of the alerts."""
    asked = after_failure(definitions, instance, broken)
    return asked, run_job("alerts")


def outcomes(lake: Path, most: int) -> list[tuple[str, str]]:
    """Pipeline and outcome of the newest runs of Kedro, the oldest of them first."""
    return [(run.pipeline, run.outcome) for run in read_runs(lake, most).runs][::-1]


def after_failure(definitions: Any, instance: Any, result: Any) -> list[Any]:
    sensor = definitions.resolve_sensor_def("after_failure")
    failure = events(result, "PIPELINE_FAILURE")[0]
    context = dg.build_run_status_sensor_context(
        sensor_name="after_failure",
        dagster_event=failure,
        dagster_instance=instance,
        dagster_run=instance.get_run_by_id(result.run_id),
    ).for_run_failure()
    return list(sensor(context))


def alerts_told(lake: Path) -> list[dict[str, Any]]:
    file = lake / "_klineforge" / "alerts.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [alert for alert in map(json.loads, lines) if alert["rule"] == "failed_run"]


def test_daily_job_makes_every_asset_but_those_of_other_jobs_once(first: Any, definitions: Any, lake: Path) -> None:
    assert first.success
    assets = {key.to_user_string() for key in definitions.resolve_asset_graph().materializable_asset_keys}
    # The report has a job of its own.
    apart = register_pipelines()["report"].all_outputs() & assets
    assert sorted(materialized(first)) == sorted(assets - apart)
    # One run of Kedro for all tables: a step of the features does not end it while one of the marts is tried again.
    assert outcomes(lake, 3) == [
        ("__default__,features", "succeeded"),
        ("quality", "succeeded"),
        ("alerts", "succeeded"),
    ]


@pytest.mark.parametrize("step", ["rank_top_movers", "compute_volume_metrics"])
def test_step_that_fails_twice_is_tried_a_third_time_after_growing_waits(first: Any, instance: Any, step: str) -> None:
    waits = [event.event_specific_data.seconds_to_wait for event in events(first, "STEP_UP_FOR_RETRY", step)]
    assert waits == [pytest.approx(0.2), pytest.approx(0.6)]
    kinds = {"STEP_START", "STEP_RESTARTED"}
    log = [entry for entry in instance.all_logs(first.run_id) if entry.step_key == step and entry.is_dagster_event]
    began = [entry.timestamp for entry in log if entry.dagster_event.event_type_value in kinds]
    pauses = [after - before for before, after in pairwise(began)]
    assert [pause >= wait for pause, wait in zip(pauses, waits, strict=True)] == [True, True]
    assert len(events(first, "STEP_SUCCESS", step)) == 1
    assert len(events(first, "ASSET_MATERIALIZATION", step)) == 1


def test_materialization_tells_rows_versions_hour_and_seconds(first: Any) -> None:
    event = next(e for e in events(first, "ASSET_MATERIALIZATION", "accept_candles"))
    metadata = {name: entry.value for name, entry in event.materialization.metadata.items()}
    newest = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    assert metadata["dagster/row_count"] == metadata["rows_inserted"] > 2 * 48
    assert (metadata["action"], metadata["version"]) == ("rebuild", 1)
    assert newest.timestamp() - metadata["newest_hour"] in {0, 3600}
    assert 0 < metadata["seconds"] <= metadata["task_seconds"]
    assert metadata["versions_read"] == "stage_binance_klines 1"
    assert event.materialization.tags["dagster/data_version"] == "1"


def test_table_that_could_not_be_saved_is_not_shown_as_made(broken: Any, lake: Path) -> None:
    assert not broken.success
    assert [event.step_key for event in events(broken, "STEP_FAILURE")] == ["compute_volume_metrics"]
    assert materialized(broken) == ["mart_returns_1h", "mart_correlations"]
    assert len(events(broken, "STEP_UP_FOR_RETRY", "compute_volume_metrics")) == 2
    run = read_runs(lake, 1).runs[0]
    assert (run.pipeline, run.outcome) == ("marts", "failed")
    assert "no space left on device" in str(run.error)


def test_failed_run_becomes_an_alert(told: tuple[list[Any], Any], lake: Path) -> None:
    asked, alerts = told
    assert [request.job_name for request in asked] == ["alerts"]
    assert alerts.success
    assert [alert["subject"] for alert in alerts_told(lake)] == ["marts"]
    assert "no space left on device" in alerts_told(lake)[0]["message"]


def test_lake_that_is_held_is_tried_again_and_then_told_of_directly(
    told: Any,  # noqa: ARG001 - it comes first
    definitions: Any,
    instance: Any,
    run_job: Run,
    lake: Path,
) -> None:
    before = outcomes(lake, 50)
    with lake_lock(lake, purpose="another run", now=datetime.now(UTC)):
        result = run_job("silver")
        asked = after_failure(definitions, instance, result)
    assert len(events(result, "STEP_UP_FOR_RETRY")) == 2
    assert outcomes(lake, 50) == before
    assert [request.job_name for request in asked] == ["alerts"]
    assert [alert["subject"] for alert in alerts_told(lake)] == ["marts", "silver"]
    assert "another run" in alerts_told(lake)[1]["message"]


def test_what_has_landed_of_an_incomplete_ingestion_goes_on(
    told: Any,  # noqa: ARG001 - it comes first
    run_job: Run,
    parameters: dict[str, Any],
    lake: Path,
) -> None:
    result = run_job("hourly", built({**parameters, "coins": "BTCUSDT NOSUCHUSDT", "start": later(parameters)}))
    assert [event.step_key for event in events(result, "STEP_FAILURE")] == ["end_of_run"]
    assert events(result, "STEP_UP_FOR_RETRY") == []
    assert {"fact_1h_klines", "mart_top_movers", "alerts"} <= set(materialized(result))
    assert "NOSUCHUSDT" in str(events(result, "STEP_FAILURE")[0].event_specific_data.error)
    assert outcomes(lake, 2) == [("__default__,features", "partial"), ("alerts", "succeeded")]


def later(parameters: dict[str, Any]) -> str:
    return (datetime.fromisoformat(parameters["start"]) + timedelta(days=1)).date().isoformat()


def test_wrong_parameter_is_not_tried_again_and_told_of_once(
    run_job: Run, instance: Any, parameters: dict[str, Any], lake: Path
) -> None:
    definitions = built({**parameters, "start": "yesterday"})
    result = run_job("ingestion", definitions)
    assert events(result, "STEP_UP_FOR_RETRY") == []
    assert [request.job_name for request in after_failure(definitions, instance, result)] == ["alerts"]
    # The run log has it, where the alerts find it.
    assert outcomes(lake, 1) == [("ingestion", "failed")]
    assert "ingestion" not in [alert["subject"] for alert in alerts_told(lake)]
    assert "start" in str(events(result, "STEP_FAILURE")[0].event_specific_data.error)


def test_freshness_check_passes_and_fails(first: Any, lake: Path) -> None:
    from klineforge.orchestration.checks import verdict

    evaluations = [event.event_specific_data for event in events(first, "ASSET_CHECK_EVALUATION")]
    assert {one.asset_key.to_user_string() for one in evaluations} >= {"fact_1h_klines", "mart_correlations"}
    assert all(one.passed for one in evaluations)
    now = datetime.now(UTC)
    assert verdict(lake, "mart_returns_1h", 3, now).passed
    late = verdict(lake, "mart_returns_1h", 3, now + timedelta(hours=5))
    assert (late.passed, late.metadata["hours_behind"].value in {5, 6}) == (False, True)
    absent = verdict(lake / "elsewhere", "mart_returns_1h", 3, now)
    assert (absent.passed, absent.description) == (False, "mart_returns_1h: no newest hour, not written yet")
