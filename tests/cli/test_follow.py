"""``kedro klineforge follow``: hour after hour, with the world handed in."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from klineforge.cli.following import Follower, stopped_by_signal
from klineforge.errors import ConfigurationError, LakeBusyError, TransientExchangeError

AFTER = timedelta(seconds=20)


@dataclass
class World:
    """An exchange whose clock runs only while somebody waits or works.

    Args:
        time: Its clock.
        outcomes: What each run brings or raises; when there are no more, somebody wants the end.
    """

    time: datetime
    outcomes: list[int | Exception]
    runs: list[str] = field(default_factory=list)
    run_takes: timedelta = timedelta(seconds=5)

    def __post_init__(self) -> None:
        self.stop = _Wait(self)

    def run(self) -> int:
        self.runs.append(f"{self.time:%H:%M:%S}")
        self.time += self.run_takes
        outcome = self.outcomes.pop(0)
        if not self.outcomes:
            self.stop.set()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def follow(self) -> list[str]:
        Follower(self.run, lambda: self.time, self.stop, AFTER, pauses=(10.0, 20.0)).go()
        return self.runs


class _Wait(threading.Event):
    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self._world.time += timedelta(seconds=timeout)
        return self.is_set()


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-01-01T{text}").replace(tzinfo=UTC)


def test_it_catches_up_and_then_takes_each_hour_soon_after_it_has_closed() -> None:
    assert World(at("12:34:00"), [500, 15, 15, 15]).follow() == ["12:34:00", "13:00:20", "14:00:20", "15:00:20"]


def test_nothing_to_catch_up_with_is_no_reason_to_ask_again() -> None:
    assert World(at("12:34:00"), [0, 15]).follow() == ["12:34:00", "13:00:20"]


def test_hours_that_closed_while_it_caught_up_are_taken_at_once() -> None:
    world = World(at("12:34:00"), [500, 30, 15], run_takes=timedelta(minutes=50))
    assert world.follow() == ["12:34:00", "13:24:00", "14:14:00"]


def test_hour_that_is_not_there_yet_is_asked_for_again_and_the_next_one_in_time() -> None:
    runs = World(at("12:59:00"), [1, 0, 0, 15, 15]).follow()
    assert runs == ["12:59:00", "13:00:20", "13:00:35", "13:01:00", "14:00:20"]


def test_exchange_that_has_halted_is_asked_a_few_times_an_hour(caplog: pytest.LogCaptureFixture) -> None:
    runs = World(at("12:59:00"), [1, 0, 0, 0, 0]).follow()
    assert runs == ["12:59:00", "13:00:20", "13:00:35", "13:01:00", "14:00:20"]
    assert "no new candle of the hour that closed at 13:00" in caplog.text


@pytest.mark.parametrize("problem", [TransientExchangeError("the exchange is down"), LakeBusyError("the lake is busy")])
def test_trouble_that_passes_is_told_and_tried_again(problem: Exception, caplog: pytest.LogCaptureFixture) -> None:
    assert World(at("12:59:00"), [1, problem, 15]).follow() == ["12:59:00", "13:00:20", "13:00:35"]
    assert str(problem) in caplog.text


def test_trouble_that_stays_ends_it() -> None:
    world = World(at("12:59:00"), [1, ConfigurationError("no such coin"), 15])
    with pytest.raises(ConfigurationError, match="no such coin"):
        world.follow()


def test_fault_of_the_program_ends_it() -> None:
    with pytest.raises(ZeroDivisionError):
        World(at("12:59:00"), [1, ZeroDivisionError(), 15]).follow()


def test_first_signal_asks_for_the_end_and_the_second_acts_as_ever() -> None:
    asked: list[bool] = []
    before = signal.getsignal(signal.SIGINT)

    def be_interrupted_twice() -> None:
        with stopped_by_signal() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            asked.append(stop.wait(5))
            os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait(5)

    # With PySpark's own handler in place, which raises the same, it asks Spark to end its queries first.
    with pytest.raises(KeyboardInterrupt):
        be_interrupted_twice()
    assert asked == [True]
    assert signal.getsignal(signal.SIGINT) is before
