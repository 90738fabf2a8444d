"""Cases of connections: what breaks on the way is fetched again, and what stays broken is said."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
import requests
from faults.catalogue import case
from faults.world import World

from klineforge.errors import IngestionIncompleteError, PermanentExchangeError, TransientExchangeError
from klineforge.exchanges.binance.market import DIALECT
from klineforge.exchanges.http import HttpClient
from klineforge.exchanges.transport import Limits
from klineforge.simulator.faults.fault import Fault

DAY = "BTCUSDT-1h-2024-03-02.zip"
OF_BTC = "/api/v3/klines*BTCUSDT"


@case("1")
def test_exchange_that_cannot_be_reached_stops_the_run_and_changes_nothing(world: World) -> None:
    nobody = "http://127.0.0.1:9"

    run = world.run(archive_url=nobody, rest_url=nobody)

    assert isinstance(run.error, TransientExchangeError)
    assert "could not reach 127.0.0.1:9 after 5 attempts" in run.message
    assert run.requests == ()
    assert run.sleeps[:4] == [0.5, 1.0, 2.0, 4.0]
    assert world.lake.zone.units() == []
    world.recover()


@case("1")
def test_name_that_cannot_be_resolved_stops_the_run_with_advice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo
    asked: list[str] = []

    def unknown(host: Any, *arguments: Any, **options: Any) -> Any:
        if str(host).endswith(".invalid"):
            asked.append(host)
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    run = world.run(archive_url="http://archive.invalid", rest_url="http://rest.invalid")

    assert asked
    assert isinstance(run.error, TransientExchangeError)
    assert "Name or service not known" in run.message
    assert "check the network and proxy settings" in run.message
    world.recover()


@case("2")
@pytest.mark.parametrize("at", ["request", "headers"])
def test_exchange_that_falls_silent_is_asked_again(worlds: Callable[..., World], at: str) -> None:
    world = worlds(limits=Limits(read=0.3))
    world.inject(Fault("hang", match=OF_BTC, at=at, times=1), Fault("hang", match=DAY, at=at, times=1))

    run = world.run()

    assert run.spoilt("hang") == 2
    assert run.error is None
    world.recover()


@case("3")
def test_body_that_drips_is_given_up_at_the_deadline_and_fetched_again(world: World) -> None:
    world.inject(Fault("drip", match=f"{DAY}", times=1, pieces=4, seconds=50.0))

    run = world.run(ingestion={"workers": 1})

    assert run.spoilt("drip") == 1
    assert len(run.asked(f"{DAY}$")) == 2
    assert run.error is None
    world.recover()


@case("3")
def test_body_that_always_drips_is_left_to_the_next_run(world: World) -> None:
    world.inject(Fault("drip", match=OF_BTC, pieces=4, seconds=50.0))

    run = world.run(ingestion={"workers": 1})

    assert run.spoilt("drip") >= 5
    assert isinstance(run.error, IngestionIncompleteError)
    assert "took longer than 120 s" in run.message
    world.all_candles_are_there("ETHUSDT")
    world.recover()


@case("4")
@pytest.mark.parametrize("name", ["reset", "cut", "hang-up"])
def test_zip_cut_off_on_the_way_is_fetched_again_and_never_kept_in_part(world: World, name: str) -> None:
    world.inject(Fault(name, match=DAY, times=1))

    run = world.run()

    assert run.spoilt(name) == 1
    assert len(run.asked(f"{DAY}$")) == 2
    assert run.error is None
    world.recover()


@case("4")
def test_zip_that_is_always_cut_off_leaves_its_hours_to_the_next_run(world: World) -> None:
    world.inject(Fault("cut", match=DAY))

    run = world.run()

    assert run.spoilt("cut") == 5
    assert run.reports["BTCUSDT"].hours_missing == 24
    assert "the answer broke off after 5 attempts: IncompleteRead" in run.message
    world.all_candles_are_there("ETHUSDT")
    world.recover()


@case("5")
@pytest.mark.parametrize(
    ("match", "share"), [(OF_BTC, 0.0), (OF_BTC, 0.6), (DAY, 0.6), (f"{DAY}.CHECKSUM", 0.0), ("exchangeInfo", 0.6)]
)
def test_chunked_body_that_ends_early_is_fetched_again(world: World, match: str, share: float) -> None:
    world.inject(Fault("cut-chunks", match=match, share=share, times=1))

    run = world.run()

    assert run.spoilt("cut-chunks") == 1
    assert run.error is None
    world.recover()


@case("6")
@pytest.mark.parametrize("corrupt", [False, True])
@pytest.mark.parametrize("match", [OF_BTC, DAY])
def test_body_that_is_not_compressed_as_it_says_is_fetched_again(world: World, match: str, corrupt: bool) -> None:
    world.inject(Fault("encoding", match=match, corrupt=corrupt, times=1))

    run = world.run()

    assert run.spoilt("encoding") == 1
    assert run.error is None
    world.recover()


@case("16")
def test_proxy_that_wants_a_login_is_not_stormed(world: World) -> None:
    world.inject(Fault("status", status=407))

    run = world.run(ingestion={"workers": 1})

    assert run.spoilt("status") == len(run.requests) == 2  # one of each host
    assert isinstance(run.error, PermanentExchangeError)
    assert run.sleeps == []
    world.recover()


@case("16")
def test_certificate_that_is_not_trusted_is_not_asked_again() -> None:
    class Untrusting(requests.Session):
        calls = 0

        def get(self, *_: Any, **__: Any) -> requests.Response:
            Untrusting.calls += 1
            raise requests.exceptions.SSLError("certificate verify failed: self-signed certificate")

    client = HttpClient(DIALECT, session_factory=Untrusting)
    for _ in range(2):
        with pytest.raises(PermanentExchangeError, match="connection to example.org is not trusted: certificate"):
            client.get("https://example.org/api/v3/time", most_bytes=100)
    assert Untrusting.calls == 1
