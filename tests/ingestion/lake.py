"""Ingestion and its bronze appends without Kedro and Spark: the same nodes, the same batches, tables by deltalake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import write_deltalake
from ingestion.fakes import FakeBinance, FakeClock

from klineforge.datasets.archive_checks import ArchiveChecksDataset
from klineforge.datasets.coverage import IngestionCoverageDataset
from klineforge.exchanges.binance.bronze import bronze_batches
from klineforge.exchanges.binance.listing import listing_batch
from klineforge.exchanges.binance.market import DIALECT, BinanceMarket
from klineforge.exchanges.coverage import Coverage
from klineforge.exchanges.http import HttpClient
from klineforge.exchanges.landing import LandingZone
from klineforge.exchanges.report import CoinReport, IngestionReport
from klineforge.exchanges.retry import RetryPolicy
from klineforge.pipelines.ingestion import nodes

TABLES = {
    "klines": "binance_klines_daily",
    "checkpoints": "binance_ingestion_checkpoints",
    "exchange_info": "binance_exchange_info",
}


@dataclass
class Lake:
    """A folder with a landing zone and the three bronze tables.

    Args:
        path: The folder.
        machine_ahead: How far the clock of the machine that ingests is ahead of the exchange's.
    """

    path: Path
    machine_ahead: timedelta = timedelta()

    @property
    def zone(self) -> LandingZone:
        return LandingZone(self.path / "landing")

    def coverage(self) -> Coverage:
        return IngestionCoverageDataset(path=str(self.path), checks=str(self.checks)).load()

    @property
    def checks(self) -> Path:
        """The note of when older archives were looked at."""
        return self.path / "_klineforge" / "archive_checks.json"

    def table(self, name: str) -> pl.DataFrame:
        path = self.path / TABLES[name]
        return pl.read_delta(str(path)) if path.exists() else pl.DataFrame()

    def versions(self) -> dict[str, int]:
        """Number of commits of each table."""
        return {path.name: len(list((path / "_delta_log").glob("*.json"))) for path in self.path.glob("[a-z]*")}

    def opens(self, coin: str) -> list[int]:
        """Open times of a coin in milliseconds, one per row."""
        klines = self.table("klines")
        if klines.is_empty():
            return []
        opened = klines.filter(pl.col("coin") == coin)["open_time"].drop_nulls()
        return sorted(value // 1000 if value >= 10**14 else value for value in opened)

    def download(self, exchange: FakeBinance, **parameters: Any) -> dict[str, CoinReport]:
        """Run the nodes of ingestion."""
        request = nodes.check_request({"archive_url": exchange.url, "rest_url": exchange.url, **parameters})
        market = market_of(exchange, request.archive_url, request.rest_urls, self.machine_ahead)
        coverage = self.coverage()
        try:
            listed = nodes.snapshot_listing(request, market, self.zone, coverage)
            plan = nodes.plan_downloads(request, market, self.zone, coverage, listed)
            _, report = nodes.download_missing_klines(plan, market, self.zone)
        finally:
            market.close()
        ArchiveChecksDataset(path=str(self.checks)).save(nodes.remember_rechecks(report))
        return {coin.coin: coin for coin in IngestionReport.from_json(report).coins}

    def append(self, max_rows: int = 250_000) -> int:
        """Do what the bronze pipeline does, and return how many klines were appended."""
        loaded = self.coverage()
        rows = 0
        for batch in bronze_batches(self.zone, loaded, max_rows):
            if batch.klines.num_rows:
                write_deltalake(str(self.path / TABLES["klines"]), batch.klines, mode="append")
            if not batch.is_empty:
                write_deltalake(str(self.path / TABLES["checkpoints"]), batch.checkpoints, mode="append")
            self.zone.remove(batch.unit_ids)
            rows += batch.klines.num_rows
        listing = listing_batch(self.zone, loaded)
        if listing is not None:
            if listing.symbols.num_rows:
                write_deltalake(str(self.path / TABLES["exchange_info"]), listing.symbols, mode="append")
            self.zone.remove(listing.unit_ids)
        return rows

    def ingest(self, exchange: FakeBinance, **parameters: Any) -> dict[str, CoinReport]:
        """Download, then append."""
        report = self.download(exchange, **parameters)
        self.append()
        return report


def market_of(
    exchange: FakeBinance,
    archive_url: str | None,
    rest_urls: Sequence[str],
    machine_ahead: timedelta = timedelta(),
) -> BinanceMarket:
    """A market whose client waits for nothing and lives in the exchange's time, or as much ahead of it."""
    clock = FakeClock(exchange.now + machine_ahead)
    http = HttpClient(DIALECT, policy=RetryPolicy(attempts=3), clock=clock, jitter=lambda: 1.0)
    return BinanceMarket(http, archive_url, rest_urls)
