"""Nodes that are started together, and what they wait for; which failures are worth another try."""

from __future__ import annotations

import pytest
from kedro.io import DatasetError
from kedro.pipeline import Node, Pipeline

from klineforge.errors import (
    ConfigurationError,
    LakeBusyError,
    PermanentExchangeError,
    QualityError,
    TransientExchangeError,
)
from klineforge.orchestration.runs import is_worth_another_try
from klineforge.orchestration.tasks import Task, tables_read, task_groups, tasks_of


def same(*given: object) -> object:
    return given


def pipeline(*nodes: tuple[str, list[str], list[str]], tag: str) -> Pipeline:
    return Pipeline([Node(same, inputs, outputs, name=name) for name, inputs, outputs in nodes], tags=tag)


LAYERS = pipeline(
    ("plan", ["exchange"], ["plan_in_memory"]),
    ("load", ["plan_in_memory"], ["bronze"]),
    ("clean", ["bronze"], ["silver"]),
    tag="layers",
)
CHECKS = pipeline(("check", ["silver", "alerts"], ["results"]), tag="checks")
TELLING = pipeline(("tell", ["results", "silver"], ["alerts"]), tag="telling")
STORED = {"exchange", "bronze", "silver", "results", "alerts"}


def test_nodes_that_share_memory_are_one_task() -> None:
    assert task_groups(LAYERS, STORED) == {"layers": ("plan", "load"), "clean": ("clean",)}
    assert task_groups(LAYERS, {*STORED, "plan_in_memory"}) == {
        "plan": ("plan",),
        "load": ("load",),
        "clean": ("clean",),
    }


def test_node_of_two_pipelines_is_one_task_of_the_default_one() -> None:
    tasks = tasks_of({"layers": LAYERS, "__default__": LAYERS, "checks": CHECKS}, STORED)
    assert [(task.name, task.pipeline) for task in tasks] == [
        ("layers", "__default__"),
        ("clean", "__default__"),
        ("check", "checks"),
    ]
    assert tasks[0] == Task("layers", "__default__", ("plan", "load"), ("exchange",), ("bronze",))


def test_pipelines_that_read_each_other_wait_in_one_direction() -> None:
    tasks = tasks_of({"__default__": LAYERS, "checks": CHECKS, "telling": TELLING}, STORED)
    waits = {task.name: tables_read(task, tasks[:number], tasks) for number, task in enumerate(tasks)}
    assert waits["check"] == ("silver",)
    assert waits["tell"] == ("results", "silver")


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (TransientExchangeError("busy"), True),
        (LakeBusyError("held"), True),
        (OSError("disk full"), True),
        (PermanentExchangeError("unknown symbol"), False),
        (ConfigurationError("no such coin"), False),
        (QualityError("wrong rows"), False),
    ],
)
def test_only_what_may_pass_is_tried_again(error: Exception, again: bool) -> None:
    assert is_worth_another_try(error) is again
    wrapped = DatasetError("saving failed")
    wrapped.__cause__ = error
    assert is_worth_another_try(wrapped) is again
