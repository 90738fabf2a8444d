"""What Dagster is given: everything that is registered, in its layers, with retries, once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from klineforge.contracts import CONTRACTS
from klineforge.pipeline_registry import register_pipelines

dg = pytest.importorskip("dagster", reason="Dagster's packages are not there: make .venv/dagster")


@pytest.fixture(scope="module")
def place(parameters: dict[str, Any]) -> Any:
    from orchestration.running import ROOT

    from klineforge.orchestration.place import Place
    from klineforge.orchestration.session import Project

    return Place.of(Project(ROOT, "demo", parameters))


def ticks(definitions: Any, job: str, day: datetime) -> set[int]:
    """Hours of a day in which a schedule starts its job."""
    from dagster._utils.schedules import cron_string_iterator

    schedule = definitions.resolve_schedule_def(f"{job}_schedule")
    found: set[int] = set()
    for tick in cron_string_iterator(day.timestamp(), schedule.cron_schedule, schedule.execution_timezone):
        if tick >= day + timedelta(days=1):
            return found
        found.add(tick.astimezone(UTC).hour)
    raise AssertionError("a schedule never ends")


def test_every_registered_node_is_part_of_one_step(place: Any) -> None:
    nodes = Counter(name for task in place.tasks for name in task.nodes)
    registered = {node.name for pipeline in register_pipelines().values() for node in pipeline.nodes}
    assert nodes == Counter(dict.fromkeys(registered, 1))


def test_every_registered_pipeline_has_a_job(definitions: Any) -> None:
    jobs = {job.name for job in definitions.get_repository_def().get_all_jobs()}
    assert jobs >= (set(register_pipelines()) - {"__default__"}) | {"daily", "hourly", "freshness"}


def test_tables_are_in_the_group_of_their_layer(definitions: Any) -> None:
    graph = definitions.resolve_asset_graph()
    groups = {key.to_user_string(): graph.get(key).group_name for key in graph.materializable_asset_keys}
    tables = {name: contract.layer for name, contract in CONTRACTS.items() if name in groups}
    assert {name: groups[name] for name in tables} == tables
    assert {"bronze", "silver", "gold", "marts", "ingestion", "operations"} <= set(groups.values())


def test_a_step_waits_as_its_nodes_do(definitions: Any, place: Any) -> None:
    graph = definitions.resolve_asset_graph()
    maker = {output: task for task in place.tasks for output in task.outputs}
    pipeline = register_pipelines()["__default__"]
    for node, before in pipeline.node_dependencies.items():
        task = next(task for task in place.tasks if node.name in task.nodes)
        others = {other.name for other in before} - set(task.nodes)
        waited = {
            name
            for output in task.outputs
            for parent in graph.get(dg.AssetKey(output)).parent_keys
            if parent.to_user_string() in maker
            for name in maker[parent.to_user_string()].nodes
        }
        assert others <= waited, node.name


def test_steps_ask_for_their_next_attempt_themselves(definitions: Any, parameters: dict[str, Any]) -> None:  # noqa: ARG001
    from klineforge.orchestration.assets import RETRIES

    steps = definitions.resolve_job_def("daily").graph.node_defs
    # By a policy of its own Dagster would try again what somebody has terminated; test_jobs shows the waits.
    assert [node.name for node in steps if node.retry_policy is not None] == []
    assert (RETRIES.max_retries, RETRIES.backoff, RETRIES.delay) == (3, dg.Backoff.EXPONENTIAL, 60)


def test_jobs_run_in_one_process(definitions: Any) -> None:
    for name in ("daily", "hourly", "quality"):
        assert definitions.resolve_job_def(name).executor_def.name == "in_process"


@pytest.mark.parametrize("day", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)])
def test_hourly_runs_leave_the_daily_hour_free(definitions: Any, day: datetime) -> None:
    assert ticks(definitions, "daily", day) == {7}
    assert ticks(definitions, "hourly", day) == set(range(24)) - {7}
    assert ticks(definitions, "freshness", day) == set(range(24))


def test_schedules_and_sensor_are_on(definitions: Any) -> None:
    repository = definitions.get_repository_def()
    on = [schedule.default_status.value for schedule in repository.schedule_defs]
    assert on == ["RUNNING"] * 3
    assert [sensor.default_status.value for sensor in repository.sensor_defs] == ["RUNNING"]


def test_hourly_job_does_not_look_at_old_archives_again(definitions: Any) -> None:
    job = definitions.resolve_job_def("hourly")
    assert job.run_config["resources"]["kedro"]["config"]["parameters"] == {"recheck": "off"}
