"""Tasks as Dagster's assets: one op per task, one asset per dataset that it stores."""

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import dagster as dg

from klineforge.cli.user_errors import user_error_in
from klineforge.contracts import CONTRACTS
from klineforge.errors import RunInterruptedError
from klineforge.orchestration.materials import Facts, facts_of
from klineforge.orchestration.place import Place
from klineforge.orchestration.runs import LakeRuns, is_worth_another_try
from klineforge.orchestration.session import OpenRun, Project
from klineforge.orchestration.tasks import Task, tables_read
from klineforge.reporting.redaction import redacted

KEDRO: Final = "kedro"
END: Final = "run_log"
"""The asset that ends a run: Kedro writes the run log when it is over."""
KEDRO_RUNS_TAG: Final = "klineforge/kedro_runs"
UNTOLD_TAG: Final = "klineforge/untold"
"""Why a run of Kedro could not begin, so that no run log tells of it."""
RETRIES: Final = dg.RetryPolicy(max_retries=3, delay=60, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


def assets_of(place: Place, retries: Any = RETRIES) -> list[Any]:
    """All assets: those that tasks make, those that tasks only read, and the run log.

    Args:
        place: The project.
        retries: How often, and after how many seconds, a task that failed is tried again.
    """
    made = [_asset(place, task, place.tasks[:number], retries) for number, task in enumerate(place.tasks)]
    outputs = {name for task in place.tasks for name in task.outputs}
    only_read = sorted({name for task in place.tasks for name in task.inputs} - outputs - {END})
    return [
        *made,
        *(dg.AssetSpec(name, group_name=place.group(name), description="Read, not made.") for name in only_read),
        _end(place),
    ]


def keys_of(tasks: Sequence[Task]) -> list[Any]:
    """Keys of the assets that tasks make."""
    return [dg.AssetKey(name) for task in tasks for name in _keys(task)]


def kedro_resource(place: Place) -> Any:
    """The resource that keeps Kedro's runs open during a Dagster run.

    Args:
        place: The project; the resource's own ``parameters`` count more than its.
    """

    def opened(context: dg.InitResourceContext) -> Iterator[LakeRuns]:
        given = {**place.project.parameters, **context.resource_config["parameters"], "summary": False}
        project = Project(place.project.path, place.project.env, given)

        def opener(pipelines: Sequence[str], nodes: Sequence[str]) -> OpenRun:
            names = place.pipelines_of(frozenset(nodes), pipelines)
            every = frozenset[str]().union(*(place.jobs[name] for name in names))
            return OpenRun(project, names, () if frozenset(nodes) == every else nodes)

        runs = LakeRuns(opener)
        try:
            yield runs
        finally:
            runs.abandon()

    parameters = dg.Field(dg.Permissive({}), default_value={}, description="Runtime parameters, as after --params.")
    return dg.ResourceDefinition(resource_fn=opened, config_schema={"parameters": parameters})


def _asset(place: Place, task: Task, before: Sequence[Task], retries: Any) -> Any:
    waits = [dg.AssetKey(name) for name in tables_read(task, before, place.tasks) if name != END]
    specs = [
        dg.AssetSpec(
            name,
            deps=waits,
            group_name=place.group(name, task),
            description=_description(name, task),
            kinds={"delta"} if name in CONTRACTS else set(),
            tags={"klineforge/pipeline": task.pipeline.strip("_")},
        )
        for name in _keys(task)
    ]
    # The layers come first wherever there is a choice: a run of Kedro's is not closed and opened again in between.
    pipelines = list(dict.fromkeys(other.pipeline for other in place.tasks))
    tags = {"dagster/priority": str(-pipelines.index(task.pipeline))}

    def carry_out(context: dg.AssetExecutionContext) -> Iterator[Any]:
        runs: LakeRuns = context.resources.kedro
        runs.expect(_planned(context, place))
        started = time.monotonic()
        made = _attempt(context, runs, task, retries)
        seconds = time.monotonic() - started
        for name in _keys(task):
            facts = facts_of(name, made.get(name), seconds)
            version = facts.get("version")
            yield dg.MaterializeResult(
                asset_key=name,
                metadata=as_metadata(facts),
                data_version=None if version is None else dg.DataVersion(str(version)),
            )

    return dg.multi_asset(
        name=place.step(task),
        specs=specs,
        description=f"Kedro nodes: {', '.join(task.nodes)}.",
        required_resource_keys={KEDRO},
        op_tags=tags,
    )(carry_out)


def _attempt(context: Any, runs: LakeRuns, task: Task, retries: Any) -> Mapping[str, Any]:
    # Asked for here and not as the step's policy, by which Dagster would also try again what somebody has terminated.
    try:
        made = runs.carry_out(task)
    except Exception as error:
        known = user_error_in(error)
        if isinstance(known, RunInterruptedError):
            raise dg.DagsterExecutionInterruptedError from error
        if runs.begin_failed:
            said = str(redacted(str(known or error))).splitlines()
            context.instance.add_run_tags(context.run.run_id, {UNTOLD_TAG: (said or [type(error).__name__])[0][:200]})
        if not is_worth_another_try(error):
            raise dg.Failure(description=str(known or error), allow_retries=False) from error
        context.log.warning("%s, attempt %d: %s", task.name, context.retry_number + 1, known or error)
        wait = max(0.0, retries.calculate_delay(context.retry_number + 1))
        raise dg.RetryRequested(max_retries=retries.max_retries, seconds_to_wait=wait) from error
    finally:
        if runs.run_ids:
            context.instance.add_run_tags(context.run.run_id, {KEDRO_RUNS_TAG: ",".join(runs.run_ids)})
    return made


def _end(place: Place) -> Any:
    def finish(context: dg.AssetExecutionContext) -> Any:
        runs: LakeRuns = context.resources.kedro
        try:
            runs.finish()
        except Exception as error:
            raise dg.Failure(description=str(user_error_in(error) or error), allow_retries=False) from error
        return dg.MaterializeResult(metadata={"kedro_runs": ", ".join(runs.run_ids) or "none"})

    spec = dg.AssetSpec(
        END,
        deps=keys_of(place.tasks),
        group_name=place.group(END) if END in place.layers else "operations",
        description="The end of a run: Kedro writes its run log, lets go of the lake, and says what was not well.",
    )
    return dg.multi_asset(name="end_of_run", specs=[spec], required_resource_keys={KEDRO})(finish)


def _planned(context: Any, place: Place) -> list[Task]:
    """The tasks that the Dagster run is about: those of its job, or those that somebody has selected."""
    steps = context.run.step_keys_to_execute
    names = set(context.job_def.graph.node_dict if steps is None else steps)
    return [task for task in place.tasks if place.step(task) in names]


def as_metadata(facts: Facts) -> dict[str, Any]:
    """Facts as Dagster shows them."""
    told: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, datetime):
            told[name] = dg.TimestampMetadataValue(value.timestamp())
        else:
            told["dagster/row_count" if name == "rows" else name] = value
    return told


def _keys(task: Task) -> tuple[str, ...]:
    # What has effects and stores nothing is shown by its own name.
    return task.outputs or (task.name,)


def _description(name: str, task: Task) -> str:
    contract = CONTRACTS.get(name)
    return contract.description if contract is not None else f"Made by {task.nodes[-1]}."
