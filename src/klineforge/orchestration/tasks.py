"""Which nodes a scheduler starts together, and in which order: read off the pipelines, nothing listed by hand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from kedro.pipeline import Pipeline

LAYERS: Final = "__default__"
TABLES: Final = (LAYERS, "features")
"""Pipelines that are run together: what reads the layers' tables and makes tables of its own."""

Groups = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Task:
    """Nodes that are started together.

    Args:
        name: Name of its node, or the first tag of several.
        pipeline: Registered pipeline whose run it belongs to; the default one for the layers.
        nodes: Names of the nodes in order of execution.
        inputs: Stored datasets that it reads and does not make, in order of their names.
        outputs: Stored datasets that it makes, in order of their names.
    """

    name: str
    pipeline: str
    nodes: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def task_groups(pipeline: Pipeline, stored: Collection[str]) -> Groups:
    """Nodes that have to share a process, because one hands the other something in memory, by the name of the task.

    Args:
        pipeline: A Kedro pipeline.
        stored: Datasets that outlive a process.

    Returns:
        Names of nodes in order of execution. A task is named after its node, or after the pipeline's first tag.
    """
    groups: list[set[str]] = []
    for node in pipeline.nodes:
        consumers = [other for other in pipeline.nodes if (set(node.outputs) - set(stored)) & set(other.inputs)]
        merged = {node.name, *(other.name for other in consumers)}
        for group in [group for group in groups if group & merged]:
            merged |= group
            groups.remove(group)
        groups.append(merged)
    order = {node.name: place for place, node in enumerate(pipeline.nodes)}
    tag = {node.name: min(node.tags, default=node.name) for node in pipeline.nodes}
    ordered = [tuple(sorted(group, key=order.__getitem__)) for group in groups]
    return {
        names[0] if len(names) == 1 else tag[names[0]]: names
        for names in sorted(ordered, key=lambda names: order[names[0]])
    }


def tasks_of(pipelines: Mapping[str, Pipeline], stored: Collection[str]) -> tuple[Task, ...]:
    """The tasks of all registered pipelines, those of the layers first; a node is part of one task.

    Args:
        pipelines: Registered pipelines by name.
        stored: Datasets that outlive a process.
    """
    tasks: list[Task] = []
    taken: set[str] = set()
    for name in (LAYERS, *(name for name in pipelines if name != LAYERS)):
        pipeline = pipelines[name]
        for task, nodes in task_groups(pipeline, stored).items():
            if taken.isdisjoint(nodes):
                taken.update(nodes)
                tasks.append(_task(task, name, pipeline.only_nodes(*nodes), stored))
    return tuple(tasks)


def tables_read(task: Task, before: Iterable[Task], everybody: Iterable[Task]) -> tuple[str, ...]:
    """What a task waits for, of the datasets that it reads.

    Checks read the tables of alerts and alerts those of checks: of such a pair the one that comes first in the registry
    reads what an earlier run has left, and does not wait.

    Args:
        task: A task.
        before: The tasks before it.
        everybody: All tasks.
    """
    made_later = {output for other in everybody for output in other.outputs}
    made_later -= {output for other in before for output in other.outputs}
    return tuple(name for name in task.inputs if name not in made_later)


def makes_tables(task: Task) -> bool:
    """Whether a task is part of every run that brings the tables up to date."""
    return task.pipeline in TABLES


def share_a_run(one: Task, other: Task) -> bool:
    """Whether two tasks are part of the same run of Kedro: all that make tables, or those of one pipeline."""
    return one.pipeline == other.pipeline or (makes_tables(one) and makes_tables(other))


def _task(name: str, pipeline: str, part: Pipeline, stored: Collection[str]) -> Task:
    return Task(
        name=name,
        pipeline=pipeline,
        nodes=tuple(node.name for node in part.nodes),
        inputs=tuple(sorted(part.inputs() & set(stored))),
        outputs=tuple(sorted(part.all_outputs() & set(stored))),
    )
