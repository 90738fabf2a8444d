"""A first server time that is days from this machine's: who is believed, and until when."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from exchanges.test_server_time import CLOSED, NOW, SECOND, UNREACHABLE, Exchange, Machine, trading
from faults.catalogue import case
from ingestion.fakes import Reply, millis
from ingestion.lake import Lake

from klineforge.errors import TransientExchangeError
from klineforge.exchanges.servertime import BELIEVED_FOR, FAILURE_REMEMBERED, ServerClock


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def exchange(machine: Machine) -> Exchange:
    return Exchange(machine)


@pytest.fixture
def clock(machine: Machine, exchange: Exchange) -> ServerClock:
    return ServerClock(machine, exchange.tell)


@case("88")
@pytest.mark.parametrize("days", [-9000, -2, 2, 9000])
def test_first_time_that_is_days_off_is_not_believed_and_the_earlier_one_counts(
    clock: ServerClock, exchange: Exchange, machine: Machine, days: int, caplog: pytest.LogCaptureFixture
) -> None:
    exchange.ahead = timedelta(days=days)
    for _ in range(3):
        assert clock.now() == exchange.true_time + min(exchange.ahead, timedelta())
        assert clock.ahead_seconds() == 0.0
        machine.passes(FAILURE_REMEMBERED)
    (told,) = [record.message for record in caplog.records]
    assert f"the exchange tells {NOW + exchange.ahead:%Y-%m-%d %H:%M:%S} UTC, days from the 2021-03-10 12:00:00" in told

    exchange.ahead = timedelta(hours=1)
    assert clock.now() == exchange.true_time + timedelta(hours=1)


def test_first_time_of_a_day_off_is_believed(clock: ServerClock, exchange: Exchange, machine: Machine) -> None:
    machine.set_by = timedelta(hours=-24)

    assert clock.now() == exchange.true_time


@case("88")
@pytest.mark.parametrize("days", [-700, 700])
def test_time_of_another_host_counts_where_the_first_is_days_off(
    machine: Machine, exchange: Exchange, days: int, caplog: pytest.LogCaptureFixture
) -> None:
    def lying() -> datetime:
        return exchange.true_time + timedelta(days=days)

    clock = ServerClock(machine, lying, (lying, exchange.tell))

    assert clock.now() == exchange.true_time
    assert exchange.asked == 1
    assert f"the exchange told {lying():%Y-%m-%d %H:%M:%S} UTC, which is not believed" in caplog.text


@pytest.mark.parametrize("days", [-700, 700])
def test_machine_that_is_days_off_is_overruled_by_two_hosts_and_not_by_one(
    machine: Machine, exchange: Exchange, days: int, caplog: pytest.LogCaptureFixture
) -> None:
    machine.set_by = timedelta(days=days)

    def silent() -> datetime:
        raise UNREACHABLE

    alone = ServerClock(machine, exchange.tell, (silent, exchange.tell))
    assert alone.now() == exchange.true_time + min(machine.set_by, timedelta())

    both = ServerClock(machine, exchange.tell, (exchange.tell, exchange.tell))
    assert both.now() == exchange.true_time
    assert "this machine's clock differs from the exchange's by" in caplog.text


def test_time_that_is_days_off_is_forgotten_like_any_other(
    clock: ServerClock, exchange: Exchange, machine: Machine
) -> None:
    exchange.ahead = timedelta(days=-3)
    clock.now()
    exchange.fails = True
    machine.passes(BELIEVED_FOR)
    assert clock.now() == exchange.true_time + exchange.ahead

    machine.passes(SECOND)
    with pytest.raises(TransientExchangeError, match="could not reach it"):
        clock.now()


@case("88")
def test_candle_that_is_open_is_not_taken_for_closed_when_the_exchange_tells_a_time_years_ahead(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    with trading() as server:
        far = millis(NOW + timedelta(days=2000))
        server.faults["/api/v3/time"] = [Reply(200, b'{"serverTime":%d}' % far)]
        report = lake.ingest(server, coins="BTCUSDT", start="2021-03-01")["BTCUSDT"]

    assert report.hours_missing == 0
    assert lake.opens("BTCUSDT") == CLOSED
