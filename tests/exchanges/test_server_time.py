"""Whose time counts, when the exchange's clock fails, jumps or differs from this machine's."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from faults.catalogue import case
from hypothesis import given
from hypothesis import strategies as st
from ingestion.fakes import FakeBinance, FakeClock, Reply, hours, millis, utc
from ingestion.lake import Lake

from klineforge.errors import ExchangeError, TransientExchangeError
from klineforge.exchanges.servertime import ASKED_AGAIN_AFTER, BELIEVED_FOR, FAILURE_REMEMBERED, ServerClock

NOW = utc("2021-03-10T12:00:00")
UNREACHABLE = TransientExchangeError("could not reach it")
SECOND = timedelta(seconds=1)
CLOSED = [millis(opened) for opened in hours("2021-03-01", "2021-03-10T12:00")]


def trading() -> FakeBinance:
    """An exchange at half past twelve, whose newest candle is open."""
    server = FakeBinance(NOW + timedelta(minutes=30), monthly_from="2021-03", daily_from="2021-03-09")
    server.trade("BTCUSDT", hours("2021-03-01", "2021-03-10T13:00"))
    return server


class Machine(FakeClock):
    """A machine whose wall clock may be set while its monotonic clock goes on."""

    def __init__(self) -> None:
        super().__init__(NOW)
        self.set_by = timedelta()

    def now(self) -> float:
        return self.epoch + self.set_by.total_seconds()

    def passes(self, time: timedelta) -> None:
        self.epoch += time.total_seconds()


class Exchange:
    """An exchange whose clock a test sets, and which counts how often it is asked."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.ahead = timedelta()
        self.fails = False
        self.asked = 0

    @property
    def true_time(self) -> datetime:
        return NOW + timedelta(seconds=self.machine.monotonic() - NOW.timestamp())

    def tell(self) -> datetime:
        self.asked += 1
        if self.fails:
            raise UNREACHABLE
        return self.true_time + self.ahead


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def exchange(machine: Machine) -> Exchange:
    return Exchange(machine)


@pytest.fixture
def clock(machine: Machine, exchange: Exchange) -> ServerClock:
    return ServerClock(machine, exchange.tell)


@pytest.mark.parametrize("wrong", [timedelta(hours=2), timedelta(hours=-2)])
def test_clock_of_this_machine_does_not_matter_and_its_skew_is_told_once(
    clock: ServerClock, exchange: Exchange, machine: Machine, wrong: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    machine.set_by = wrong
    for _ in range(4):
        assert clock.now() == exchange.true_time
        assert clock.ahead_seconds() == -wrong.total_seconds()
        machine.passes(ASKED_AGAIN_AFTER)

    assert exchange.asked == 4
    assert caplog.text.count("this machine's clock differs from the exchange's by") == 1


def test_skew_of_less_than_a_minute_is_not_worth_a_word(
    clock: ServerClock, machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    machine.set_by = timedelta(seconds=59)
    clock.now()

    assert caplog.text == ""


def test_clock_of_this_machine_that_is_set_during_a_run_changes_nothing(
    clock: ServerClock, exchange: Exchange, machine: Machine
) -> None:
    clock.now()
    machine.set_by = timedelta(hours=5)
    machine.passes(timedelta(minutes=10))

    assert clock.now() == exchange.true_time
    assert exchange.asked == 1


def test_exchange_that_stops_telling_its_time_is_believed_for_hours_and_no_longer(
    clock: ServerClock, exchange: Exchange, machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    clock.now()
    exchange.fails = True
    for _ in range(3):
        machine.passes(BELIEVED_FOR / 3)
        assert clock.now() == exchange.true_time
    assert caplog.text.count("cannot be read, going on by its last reading: could not reach it") == 1

    machine.passes(SECOND)
    with pytest.raises(TransientExchangeError, match="could not reach it"):
        clock.now()

    exchange.fails = False
    machine.passes(FAILURE_REMEMBERED)
    assert clock.now() == exchange.true_time


def test_exchange_that_never_told_its_time_is_not_asked_by_every_page(
    clock: ServerClock, exchange: Exchange, machine: Machine
) -> None:
    exchange.fails = True
    for _ in range(5):
        with pytest.raises(ExchangeError, match="could not reach it"):
            clock.now()
    assert exchange.asked == 1

    exchange.fails = False
    machine.passes(FAILURE_REMEMBERED)
    assert clock.now() == exchange.true_time


@case("88")
@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(hours=1), timedelta(seconds=-30)])
def test_exchange_whose_clock_jumps_is_not_believed_and_the_earlier_time_counts(
    clock: ServerClock, exchange: Exchange, machine: Machine, jump: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    clock.now()
    exchange.ahead = jump
    for _ in range(3):
        machine.passes(ASKED_AGAIN_AFTER)
        assert clock.now() == exchange.true_time + min(jump, timedelta())
    assert caplog.text.count("the exchange's clock jumped by") == 1

    exchange.ahead = timedelta()
    machine.passes(FAILURE_REMEMBERED)
    assert clock.now() == exchange.true_time


@given(
    events=st.lists(
        st.tuples(
            st.sampled_from(["right", "ahead", "behind", "silent"]),
            st.integers(0, 3600),
            st.integers(-86_400, 86_400),
        ),
        max_size=30,
    )
)
def test_time_told_is_never_later_than_that_of_an_exchange_which_told_the_truth_once(
    events: list[tuple[str, int, int]],
) -> None:
    machine = Machine()
    exchange = Exchange(machine)
    clock = ServerClock(machine, exchange.tell)
    clock.now()
    for kind, seconds, wall in events:
        machine.passes(timedelta(seconds=seconds))
        machine.set_by = timedelta(seconds=wall)
        exchange.fails = kind == "silent"
        exchange.ahead = {"ahead": timedelta(hours=3), "behind": timedelta(hours=-3)}.get(kind, timedelta())
        try:
            told = clock.now()
        except ExchangeError:
            continue
        assert told <= exchange.true_time + SECOND / 1000


@case("85")
@pytest.mark.parametrize("ahead", [timedelta(hours=2), timedelta(hours=-2)])
def test_machine_with_a_wrong_clock_ingests_what_is_closed_and_no_more(tmp_path: Path, ahead: timedelta) -> None:
    lake = Lake(tmp_path, machine_ahead=ahead)
    with trading() as server:
        report = lake.ingest(server, coins="BTCUSDT", start="2021-03-01")["BTCUSDT"]

    assert report.hours_missing == 0
    assert lake.opens("BTCUSDT") == CLOSED


@case("88")
def test_candle_that_is_open_is_not_taken_for_closed_while_a_fast_machine_cannot_ask_the_time(tmp_path: Path) -> None:
    lake = Lake(tmp_path, machine_ahead=timedelta(hours=2))
    with trading() as server:
        server.faults["/api/v3/time"] = [Reply(500)]
        report = lake.ingest(server, coins="BTCUSDT", start="2021-03-01")["BTCUSDT"]

        assert "HTTP 500" in report.failures[0]
        assert lake.opens("BTCUSDT") == CLOSED[: 8 * 24]  # what the archive has

        server.faults.clear()
        lake.ingest(server, coins="BTCUSDT", start="2021-03-01")

    assert lake.opens("BTCUSDT") == CLOSED


def test_time_that_was_asked_for_in_vain_for_long_does_not_put_the_clock_ahead(
    machine: Machine, exchange: Exchange
) -> None:
    def tell_after_waiting() -> datetime:
        machine.passes(timedelta(minutes=4))
        return exchange.tell()

    clock = ServerClock(machine, tell_after_waiting)

    assert clock.now() == exchange.true_time
