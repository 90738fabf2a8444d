"""What is in flight does not grow with what is missing."""

from __future__ import annotations

import threading
import weakref
from typing import Any

import pytest
from ingestion.fakes import FakeBinance, hours
from ingestion.lake import Lake

from klineforge.exchanges.binance.market import BinanceMarket
from klineforge.exchanges.campaign import IN_FLIGHT_PER_WORKER
from klineforge.exchanges.outcome import Outcome

WORKERS = 2


class InFlight:
    """Counts tasks that are being carried out, and bytes from their download until nobody holds them any more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._carry_out = BinanceMarket.carry_out
        self.tasks = self.most_tasks = 0
        self.held = self.most_held = self.largest = self.total = 0

    def carry_out(self, market: BinanceMarket, *arguments: Any, **options: Any) -> Outcome:
        with self._lock:
            self.tasks += 1
            self.most_tasks = max(self.most_tasks, self.tasks)
        outcome = self._carry_out(market, *arguments, **options)
        size = sum(len(download.content or b"") for download in outcome.downloads)
        with self._lock:
            self.tasks -= 1
            self.held, self.total = self.held + size, self.total + size
            self.most_held, self.largest = max(self.most_held, self.held), max(self.largest, size)
        weakref.finalize(outcome, self._released, size)
        return outcome

    def _released(self, size: int) -> None:
        with self._lock:
            self.held -= size


@pytest.mark.parametrize("start", ["2020-09-01", "2018-12-01"])
def test_downloads_and_bytes_in_flight_are_bounded_whatever_the_range(
    lake: Lake, exchange: FakeBinance, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    exchange.trade("BTCUSDT", hours(start, "2021-03-10T12:00"))
    seen = InFlight()

    def carry_out(market: BinanceMarket, *arguments: Any, **options: Any) -> Outcome:
        return seen.carry_out(market, *arguments, **options)

    monkeypatch.setattr(BinanceMarket, "carry_out", carry_out)

    lake.download(exchange, coins="BTCUSDT", start=start, ingestion={"workers": WORKERS})

    most = WORKERS * (IN_FLIGHT_PER_WORKER + 1) * seen.largest
    assert 0 < seen.most_tasks <= WORKERS
    assert seen.most_held <= most
    assert (seen.total > 3 * most) == (start < "2020")
    assert seen.held == 0
