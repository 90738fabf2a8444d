"""Ctrl-C reaches a run in a process of its own, whatever its threads are doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from klineforge.errors import RunInterruptedError
from klineforge.interruption import Interruption

REPOSITORY = Path(__file__).resolve().parents[2]

# Two nodes that wait for something only an interruption ends, after polars has installed its own handler of signals.
PROGRAM = """
import signal, sys, threading
import polars as pl
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline
from klineforge.errors import RunInterruptedError
from klineforge.interruption import INTERRUPTION
from klineforge.runner import SideBySideRunner

def wait_for_the_end() -> int:
    ended = threading.Event()
    pl.LazyFrame({"a": [1]}).collect()
    with INTERRUPTION.ended_by(ended.set if sys.argv[1] == "ends" else lambda: None):
        print("waiting", flush=True)
        ended.wait(3 if sys.argv[1] == "gently" else 60)
        INTERRUPTION.raise_if_requested()
    return 1

def never() -> int:
    print("begun", flush=True)
    return 1

def gently(number, frame) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)

if sys.argv[1] == "gently":
    signal.signal(signal.SIGINT, gently)
nodes = [Node(wait_for_the_end, None, f"out_{n}", name=f"n{n}") for n in range(2)]
pipeline = Pipeline([*nodes, Node(lambda a, b: never(), ["out_0", "out_1"], "last", name="last")])
catalog = DataCatalog({name: MemoryDataset() for name in pipeline.all_outputs()})
try:
    SideBySideRunner(max_workers=2).run(pipeline, catalog)
except RunInterruptedError as error:
    print(error)
"""


def interrupted(how: str, times: int, cwd: Path) -> tuple[int, str, float]:
    """Exit code, output, and seconds from the first signal to the end."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, how],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=cwd,
        env={**os.environ, "KEDRO_LOGGING_CONFIG": str(REPOSITORY / "conf" / "logging.yml")},
    )
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(2)]
    began = time.monotonic()
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    rest, _ = process.communicate(timeout=50)
    return process.returncode, "".join(said) + rest, time.monotonic() - began


def test_interruption_ends_what_the_threads_are_doing(tmp_path: Path) -> None:
    code, said, seconds = interrupted("ends", 1, tmp_path)
    assert code == 0, said
    assert "interrupted: tables that were done stay" in said
    assert "begun" not in said
    assert seconds < 30, "it waited for the nodes"


def test_second_interruption_ends_the_process_at_once(tmp_path: Path) -> None:
    code, said, seconds = interrupted("lasts", 2, tmp_path)
    assert code == 130, said
    assert seconds < 30, "it waited for the nodes"


def test_first_signal_is_left_to_a_handler_for_a_gentler_end(tmp_path: Path) -> None:
    code, said, _ = interrupted("gently", 1, tmp_path)
    assert code == 0, said
    assert "begun" in said
    assert "interrupted" not in said


def test_ending_is_called_also_when_the_end_was_asked_for_before() -> None:
    interruption, ended = Interruption(), []
    with interruption.ended_by(lambda: ended.append("during")):
        interruption.request()
    interruption.request()
    assert ended == ["during"]
    with interruption.ended_by(lambda: ended.append("before")):
        pass
    assert ended == ["during", "before"]
    with pytest.raises(RunInterruptedError):
        interruption.raise_if_requested()
    interruption.begin()
    interruption.raise_if_requested()
