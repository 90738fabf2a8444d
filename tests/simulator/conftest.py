"""A demo exchange whose clock stands still, and the market behind it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests

from klineforge.simulator.market import Market
from klineforge.simulator.rest import RestInterface
from klineforge.simulator.server import DemoExchange

NOW = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def now() -> datetime:
    """A Sunday afternoon, half-way through an hour; the exchange of these tests never gets any older."""
    return NOW


@pytest.fixture(scope="session")
def market() -> Market:
    return Market(seed=3)


@pytest.fixture
def rest(market: Market) -> RestInterface:
    return RestInterface(market)


@pytest.fixture(scope="module")
def exchange() -> Iterator[DemoExchange]:
    with DemoExchange(seed=3, clock=lambda: NOW) as running:
        yield running


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session
