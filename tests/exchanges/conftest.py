"""A client that waits for nothing, and its clock; files that need another one define it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ingestion.fakes import FakeClock, utc

from klineforge.exchanges.binance.market import DIALECT
from klineforge.exchanges.http import HttpClient
from klineforge.exchanges.retry import RetryPolicy


@pytest.fixture
def clock() -> FakeClock:
    """A quarter of a minute past noon on 10 March 2021."""
    return FakeClock(utc("2021-03-10T12:00:15"))


@pytest.fixture
def client(clock: FakeClock) -> Iterator[HttpClient]:
    """Three attempts each, without jitter."""
    http = HttpClient(DIALECT, policy=RetryPolicy(attempts=3), clock=clock, jitter=lambda: 1.0)
    yield http
    http.close()
