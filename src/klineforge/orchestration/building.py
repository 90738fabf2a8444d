"""All definitions together."""

from __future__ import annotations

from typing import Any

import dagster as dg

from klineforge.orchestration.assets import KEDRO, RETRIES, assets_of, kedro_resource
from klineforge.orchestration.checks import checks_of
from klineforge.orchestration.jobs import failure_sensor, jobs_of, schedules_of
from klineforge.orchestration.place import Place
from klineforge.orchestration.session import Project


def build(project: Project, retries: Any = RETRIES) -> Any:
    """Everything Dagster has to know of a project.

    Args:
        project: The Kedro project.
        retries: How often, and after how many seconds, a task that failed is tried again.
    """
    place = Place.of(project)
    jobs = jobs_of(place)
    return dg.Definitions(
        assets=assets_of(place, retries),
        asset_checks=checks_of(place),
        jobs=list(jobs.values()),
        schedules=schedules_of(jobs),
        sensors=[failure_sensor(place, jobs)],
        resources={KEDRO: kedro_resource(place)},
        # One process, one JVM; how many runs there are at a time is said in the instance's configuration.
        executor=dg.in_process_executor,
    )
