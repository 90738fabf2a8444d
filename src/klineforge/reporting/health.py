"""How a lake is: tables, freshness per coin, gaps, quarantine, checkpoints, last runs. Reads Delta without Spark."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from klineforge.contracts import CONTRACTS
from klineforge.domain.hours import HOUR
from klineforge.reporting.runlog import RunLog, read_runs
from klineforge.reporting.tables import UNREADABLE, TableProblem, TableState, one_line, read_table, scan
from klineforge.reporting.verdict import Verdict, read_verdict

RUNS_SHOWN = 5
CROWDED = 200
"""Files in one partition above which readers take noticeably longer and maintenance is due."""
UNLISTED = ("delisted", "not_listed_yet")
"""Kinds of hours without a candle of which none is missing."""
Query = Callable[[pl.LazyFrame], pl.LazyFrame]
_THREADS = 4


@dataclass(frozen=True, slots=True)
class CoinHealth:
    """How far one coin's candles reach.

    Args:
        exchange: Exchange code.
        coin: Native symbol.
        candles: Candles in the fact.
        first_candle: Open time of the first one, UTC.
        last_candle: Open time of the last one, UTC.
        hours_behind: Closed hours after ``last_candle`` that are missing; 0 when up to date.
        is_active: Trading by the newest listing; None where the listing is not known.
        gaps: Hours without a candle by kind, in order of kind.
    """

    exchange: str
    coin: str
    candles: int
    first_candle: datetime
    last_candle: datetime
    hours_behind: int
    is_active: bool | None
    gaps: tuple[tuple[str, int], ...]

    @property
    def gap_hours(self) -> int:
        """Hours in which the coin was listed and has no candle."""
        return sum(hours for kind, hours in self.gaps if kind not in UNLISTED)


@dataclass(frozen=True, slots=True)
class CheckpointCount:
    """Sources of one kind with one outcome, and the rows they brought."""

    source_kind: str
    status: str
    sources: int
    rows: int


@dataclass(frozen=True, slots=True)
class LakeHealth:
    """Everything ``status`` shows.

    Args:
        lake: Root of the lake.
        now: The instant freshness is measured against, UTC.
        exists: Whether the root folder is there.
        tables: One entry per table of the contracts, in their order.
        coins: One entry per exchange and coin that has candles.
        quarantined: Rows per reason; a row with two reasons counts in both.
        checkpoints: Sources by kind and outcome.
        log: The last runs.
        remarks: What could not be read beyond the tables themselves, one line each.
        verdict: What the newest run of the checks found; None when there was none.
    """

    lake: Path
    now: datetime
    exists: bool
    tables: tuple[TableState | TableProblem, ...]
    coins: tuple[CoinHealth, ...]
    quarantined: tuple[tuple[str, int], ...]
    checkpoints: tuple[CheckpointCount, ...]
    log: RunLog
    remarks: tuple[str, ...]
    verdict: Verdict | None

    @property
    def crowded(self) -> tuple[str, ...]:
        """Tables that maintenance would make quicker to read."""
        return tuple(entry.name for entry in self.tables if isinstance(entry, TableState) and entry.crowd > CROWDED)

    def table(self, name: str) -> TableState | None:
        """The state of a table, or None when it could not be read."""
        return next((entry for entry in self.tables if isinstance(entry, TableState) and entry.name == name), None)


def read_health(lake: str | Path, now: datetime) -> LakeHealth:
    """Describe a lake, complete or not.

    Args:
        lake: Root of the lake.
        now: Aware UTC instant; a candle counts as due when its hour has ended by then.

    Returns:
        The health; absent and damaged tables are entries of it, never exceptions.
    """
    root = Path(lake)
    with ThreadPoolExecutor(_THREADS) as pool:
        tables = tuple(pool.map(lambda contract: read_table(root, contract), CONTRACTS.values()))
    readable = {table.name for table in tables if isinstance(table, TableState)}
    contents = _Contents(root, readable)
    gaps = contents.gaps()
    active = contents.activity()
    return LakeHealth(
        lake=root,
        now=now,
        exists=root.is_dir(),
        tables=tables,
        coins=contents.coins(now, gaps, active),
        quarantined=contents.quarantined(),
        checkpoints=contents.checkpoints(),
        log=read_runs(root, RUNS_SHOWN),
        remarks=tuple(contents.remarks),
        verdict=read_verdict(root),
    )


def newest_due(now: datetime) -> datetime:
    """Open time of the newest hour that has ended by ``now``.

    >>> from datetime import UTC
    >>> newest_due(datetime(2021, 1, 1, 12, 30, tzinfo=UTC)).hour
    11
    """
    return now.replace(minute=0, second=0, microsecond=0) - HOUR


class _Contents:
    """Small aggregates over those tables that can be opened; what fails is remarked and left out."""

    def __init__(self, lake: Path, readable: set[str]) -> None:
        self._lake = lake
        self._readable = readable
        self.remarks: list[str] = []

    def coins(
        self, now: datetime, gaps: dict[tuple[str, str], dict[str, int]], active: dict[tuple[str, str], bool | None]
    ) -> tuple[CoinHealth, ...]:
        opened = pl.col("open_timestamp")
        frame = self._aggregate(
            "fact_1h_klines",
            lambda fact: (
                fact.group_by("exchange", "coin")
                .agg(pl.len().alias("candles"), opened.min().alias("first"), opened.max().alias("last"))
                .sort("exchange", "coin")
            ),
        )
        due = newest_due(now)
        return tuple(
            CoinHealth(
                exchange=row["exchange"],
                coin=row["coin"],
                candles=row["candles"],
                first_candle=row["first"],
                last_candle=row["last"],
                hours_behind=max(0, (due - row["last"]) // HOUR),
                is_active=active.get((row["exchange"], row["coin"])),
                gaps=tuple(sorted(gaps.get((row["exchange"], row["coin"]), {}).items())),
            )
            for row in frame.iter_rows(named=True)
        )

    def gaps(self) -> dict[tuple[str, str], dict[str, int]]:
        frame = self._aggregate(
            "kline_gaps", lambda gaps: gaps.group_by("exchange", "coin", "kind").agg(pl.col("gap_hours").sum())
        )
        hours: dict[tuple[str, str], dict[str, int]] = {}
        for row in frame.iter_rows(named=True):
            hours.setdefault((row["exchange"], row["coin"]), {})[row["kind"]] = row["gap_hours"]
        return hours

    def activity(self) -> dict[tuple[str, str], bool | None]:
        newest = pl.col("is_active").sort_by("listing_seq").last()
        frame = self._aggregate("dim_coins", lambda coins: coins.group_by("exchange", "coin").agg(newest))
        return {(exchange, coin): is_active for exchange, coin, is_active in frame.iter_rows()}

    def quarantined(self) -> tuple[tuple[str, int], ...]:
        frame = self._aggregate(
            "quarantine_klines",
            lambda rows: rows.select(pl.col("reasons").alias("reason")).explode("reason").group_by("reason").len(),
        )
        counts = ((str(reason), count) for reason, count in frame.iter_rows())
        return tuple(sorted(counts, key=lambda entry: (-entry[1], entry[0])))

    def checkpoints(self) -> tuple[CheckpointCount, ...]:
        frame = self._aggregate(
            "binance_ingestion_checkpoints",
            lambda rows: (
                rows.group_by("source_kind", "status")
                .agg(pl.len().alias("sources"), pl.col("row_count").sum().alias("rows"))
                .sort("source_kind", "status")
            ),
        )
        return tuple(CheckpointCount(**row) for row in frame.iter_rows(named=True))

    def _aggregate(self, table: str, query: Query) -> pl.DataFrame:
        if table not in self._readable:
            return pl.DataFrame()
        try:
            return query(scan(self._lake, CONTRACTS[table])).collect()
        except UNREADABLE as error:
            self.remarks.append(f"{table}: {one_line(error)}")
            return pl.DataFrame()
