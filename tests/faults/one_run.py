"""One run of a process that is meant to be killed: ``python -m faults.one_run LAKE URL NOW START COIN...``."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from faults.clock import Time
from ingestion.lake import Lake

from klineforge.errors import KlineForgeError
from klineforge.exchanges.binance.market import DIALECT, BinanceMarket
from klineforge.exchanges.http import HttpClient
from klineforge.exchanges.retry import RetryPolicy
from klineforge.pipelines.ingestion import nodes


class ToldTime(Time):
    """A clock that tells another process how far it has gone, in a file beside the lake."""

    def __init__(self, start: datetime, told: Path) -> None:
        super().__init__(start)
        self.told = told

    def sleep(self, seconds: float) -> None:
        # First, so that nothing is ever dated later than what was told.
        self.told.write_text(str(self._elapsed + 2 * seconds), encoding="utf-8")
        super().sleep(seconds)


def main(path: str, url: str, now: str, start: str, *coins: str) -> None:
    """Ingestion and bronze, as ``World.run`` does it."""
    lake = Lake(Path(path))
    clock = ToldTime(datetime.fromisoformat(now), lake.path.with_name("elapsed"))
    request = nodes.check_request({"archive_url": url, "rest_url": url, "coins": list(coins), "start": start})
    http = HttpClient(DIALECT, policy=RetryPolicy(attempts=3), clock=clock, jitter=lambda: 1.0)
    market = BinanceMarket(http, request.archive_url, request.rest_urls)
    coverage = lake.coverage()
    try:
        listed = nodes.snapshot_listing(request, market, lake.zone, coverage)
        plan = nodes.plan_downloads(request, market, lake.zone, coverage, listed)
        nodes.download_missing_klines(plan, market, lake.zone)
        lake.append()
    except KlineForgeError as error:
        sys.stdout.write(f"{error}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
