"""One run at a time per lake: between processes, between threads, and after a process that died."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from faults.catalogue import case

from klineforge.errors import LakeBusyError
from klineforge.lake.lock import LOCK_FOLDER, lake_lock

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SPAWN = multiprocessing.get_context("spawn")
PATIENCE = 60.0


def holder(lake: Path) -> dict[str, Any]:
    """What the lock file says of who holds or held the lake."""
    return dict(json.loads((lake / LOCK_FOLDER / "lock").read_text(encoding="utf-8")))


def hold(lake: Path, ready: Any, done: Any) -> None:
    """Hold the lake until told to let go."""
    with lake_lock(lake, purpose="a long run", now=NOW):
        ready.set()
        done.wait(PATIENCE)


@pytest.fixture
def elsewhere(tmp_path: Path) -> BaseProcess:
    """Another process, which holds the lake now."""
    ready, done = SPAWN.Event(), SPAWN.Event()
    process = SPAWN.Process(target=hold, args=(tmp_path, ready, done))
    process.start()
    assert ready.wait(PATIENCE)
    return process


def race(lake: Path, line: Any, tried: Any, answers: Any) -> None:
    """Try for the lake together with others; whoever gets it holds it until all have tried."""
    line.wait(PATIENCE)
    try:
        with lake_lock(lake, purpose="a racer", now=NOW):
            answers.put((os.getpid(), ""))
            tried.wait(PATIENCE)
    except LakeBusyError as busy:
        answers.put((os.getpid(), str(busy)))
        tried.wait(PATIENCE)


@case("79")
def test_of_processes_that_start_at_the_same_moment_exactly_one_gets_the_lake(tmp_path: Path) -> None:
    count = 4
    line, tried, answers = SPAWN.Barrier(count), SPAWN.Barrier(count), SPAWN.Queue()
    racers = [SPAWN.Process(target=race, args=(tmp_path, line, tried, answers)) for _ in range(count)]
    for racer in racers:
        racer.start()
    said = [answers.get(timeout=PATIENCE) for _ in racers]
    for racer in racers:
        racer.join(PATIENCE)
        assert racer.exitcode == 0
    (winner,) = (pid for pid, refusal in said if not refusal)
    assert holder(tmp_path)["pid"] == winner
    assert all("nothing was changed" in refusal for pid, refusal in said if pid != winner)


def take_turns(lake: Path, turns: int) -> None:
    """Add one to a number in a file, turn by turn, in the way that loses counts when two do it at once."""
    number = lake / "number"
    while turns:
        try:
            with lake_lock(lake, purpose="a turn", now=NOW):
                before = int(number.read_text())
                time.sleep(0.001)
                number.write_text(str(before + 1))
                turns -= 1
        except LakeBusyError:
            time.sleep(0.001)


def test_no_turn_of_many_processes_and_threads_is_lost(tmp_path: Path) -> None:
    (tmp_path / "number").write_text("0")
    workers: list[BaseProcess | threading.Thread] = [
        *(SPAWN.Process(target=take_turns, args=(tmp_path, 40)) for _ in range(2)),
        *(threading.Thread(target=take_turns, args=(tmp_path, 40)) for _ in range(3)),
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(PATIENCE)
    assert (tmp_path / "number").read_text() == "200"


def test_threads_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    count = 6
    line, tried = threading.Barrier(count), threading.Barrier(count)
    outcomes: Counter[str] = Counter()

    def try_it() -> None:
        line.wait(PATIENCE)
        try:
            with lake_lock(tmp_path, purpose="a thread", now=NOW):
                outcomes["held"] += 1
                tried.wait(PATIENCE)
        except LakeBusyError:
            outcomes["refused"] += 1
            tried.wait(PATIENCE)

    threads = [threading.Thread(target=try_it) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert outcomes == {"held": 1, "refused": count - 1}


@case("79")
def test_refusal_names_who_holds_the_lake_and_what_to_do(tmp_path: Path, elsewhere: BaseProcess) -> None:
    with pytest.raises(LakeBusyError) as refused, lake_lock(tmp_path, purpose="another", now=NOW):
        pass
    message = str(refused.value)
    assert str(tmp_path) in message
    assert f"process {elsewhere.pid}" in message
    assert "a long run" in message
    assert "2026-11-22 12:00" in message
    assert "Wait until it has ended and run again; nothing was changed" in message
    elsewhere.kill()
    elsewhere.join()


@case("84")
def test_lock_of_a_process_that_was_killed_is_taken_over(tmp_path: Path, elsewhere: BaseProcess) -> None:
    assert elsewhere.pid is not None
    os.kill(elsewhere.pid, signal.SIGKILL)
    elsewhere.join()
    assert holder(tmp_path)["pid"] == elsewhere.pid, "it had no chance to clean up"
    with lake_lock(tmp_path, purpose="another", now=NOW):
        assert holder(tmp_path)["pid"] == os.getpid()


def test_refused_run_leaves_what_the_lock_says_untouched(tmp_path: Path, elsewhere: BaseProcess) -> None:
    with pytest.raises(LakeBusyError), lake_lock(tmp_path, purpose="another", now=NOW):
        pass
    assert holder(tmp_path)["pid"] == elsewhere.pid
    elsewhere.kill()
    elsewhere.join()


def test_lake_by_another_path_is_the_same_lake(tmp_path: Path) -> None:
    lake, link = tmp_path / "lake", tmp_path / "link"
    lake.mkdir()
    link.symlink_to(lake)
    with (
        lake_lock(lake, purpose="a run", now=NOW),
        pytest.raises(LakeBusyError),
        lake_lock(link, purpose="another", now=NOW),
    ):
        pass


def test_run_that_fails_lets_go_of_the_lake(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), lake_lock(tmp_path, purpose="a run", now=NOW):
        raise ZeroDivisionError
    with lake_lock(tmp_path, purpose="another", now=NOW):
        assert holder(tmp_path)["purpose"] == "another"


def test_child_processes_do_not_keep_the_lake(tmp_path: Path) -> None:
    with lake_lock(tmp_path, purpose="a run", now=NOW):
        child = SPAWN.Process(target=time.sleep, args=(PATIENCE,))
        child.start()
    try:
        with lake_lock(tmp_path, purpose="another", now=NOW):
            assert child.is_alive()
    finally:
        child.kill()
        child.join()
