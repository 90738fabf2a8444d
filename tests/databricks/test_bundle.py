"""The asset bundles: their tasks are the Kedro pipelines, their keys the published ones, and no lake is in them."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from databricks.bundles.jobs import Job
from kedro.pipeline import Pipeline

from klineforge.pipeline_registry import register_pipelines

ROOT = Path(__file__).resolve().parents[2]
PIPELINES = register_pipelines()
COMPUTE = {"serverless": "environments", "job-cluster": "job_clusters"}

# Names out of the reference of Declarative Automation Bundles (docs.databricks.com/dev-tools/bundles/reference and
# .../resources), those this project may use. test_jobs_are_what_databricks_takes asks the published classes.
KNOWN_KEYS: dict[str, set[str]] = {
    "root": {"bundle", "include", "variables", "sync", "targets", "workspace", "artifacts", "resources", "run_as"},
    "target": {"mode", "default", "workspace", "run_as", "variables", "resources", "presets", "permissions", "sync"},
    "sync": {"include", "exclude", "paths"},
    "variable": {"description", "default", "type", "lookup"},
    "schema": {"catalog_name", "name", "comment", "grants", "properties", "storage_root", "lifecycle"},
    "volume": {"catalog_name", "schema_name", "name", "comment", "volume_type", "grants", "lifecycle"},
    "job": {
        *("name", "description", "tags", "max_concurrent_runs", "queue", "timeout_seconds", "health", "tasks"),
        *("email_notifications", "webhook_notifications", "environments", "job_clusters", "schedule"),
    },
    "task": {
        *("task_key", "depends_on", "python_wheel_task", "timeout_seconds", "max_retries", "run_if", "libraries"),
        *("min_retry_interval_millis", "retry_on_timeout", "email_notifications", "webhook_notifications"),
        *("notification_settings", "environment_key", "disable_auto_optimization", "job_cluster_key"),
    },
    "schedule": {"quartz_cron_expression", "timezone_id", "pause_status"},
}


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("databricks_bundle", ROOT / "scripts" / "databricks_bundle.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BUNDLE = script()


@pytest.fixture(params=COMPUTE)
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def option(task: Mapping[str, Any], name: str) -> str | None:
    parameters = task["python_wheel_task"]["parameters"]
    return parameters[parameters.index(name) + 1] if name in parameters else None


def together(names: str) -> Pipeline:
    """Pipelines by their names with commas, as ``kedro run --pipelines`` takes them."""
    return sum((PIPELINES[name] for name in names.split(",")), Pipeline([]))


def nodes_of(task: Mapping[str, Any]) -> list[str]:
    """Nodes that the task's own command runs."""
    nodes = option(task, "--nodes")
    named = together(option(task, "--pipelines") or "__default__")
    return [node.name for node in named.nodes] if nodes is None else nodes.split(",")


def differences(tasks: list[dict[str, Any]], pipeline: Pipeline) -> list[str]:
    """Where the tasks do not say what the pipeline does."""
    task_of = {node: task["task_key"] for task in tasks for node in nodes_of(task)}
    found = [f"{node} runs twice" for node in task_of if sum(node in nodes_of(task) for task in tasks) > 1]
    found += [f"{node.name} does not run" for node in pipeline.nodes if node.name not in task_of]
    edges = {
        (task_of.get(before.name), task_of.get(node.name))
        for node, others in pipeline.node_dependencies.items()
        for before in others
    }
    wanted = {(before, after) for before, after in edges if before != after}
    stated = {(one["task_key"], task["task_key"]) for task in tasks for one in task.get("depends_on", [])}
    return [*found, *(f"edge {edge}" for edge in sorted(map(str, wanted ^ stated)))]


def test_missing_and_wrong_edges_are_found() -> None:
    tasks = BUNDLE.job_tasks("__default__", PIPELINES["__default__"], "serverless")
    broken = next(task for task in tasks if task["task_key"] == "correlate_pairs")
    del broken["depends_on"]
    assert differences(tasks, PIPELINES["__default__"]) == ["edge ('accept_candles', 'correlate_pairs')"]
    assert "correlate_pairs does not run" in differences(tasks[:5], PIPELINES["__default__"])


@pytest.mark.parametrize("name", PIPELINES)
def test_tasks_are_the_pipeline(name: str, variant: str) -> None:
    assert differences(BUNDLE.job_tasks(name, PIPELINES[name], variant), PIPELINES[name]) == []


def test_nothing_in_memory_is_handed_from_task_to_task() -> None:
    stored = BUNDLE.stored_datasets()
    for name, pipeline in PIPELINES.items():
        task_of = {node: task for task, nodes in BUNDLE.task_groups(pipeline).items() for node in nodes}
        makers = {output: task_of[node.name] for node in pipeline.nodes for output in node.outputs}
        crossing = {
            dataset
            for node in pipeline.nodes
            for dataset in node.inputs
            if dataset in makers and makers[dataset] != task_of[node.name]
        }
        assert crossing <= stored, name


def test_daily_checks_and_tells_at_its_end(variant: str) -> None:
    tasks = BUNDLE.jobs(PIPELINES, variant)["daily"]["tasks"]
    assert differences(tasks[:-2], together("__default__,features")) == []
    quality, alerts = tasks[-2:]
    waited = {one["task_key"] for task in tasks[:-2] for one in task.get("depends_on", [])}
    assert {one["task_key"] for one in quality["depends_on"]} == {task["task_key"] for task in tasks[:-2]} - waited
    assert alerts["depends_on"] == [{"task_key": "quality"}]
    assert quality["run_if"] == alerts["run_if"] == "ALL_DONE"


