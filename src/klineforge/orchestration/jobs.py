"""Jobs, schedules and what follows a failure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import dagster as dg

from klineforge.orchestration import telling
from klineforge.orchestration.assets import END, KEDRO, KEDRO_RUNS_TAG, UNTOLD_TAG, keys_of
from klineforge.orchestration.place import Place
from klineforge.orchestration.tasks import LAYERS, Task, makes_tables

DAILY: Final = "daily"
HOURLY: Final = "hourly"
FRESHNESS: Final = "freshness"
ALERTS: Final = "alerts"
QUALITY: Final = "quality"
CRON: Final = {
    DAILY: "0 7 * * *",
    # Not in the hour of the daily job, which does the same and more.
    HOURLY: "15 0-6,8-23 * * *",
    # Also where the others have stopped; a check writes nothing.
    FRESHNESS: "40 * * * *",
}


def jobs_of(place: Place) -> dict[str, Any]:
    """All jobs by name: daily and hourly on a schedule, the checks alone, and one for each registered pipeline."""
    apart = {name: [task for task in place.tasks if set(task.nodes) <= nodes] for name, nodes in place.jobs.items()}
    tables = [task for task in place.tasks if makes_tables(task)]
    made = {
        DAILY: _job(DAILY, "All tables, checks and alerts.", [*tables, *apart[QUALITY], *apart[ALERTS]], {}),
        HOURLY: _job(HOURLY, "All tables and alerts.", [*tables, *apart[ALERTS]], {"recheck": "off"}),
        FRESHNESS: dg.define_asset_job(
            FRESHNESS, selection=dg.AssetSelection.all_asset_checks(), description="Whether tables are up to date."
        ),
    }
    for name, tasks in apart.items():
        if name != LAYERS:
            made[name] = _job(name, f"The pipeline {name}, by hand.", tasks, {})
    return made


def schedules_of(jobs: Mapping[str, Any]) -> list[Any]:
    """The schedules, switched on: starting Dagster is asking for them."""
    return [
        dg.ScheduleDefinition(
            name=f"{name}_schedule",
            job=jobs[name],
            cron_schedule=cron,
            execution_timezone="UTC",
            default_status=dg.DefaultScheduleStatus.RUNNING,
        )
        for name, cron in CRON.items()
    ]


def failure_sensor(place: Place, jobs: Mapping[str, Any]) -> Any:
    """After a run that failed: alerts, and the checks where the daily run did not come to them."""

    def after_failure(context: dg.RunFailureSensorContext) -> Iterator[Any]:
        run = context.dagster_run
        if run.job_name != ALERTS:
            yield dg.RunRequest(run_key=f"alerts after {run.run_id}", job_name=ALERTS)
        if run.job_name == DAILY and not _has_begun(context, run.run_id, checks):
            yield dg.RunRequest(run_key=f"quality after {run.run_id}", job_name=QUALITY)
        if run.job_name == ALERTS or UNTOLD_TAG in run.tags or KEDRO_RUNS_TAG not in run.tags:
            error = run.tags.get(UNTOLD_TAG) or context.failure_event.message or "no reason given"
            taken = telling.tell(place.alert_channels(), run.job_name, run.run_id, error, datetime.now(UTC))
            context.log.info("told directly, through %s", ", ".join(taken) or "no channel")

    checks = [place.step(task) for task in place.tasks if set(task.nodes) <= place.jobs[QUALITY]]
    return dg.run_failure_sensor(
        name="after_failure",
        description="Tells of failed runs, whatever they failed with.",
        request_jobs=[jobs[ALERTS], jobs[QUALITY]],
        default_status=dg.DefaultSensorStatus.RUNNING,
    )(after_failure)


def _job(name: str, about: str, tasks: Sequence[Task], parameters: Mapping[str, Any]) -> Any:
    return dg.define_asset_job(
        name,
        selection=dg.AssetSelection.assets(*keys_of(tasks), END),
        description=about,
        config={"resources": {KEDRO: {"config": {"parameters": dict(parameters)}}}} if parameters else None,
        tags={"klineforge/job": name},
    )


def _has_begun(context: Any, run_id: str, steps: Sequence[str]) -> bool:
    return bool(context.instance.get_run_step_stats(run_id, step_keys=list(steps)))
