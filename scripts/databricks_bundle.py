"""Write the Databricks asset bundles: jobs from the registered pipelines, configuration, a wheel from the lock file.

Two folders are written, ``serverless`` and ``job-cluster``; each is a bundle of its own, with everything it deploys and
nothing else. ADR 18 says why the jobs are made here and not by kedro-databricks.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
VARIANTS = ("serverless", "job-cluster")
LAYERS = "__default__"
# What the jobs on a schedule make: the layers, and the tables for models.
SCHEDULED = "__default__,features"
# The report reads lakes in folders and prints by a browser; it has no job.
WITHOUT_A_JOB = {LAYERS, "report"}

# The platform brings these; the viewer is no part of a job.
LEFT_OUT = {"pyspark", "delta-spark", "kedro-viz"}
MINUTE = 60
DAILY = {"quartz_cron_expression": "0 0 7 * * ?", "timezone_id": "UTC", "pause_status": "UNPAUSED"}
# Not in the hour of the daily job, which does the same and more.
HOURLY = {**DAILY, "quartz_cron_expression": "0 15 0-6,8-23 * * ?"}

Groups = dict[str, tuple[str, ...]]


def task_groups(pipeline: Any) -> Groups:
    """Nodes that have to share a process, because one hands the other something in memory, by the name of the task.

    Args:
        pipeline: A Kedro pipeline.

    Returns:
        Names of nodes in order of execution. A task is named after its node, or after the pipeline's first tag.
    """
    from klineforge.orchestration.tasks import task_groups as groups_of

    return groups_of(pipeline, stored_datasets())


def stored_datasets() -> set[str]:
    """Datasets that outlive a process: those of the catalog that are not kept in memory."""
    names: set[str] = set()
    for file in sorted((ROOT / "conf" / "base").glob("catalog*.yml")):
        for name, entry in yaml.safe_load(file.read_text("utf-8")).items():
            if not name.startswith("_") and not entry["type"].endswith("MemoryDataset"):
                names.add(name)
    return names


def dependencies(pipeline: Any, groups: Groups) -> dict[str, list[str]]:
    """Which tasks a task waits for: those whose nodes its own depend on."""
    task_of = {name: task for task, names in groups.items() for name in names}
    waits: dict[str, set[str]] = {task: set() for task in groups}
    for node, before in pipeline.node_dependencies.items():
        waits[task_of[node.name]] |= {task_of[other.name] for other in before}
    return {task: sorted(others - {task}) for task, others in waits.items()}


def job_tasks(name: str, pipeline: Any, variant: str, extra: str = "") -> list[dict[str, Any]]:
    """The tasks of one pipeline."""
    groups = task_groups(pipeline)
    waits = dependencies(pipeline, groups)
    tasks = []
    for task, names in groups.items():
        nodes = [] if len(names) == len(pipeline.nodes) else ["--nodes", ",".join(names)]
        pipelines = [] if name == LAYERS else ["--pipelines", name]
        made = _task(task, waits[task], [*pipelines, *nodes], variant, extra)
        if "append_listing_snapshots" in names or "append_landed_klines" in names:
            # What has landed goes on, although some coins could not be ingested.
            made["run_if"] = "ALL_DONE"
        tasks.append(made)
    return tasks


def _task(task: str, waits: Iterable[str], what: list[str], variant: str, extra: str) -> dict[str, Any]:
    where = "catalog=${var.catalog},schema=${resources.schemas.warehouse.name},volume=${resources.volumes.files.name}"
    parameters = ["--env", "databricks", "--conf-source", "${workspace.file_path}/conf", *what]
    parameters += ["--params", where + extra]
    if task == "alerts":
        parameters += ["--secret-scope", "${var.secret_scope}"]
    made: dict[str, Any] = {"task_key": task}
    if before := [{"task_key": other} for other in waits]:
        made["depends_on"] = before
    downloads = task == "ingestion"
    made |= {
        "python_wheel_task": {"package_name": "klineforge", "entry_point": "klineforge-job", "parameters": parameters},
        "timeout_seconds": (240 if downloads else 60) * MINUTE,
        "max_retries": 3,
        "min_retry_interval_millis": (5 if downloads else 2) * MINUTE * 1000,
        "retry_on_timeout": False,
        "email_notifications": {"on_failure": "${var.emails}"},
        "webhook_notifications": {"on_failure": "${var.webhooks}"},
        "notification_settings": {"alert_on_last_attempt": True},
    }
    if variant == "serverless":
        return {**made, "environment_key": "klineforge", "disable_auto_optimization": True}
    return {**made, "job_cluster_key": "klineforge", "libraries": [{"whl": "./dist/*.whl"}]}


def _job(name: str, about: str, tasks: list[dict[str, Any]], variant: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": f"klineforge {name} (${{bundle.target}})",
        "description": about,
        "tags": {"project": "klineforge", "target": "${bundle.target}", "pipeline": name},
        "max_concurrent_runs": 1,
        "queue": {"enabled": True},
        "timeout_seconds": 480 * MINUTE,
        "health": {"rules": [{"metric": "RUN_DURATION_SECONDS", "op": "GREATER_THAN", "value": 240 * MINUTE}]},
        "email_notifications": {"on_duration_warning_threshold_exceeded": "${var.emails}"},
        "webhook_notifications": {"on_duration_warning_threshold_exceeded": "${var.webhooks}"},
        "tasks": tasks,
    }
    if variant == "serverless":
        spec = {"environment_version": "${var.environment_version}", "dependencies": ["./dist/*.whl"]}
        return {**made, "environments": [{"environment_key": "klineforge", "spec": spec}]}
    cluster = {
        "spark_version": "${var.spark_version}",
        "node_type_id": "${var.node_type_id}",
        "num_workers": "${var.workers}",
        "data_security_mode": "SINGLE_USER",
        "custom_tags": {"project": "klineforge", "target": "${bundle.target}"},
    }
    return {**made, "job_clusters": [{"job_cluster_key": "klineforge", "new_cluster": cluster}]}


def jobs(pipelines: dict[str, Any], variant: str) -> dict[str, dict[str, Any]]:
    """All jobs: daily and incremental on a schedule, and one for each other pipeline to be started by hand."""
    scheduled = pipelines[LAYERS] + pipelines["features"]
    daily, often = (job_tasks(SCHEDULED, scheduled, variant, extra) for extra in ("", ",recheck=off"))
    waited = {before["task_key"] for task in daily for before in task.get("depends_on", [])}
    ends = sorted(task["task_key"] for task in daily if task["task_key"] not in waited)
    checks = job_tasks("quality", pipelines["quality"], variant)
    checks[0]["depends_on"] = [{"task_key": task} for task in ends]
    telling = job_tasks("alerts", pipelines["alerts"], variant)
    telling[0]["depends_on"] = [{"task_key": checks[0]["task_key"]}]
    # Wrong rows and failures are what has to be told.
    checks[0]["run_if"] = telling[0]["run_if"] = "ALL_DONE"
    made = {
        "daily": {
            **_job("daily", "All layers, tables for models, checks and alerts.", [*daily, *checks, *telling], variant)
        },
        "incremental": _job("incremental", "All layers and tables for models.", often, variant),
    }
    made["daily"]["schedule"], made["incremental"]["schedule"] = dict(DAILY), dict(HOURLY)
    for name, pipeline in pipelines.items():
        if name not in WITHOUT_A_JOB:
            about = f"The pipeline {name}, by hand."
            made[name] = _job(name, about, job_tasks(name, pipeline, variant), variant)
    return made


def root_file(variant: str) -> dict[str, Any]:
    """``databricks.yml``: variables, targets, and what is uploaded."""
    variables: dict[str, Any] = {
        "catalog": {"description": "Catalog of Unity Catalog; it has to be there."},
        "schema": {"description": "Schema of this target."},
        "secret_scope": {"description": "Secret scope with KLINEFORGE_ALERT_URL_<NAME>; empty: none.", "default": ""},
        "emails": {"description": "Who is told of failures.", "type": "complex", "default": []},
        "webhooks": {"description": "Notification destinations, [{id: ...}].", "type": "complex", "default": []},
        "service_principal": {"description": "Whom production runs as.", "default": ""},
    }
    if variant == "serverless":
        variables["environment_version"] = {"description": "Serverless environment.", "default": "4"}
    else:
        variables["spark_version"] = {"description": "Databricks Runtime.", "default": "17.3.x-scala2.13"}
        variables["node_type_id"] = {"description": "Machine; depends on the cloud.", "default": "i3.xlarge"}
        variables["workers"] = {"description": "Workers of the job cluster.", "default": 1}
    production = {
        "mode": "production",
        "workspace": {"root_path": "/Workspace/Shared/.bundle/${bundle.name}/${bundle.target}"},
        "run_as": {"service_principal_name": "${var.service_principal}"},
        "variables": {"catalog": "main", "schema": "klineforge"},
        # Whole definitions: the published schema asks for catalog and name here, too.
        "resources": {
            kind: {key: {**entry, "lifecycle": {"prevent_destroy": True}} for key, entry in entries.items()}
            for kind, entries in storage().items()
        },
    }
    development = {
        "mode": "development",
        "default": True,
        "variables": {"catalog": "main", "schema": "klineforge_dev"},
    }
    return {
        "bundle": {"name": f"klineforge-{variant}"},
        "include": ["resources/*.yml"],
        "variables": variables,
        "sync": {"include": ["conf/**"], "exclude": ["data/**", "**/_delta_log/**", "**/*.parquet", "conf/local/**"]},
        "targets": {"dev": development, "prod": production},
    }


def storage() -> dict[str, Any]:
    """Schema and volume of a target."""
    place = {"catalog_name": "${var.catalog}"}
    volume = {**place, "schema_name": "${resources.schemas.warehouse.name}", "name": "files", "volume_type": "MANAGED"}
    return {
        "schemas": {"warehouse": {**place, "name": "${var.schema}", "comment": "KlineForge's tables"}},
        "volumes": {"files": {**volume, "comment": "Landing zone and small files"}},
    }


def locked_requirements(lock: str) -> list[str]:
    """Exact requirements of a wheel for Databricks: the lock file without what only the platform's packages need.

    Args:
        lock: Text of ``requirements/runtime.lock``, whose comments say what each package is there for.
    """
    blocks = re.findall(r"^(?P<pin>[a-z][^\n]*?) \\\n(?P<rest>(?:    [^\n]*\n?)+)", lock, re.MULTILINE)
    wanted_by: dict[str, set[str]] = {}
    pins: dict[str, list[str]] = {}
    for pin, rest in blocks:
        name = pin.split("==")[0]
        pins.setdefault(name, []).append(pin)
        reasons = re.findall(r"#\s+(?:via )?([a-z][\w.-]*)", rest)
        wanted_by.setdefault(name, set()).update(reason for reason in reasons if reason != "via")
    kept = {"klineforge"}
    while more := {name for name, by in wanted_by.items() if name not in kept | LEFT_OUT and by & kept}:
        kept |= more
    return [pin for name in sorted(kept & set(pins)) for pin in pins[name]]


def build_wheel(target: Path) -> Path:
    """The wheel: this package's sources, and the lock file's versions as its requirements."""
    staged = target / "source"
    shutil.copytree(ROOT / "src", staged / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / "README.md", staged)
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    pins = locked_requirements((ROOT / "requirements" / "runtime.lock").read_text("utf-8"))
    # Alert channels beyond the log; what it needs in turn is left to the installer.
    pins += re.findall(r"^(apprise==[^ ]+)", (ROOT / "requirements" / "dev.lock").read_text("utf-8"), re.MULTILINE)
    listed = "".join(f"    {pin!r},\n" for pin in pins)
    project = re.sub(r"(?ms)^dependencies = \[\n.*?^\]$", lambda _: f"dependencies = [\n{listed}]", project)
    (staged / "pyproject.toml").write_text(project, encoding="utf-8")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target / "dist")]
    subprocess.run([*command, str(staged)], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(staged)
    return next((target / "dist").glob("*.whl"))


def write(target: Path, variant: str, pipelines: dict[str, Any]) -> None:
    """One bundle, without its wheel."""
    shutil.rmtree(target, ignore_errors=True)
    (target / "resources").mkdir(parents=True)
    for part in ("base", "databricks"):
        shutil.copytree(ROOT / "conf" / part, target / "conf" / part)
    documents = {"databricks.yml": root_file(variant), "resources/storage.yml": {"resources": storage()}}
    for name, job in jobs(pipelines, variant).items():
        documents[f"resources/{name}.yml"] = {"resources": {"jobs": {f"klineforge_{name}": job}}}
    for name, document in documents.items():
        text = yaml.safe_dump(document, sort_keys=False, width=120)
        (target / name).write_text(f"# Written by make databricks-bundle; do not edit.\n{text}", encoding="utf-8")


def main() -> int:
    """Entry point of ``make databricks-bundle``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "databricks")
    parser.add_argument("--without-wheel", action="store_true", help="write the YAML files alone")
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT / "src"))
    from klineforge.pipeline_registry import register_pipelines

    for variant in VARIANTS:
        target = arguments.output / variant
        write(target, variant, register_pipelines())
        if not arguments.without_wheel:
            build_wheel(target)
        print(f"{target}: databricks bundle deploy --target dev")
    return 0


if __name__ == "__main__":
    sys.exit(main())
