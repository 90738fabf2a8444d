"""The demo exchange, ingestion and bronze in one time of their own, and what must hold once a fault has passed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any, Self

import polars as pl
from faults.clock import Time
from ingestion.lake import Lake

from klineforge.errors import ConfigurationError, ExchangeError, IngestionIncompleteError, KlineForgeError
from klineforge.exchanges.binance.market import DIALECT, BinanceMarket
from klineforge.exchanges.http import HttpClient
from klineforge.exchanges.report import CoinReport, IngestionReport, raise_if_incomplete
from klineforge.exchanges.retry import RetryPolicy
from klineforge.exchanges.transport import Limits
from klineforge.pipelines.ingestion import nodes
from klineforge.simulator.candles import wire_fields
from klineforge.simulator.faults.fault import Fault
from klineforge.simulator.faults.injector import Injected
from klineforge.simulator.lifecycle import hour_number, traded_hours
from klineforge.simulator.market import Market
from klineforge.simulator.replies import Reply
from klineforge.simulator.server import DemoExchange

SEED = 7
NOW = datetime(2024, 3, 6, 12, 10, tzinfo=UTC)
START = datetime(2024, 3, 1, tzinfo=UTC)
GRACE = timedelta(seconds=120)
HOUR_MS = 3_600_000
YEAR_MS = 365 * 24 * HOUR_MS
COINS = ("BTCUSDT", "ETHUSDT")
RANKS = {"monthly_archive": 1, "daily_archive": 2, "rest": 3}
FIELDS = (
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "count",
    "taker_buy_volume",
    "taker_buy_quote_volume",
)


class WatchedExchange(DemoExchange):
    """Remembers the digests of everything it ever answered."""

    served: set[str]

    def answer(self, target: str, headers: Mapping[str, str]) -> Reply:
        reply = super().answer(target, headers)
        self.served.add(hashlib.sha256(reply.body).hexdigest())
        return reply


@dataclass
class Run:
    """What became of one run.

    Args:
        reports: Per coin; empty when the run was stopped by an error.
        error: What the user is told; None when all is well.
        requests: What was asked of the exchange.
        injected: Which answers were spoilt.
        sleeps: What the client waited for, in seconds.
    """

    reports: dict[str, CoinReport] = field(default_factory=dict)
    error: KlineForgeError | None = None
    requests: tuple[str, ...] = ()
    injected: tuple[Injected, ...] = ()
    sleeps: list[float] = field(default_factory=list)

    @property
    def message(self) -> str:
        """Everything that was reported as wrong, as text."""
        told = [failure for report in self.reports.values() for failure in report.failures]
        return "\n".join([str(self.error or ""), *told])

    def asked(self, pattern: str) -> list[str]:
        """The requests that match a regular expression."""
        return [request for request in self.requests if re.search(pattern, request)]

    def spoilt(self, name: str) -> int:
        """How many answers a fault spoilt."""
        return sum(injected.name == name for injected in self.injected)


class World:
    """Runs the real ingestion and bronze appends against the demo exchange.

    Args:
        path: The lake.
        now: The exchange's time at the beginning.
        start: First hour that is wanted.
        coins: Which coins.
        limits: Bounds on one request.
        attempts: Requests made in all for one answer.
    """

    def __init__(
        self,
        path: Path,
        *,
        now: datetime = NOW,
        start: datetime = START,
        coins: tuple[str, ...] = COINS,
        limits: Limits | None = None,
        attempts: int = 5,
    ) -> None:
        self.time = Time(now)
        self.lake = Lake(path)
        self.start = start
        self.coins = coins
        self.limits = limits
        self.attempts = attempts
        self.exchange = WatchedExchange(seed=SEED, clock=self.time.exchange_now, pause=self.time.pass_by)
        self.exchange.served = set()

    def __enter__(self) -> Self:
        self.exchange.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.exchange.stop()

    @property
    def now(self) -> datetime:
        """The exchange's time."""
        return self.time.exchange_now()

    def inject(self, *faults: Fault) -> None:
        """Let these faults happen from now on."""
        self.exchange.inject(*faults)

    def run(self, **parameters: Any) -> Run:
        """One run as a user starts it: ingestion, then bronze when ingestion got so far, and its verdict at the end."""
        asked, spoilt, slept = len(self.exchange.requests), len(self.exchange.injected), len(self.time.sleeps)
        run = Run()
        try:
            run.reports = self._download(parameters)
            self.lake.append()
            raise_if_incomplete(IngestionReport(tuple(run.reports.values())))
        except KlineForgeError as error:
            run.error = error
        run.requests = self.exchange.requests[asked:]
        run.injected = self.exchange.injected[spoilt:]
        run.sleeps = self.time.sleeps[slept:]
        self._nothing_open_is_stored()
        self._errors_are_typed(run)
        return run

    def _download(self, parameters: dict[str, Any]) -> dict[str, CoinReport]:
        # The same machine by two names, so that a refusal by one interface leaves the other.
        archive_url = self.exchange.archive_url.replace("127.0.0.1", "localhost")
        asked = {"archive_url": archive_url, "rest_url": self.exchange.rest_url, "coins": list(self.coins)}
        request = nodes.check_request({**asked, "start": self.start.isoformat(), **parameters})
        policy = RetryPolicy(attempts=self.attempts)
        http = HttpClient(DIALECT, policy=policy, limits=self.limits, clock=self.time, jitter=lambda: 1.0)
        market = BinanceMarket(http, request.archive_url, request.rest_urls)
        coverage = self.lake.coverage()
        try:
            listed = nodes.snapshot_listing(request, market, self.lake.zone, coverage)
            plan = nodes.plan_downloads(request, market, self.lake.zone, coverage, listed)
            _, report = nodes.download_missing_klines(plan, market, self.lake.zone)
        finally:
            market.close()
        return {coin.coin: coin for coin in IngestionReport.from_json(report).coins}

    def recover(self, later: timedelta = timedelta(minutes=5), **parameters: Any) -> Run:
        """The fault has ended: the next run repairs everything, and one more has nothing to do.

        Args:
            later: How long after the last run.
            parameters: Of the run.
        """
        self.inject()
        self.time.pass_by(later.total_seconds())
        run = self.run(**parameters)
        assert run.error is None, run.error
        self.check(**parameters)
        return run

    def check(self, coins: tuple[str, ...] | None = None, **parameters: Any) -> None:
        """Everything available is in bronze as the exchange has it, once, with proof; another run commits nothing."""
        for coin in coins or self.coins:
            self.all_candles_are_there(coin)
        self._no_record_is_there_twice()
        self._bytes_are_those_of_the_exchange()
        before = self.lake.versions()
        again = self.run(**({"coins": list(coins)} if coins else {}), **parameters)
        assert again.error is None, again.error
        assert sum(report.rows for report in again.reports.values()) == 0
        assert self.lake.versions() == before

    def all_candles_are_there(self, coin: str) -> None:
        """The best revision of each hour says what the fault-free market says; no hour is missing or too many."""
        assert self.best(coin) == self.truth(coin)

    def truth(self, coin: str) -> dict[int, tuple[Any, ...]]:
        """What the market has for the hours that are wanted and closed: the fields by open time in milliseconds."""
        hours = traded_hours(coin, hour_number(self.start), hour_number(self.now - GRACE))
        rows = [wire_fields(candle, False) for candle in _market().candles(coin, hours)]
        return {int(row[0]): _comparable(row[1:11]) for row in rows}

    def best(self, coin: str) -> dict[int, tuple[Any, ...]]:
        """The best revision of each hour in bronze, by the rule of silver."""
        klines = self.lake.table("klines")
        if klines.is_empty():
            return {}
        opened = pl.col("open_time")
        best = (
            klines.filter(pl.col("coin") == coin, pl.col("malformed_record").is_null())
            .with_columns(
                opened=pl.when(opened >= 10**14).then(opened // 1000).otherwise(opened),
                rank=pl.col("source_kind").replace_strict(RANKS),
            )
            .sort("rank", "ingestion_ts", "sha256", "source_row", descending=[True, True, False, True])
            .unique("opened", keep="first", maintain_order=True)
        )
        return {row["opened"]: _comparable([row[name] for name in FIELDS]) for row in best.iter_rows(named=True)}

    def _nothing_open_is_stored(self) -> None:
        opens = [opened for coin in self.coins for opened in self.lake.opens(coin)]
        # A row that claims another century was never meant as the open candle.
        newest = max((opened for opened in opens if opened < self.now.timestamp() * 1000 + YEAR_MS), default=0)
        assert newest + HOUR_MS + GRACE / timedelta(milliseconds=1) <= self.now.timestamp() * 1000

    def _no_record_is_there_twice(self) -> None:
        klines = self.lake.table("klines")
        assert klines.select("coin", "sha256", "source_row").is_duplicated().sum() == 0

    def _bytes_are_those_of_the_exchange(self) -> None:
        loaded = self.lake.table("checkpoints").filter(pl.col("row_count") > 0)
        known = set(loaded["sha256"])
        assert known <= self.exchange.served
        assert set(self.lake.table("klines")["sha256"]) <= known

    def _errors_are_typed(self, run: Run) -> None:
        """Errors say which exchange, what was asked, and per coin which coin and hours."""
        if run.error is not None:
            assert isinstance(run.error, ExchangeError | IngestionIncompleteError | ConfigurationError)
        if isinstance(run.error, ExchangeError):
            assert run.error.exchange == "binance"
            assert run.error.url
        for report in run.reports.values():
            for failure in report.failures:
                # What is wrong with a host is said without a coin, in the report of each coin; the question for a first
                # candle is about no hours.
                assert re.match(rf"binance( {report.coin}( 20\d\d-.*)?)?: ", failure), failure
                assert "requested: http" in failure


def _comparable(fields: list[Any]) -> tuple[Any, ...]:
    """Numbers by their exact values, the close time in milliseconds."""
    values = [_number(str(value)) for value in fields]
    if isinstance(values[5], Decimal) and values[5] > 10**15:
        values[5] //= 1000
    return tuple(values)


def _number(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


@cache
def _market() -> Market:
    return Market(SEED)
