"""Tables are made side by side, and a failure or an interruption lets nothing new begin."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import click
import pytest
from click.testing import CliRunner
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline
from kedro.utils import load_obj

import klineforge.runner as runner_module
from klineforge.cli.running import DEFAULT_RUNNER, RunCommand
from klineforge.runner import SideBySideRunner


def independent(functions: list[Callable[[], int]]) -> Pipeline:
    return Pipeline([Node(function, None, f"out_{n}", name=f"n{n}") for n, function in enumerate(functions)])


def catalog(pipeline: Pipeline) -> DataCatalog:
    return DataCatalog({name: MemoryDataset() for name in pipeline.all_outputs()})


@pytest.mark.parametrize(
    ("given", "expected"), [([], DEFAULT_RUNNER), (["--runner", "SequentialRunner"], "SequentialRunner")]
)
def test_kedro_run_takes_it_unless_another_is_named(given: list[str], expected: str) -> None:
    seen: list[str] = []

    def run(runner: str) -> None:
        seen.append(runner)

    command = RunCommand("run", callback=run, params=[click.Option(["--runner", "runner"])])
    result = CliRunner().invoke(command, given)
    assert (result.exit_code, seen) == (0, [expected])
    assert issubclass(load_obj(DEFAULT_RUNNER, "kedro.runner"), SideBySideRunner)


def test_independent_nodes_run_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=20)
    pipeline = independent([meeting.wait, meeting.wait])
    SideBySideRunner(max_workers=2).run(pipeline, catalog(pipeline))


def test_nothing_new_begins_after_a_failure() -> None:
    begun: list[int] = []

    def fail() -> int:
        begun.append(1)
        time.sleep(0.05)
        raise ValueError("this node always fails")

    pipeline = independent([fail] * 30)
    with pytest.raises(ValueError, match="always fails"):
        SideBySideRunner(max_workers=2).run(pipeline, catalog(pipeline))
    assert len(begun) <= 6


def test_what_is_running_when_another_node_fails_is_finished() -> None:
    begun, finished = threading.Event(), threading.Event()

    def fail() -> int:
        assert begun.wait(20)
        raise ValueError("this node always fails")

    def last_longer() -> int:
        begun.set()
        time.sleep(0.5)
        finished.set()
        return 1

    pipeline = independent([fail, last_longer])
    with pytest.raises(ValueError, match="always fails"):
        SideBySideRunner(max_workers=2).run(pipeline, catalog(pipeline))
    assert finished.is_set()


def test_every_failure_is_told(caplog: pytest.LogCaptureFixture) -> None:
    together = threading.Barrier(2, timeout=20)

    def fail(name: str) -> int:
        together.wait()
        time.sleep(0.2 * (name == "second"))
        raise ValueError(f"the {name} node failed")

    def first() -> int:
        return fail("first")

    def second() -> int:
        return fail("second")

    pipeline = independent([first, second])
    with pytest.raises(ValueError, match="the first node failed"):
        SideBySideRunner(max_workers=2).run(pipeline, catalog(pipeline))
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "failed, too: the second node failed"
    ]


def test_there_are_never_more_workers_than_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "usable_cores", lambda: 1)
    assert SideBySideRunner()._max_workers == 1
    monkeypatch.setattr(runner_module, "usable_cores", lambda: 64)
    assert SideBySideRunner()._max_workers == runner_module.MOST_TABLES_AT_A_TIME