def test_two_jobs_have_a_schedule_and_all_tasks_are_tried_again(variant: str) -> None:
    jobs = BUNDLE.jobs(PIPELINES, variant)
    schedules = {name: job["schedule"]["quartz_cron_expression"] for name, job in jobs.items() if "schedule" in job}
    assert schedules == {"daily": "0 0 7 * * ?", "incremental": "0 15 0-6,8-23 * * ?"}
    assert set(jobs) == {"daily", "incremental", *PIPELINES} - {"__default__", "report"}
    for job in jobs.values():
        assert COMPUTE[variant] in job
        assert job["max_concurrent_runs"] == 1
        for task in job["tasks"]:
            assert task["max_retries"] == 3
            assert task["min_retry_interval_millis"] >= 120_000
            assert task["timeout_seconds"] > 0
            assert task["email_notifications"] == {"on_failure": "${var.emails}"}
            assert option(task, "--env") == "databricks"
            assert "schema=${resources.schemas.warehouse.name}" in str(option(task, "--params"))
            assert option(task, "--secret-scope") == ("${var.secret_scope}" if task["task_key"] == "alerts" else None)


def unknown_keys(kind: str, found: Mapping[str, Any]) -> set[str]:
    return {f"{kind}.{key}" for key in set(found) - KNOWN_KEYS[kind]}


def test_keys_are_known(variant: str) -> None:
    root = BUNDLE.root_file(variant)
    found = unknown_keys("root", root) | unknown_keys("sync", root["sync"])
    for kind, things in (("target", root["targets"]), ("variable", root["variables"])):
        found |= {key for thing in things.values() for key in unknown_keys(kind, thing)}
    found |= unknown_keys("schema", BUNDLE.storage()["schemas"]["warehouse"])
    found |= unknown_keys("volume", BUNDLE.storage()["volumes"]["files"])
    for job in BUNDLE.jobs(PIPELINES, variant).values():
        found |= unknown_keys("job", job) | unknown_keys("schedule", job.get("schedule", {}))
        found |= {key for task in job["tasks"] for key in unknown_keys("task", task)}
    assert unknown_keys("job", {"shedule": {}}) == {"job.shedule"}
    assert found == set()


def test_production_repeats_what_the_published_schema_asks_of_storage(variant: str) -> None:
    # The schema's resources.Schema and resources.Volume, which it also holds the overrides of a target to.
    required = {"schemas": {"catalog_name", "name"}, "volumes": {"catalog_name", "name", "schema_name"}}
    override = BUNDLE.root_file(variant)["targets"]["prod"]["resources"]
    assert set(override) == set(required)
    for kind, entries in override.items():
        for key, entry in entries.items():
            assert required[kind] <= set(entry)
            assert entry == {**BUNDLE.storage()[kind][key], "lifecycle": {"prevent_destroy": True}}


def test_jobs_are_what_databricks_takes(variant: str) -> None:
    jobs = BUNDLE.jobs(PIPELINES, variant)
    with pytest.raises(ValueError, match="shedule"):
        Job.from_dict({**jobs["daily"], "shedule": {}})
    for job in jobs.values():
        made = Job.from_dict(job)
        assert len(made.tasks) == len(job["tasks"])


def test_targets_do_not_share_a_schema(variant: str) -> None:
    targets = BUNDLE.root_file(variant)["targets"]
    schemas = [target["variables"]["schema"] for target in targets.values()]
    assert sorted(schemas) == ["klineforge", "klineforge_dev"]
    assert targets["dev"]["mode"] == "development"


def test_bundle_holds_configuration_and_nothing_of_a_lake(tmp_path: Path, variant: str) -> None:
    BUNDLE.write(tmp_path / "bundle", variant, PIPELINES)
    files = {file.relative_to(tmp_path / "bundle") for file in (tmp_path / "bundle").rglob("*") if file.is_file()}
    assert {file.parts[0] for file in files} == {"conf", "resources", "databricks.yml"}
    assert {file.suffix for file in files} == {".yml"}
    assert not any("local" in file.parts for file in files)
    root = yaml.safe_load((tmp_path / "bundle" / "databricks.yml").read_text("utf-8"))
    assert {"data/**", "**/_delta_log/**"} <= set(root["sync"]["exclude"])
    daily = yaml.safe_load((tmp_path / "bundle" / "resources" / "daily.yml").read_text("utf-8"))
    assert daily["resources"]["jobs"]["klineforge_daily"] == BUNDLE.jobs(PIPELINES, variant)["daily"]


def test_wheel_has_the_locked_versions_without_those_of_the_platform() -> None:
    lock = (ROOT / "requirements" / "runtime.lock").read_text("utf-8")
    pins = BUNDLE.locked_requirements(lock)
    names = {pin.split("==")[0] for pin in pins}
    assert {"kedro", "polars", "deltalake", "pluggy"} <= names
    assert names.isdisjoint({"pyspark", "py4j", "delta-spark", "kedro-viz", "fastapi", "ipython"})
    assert all(pin in lock for pin in pins)
