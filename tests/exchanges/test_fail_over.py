"""How soon a host that gives no answer is left for one that is well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from faults.catalogue import case
from ingestion.fakes import FakeBinance, FakeClock, Reply, utc

from klineforge.errors import ExchangeError, PermanentExchangeError, TransientExchangeError
from klineforge.exchanges.binance.market import DIALECT
from klineforge.exchanges.binance.parse import parse_server_time
from klineforge.exchanges.hosts import LEFT_ALONE_SECONDS
from klineforge.exchanges.http import HttpClient
from klineforge.exchanges.retry import RetryPolicy
from klineforge.exchanges.transport import Answer

TIME = "/api/v3/time"
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def second() -> Iterator[FakeBinance]:
    with FakeBinance(utc("2021-03-10T12:00:15")) as server:
        yield server


def ask(client: HttpClient, *urls: str) -> Answer:
    url, *others = (url + TIME for url in urls)
    return client.get(url, *others, most_bytes=10_000, check=parse_server_time)


@case("18")
def test_host_that_gives_no_answer_is_asked_once_more_and_then_left_for_one_that_is_well(
    client: HttpClient, second: FakeBinance, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        assert ask(client, NOBODY, second.url).url == second.url + TIME

    assert clock.sleeps == [0.5]
    assert caplog.text.count("127.0.0.1:9 is asked last from now on: could not reach 127.0.0.1:9 after 2 attempts") == 1


def test_last_host_and_one_without_a_better_one_are_asked_patiently(
    client: HttpClient, second: FakeBinance, clock: FakeClock
) -> None:
    with pytest.raises(TransientExchangeError, match="none of the 2 hosts"):
        ask(client, NOBODY, "http://127.0.0.1:10")
    assert clock.sleeps == [0.5, 0.5, 1.0]

    clock.sleeps.clear()
    clock.epoch += LEFT_ALONE_SECONDS
    second.faults["/"] = [Reply(403, b"blocked")]
    with pytest.raises(PermanentExchangeError):
        ask(client, second.url)
    with pytest.raises(ExchangeError, match="none of the 2 hosts"):
        ask(client, NOBODY, second.url)
    assert clock.sleeps == [0.5, 1.0]


def test_host_that_another_thread_has_left_is_not_asked_once_more(second: FakeBinance, clock: FakeClock) -> None:
    tried: list[str] = []

    class Silent(requests.Session):
        def get(self, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
            if not url.startswith(NOBODY):
                return super().get(url, **options)
            tried.append(url)
            if len(tried) == 1:
                # Meanwhile another request finds out.
                assert ask(http, NOBODY, second.url).status == 200
            raise requests.exceptions.ConnectTimeout("timed out")

    http = HttpClient(DIALECT, policy=RetryPolicy(attempts=5), clock=clock, session_factory=Silent, jitter=lambda: 1.0)

    assert ask(http, NOBODY, second.url).status == 200

    assert len(tried) == 1 + 2
    assert len(second.requests) == 2
    http.close()
