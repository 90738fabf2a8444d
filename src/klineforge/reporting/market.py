"""The newest hour of the market: strongest movers and correlations, as the marts have them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from klineforge.contracts import CONTRACTS
from klineforge.domain.contract import YEAR_COLUMN
from klineforge.reporting.tables import UNREADABLE, scan


@dataclass(frozen=True, slots=True)
class Mover:
    """One coin of the ranking; ``return_pct`` is a fraction, ``volume_spike_ratio`` times the 24-hour mean volume."""

    exchange: str
    coin: str
    return_pct: float
    volume_spike_ratio: float
    mover_rank: int


@dataclass(frozen=True, slots=True)
class Correlation:
    """One pair; ``corr_24h`` between -1 and 1 over ``observations_24h`` hours."""

    exchange: str
    base_coin: str
    related_coin: str
    corr_24h: float
    observations_24h: int
    correlation_regime: str


@dataclass(frozen=True, slots=True)
class MarketHour:
    """The newest hour of either mart; a mart that is absent, empty or damaged gives an hour of None and no entries."""

    movers_at: datetime | None
    movers: tuple[Mover, ...]
    correlations_at: datetime | None
    correlations: tuple[Correlation, ...]


def read_newest_hour(
    lake: str | Path, movers_hour: datetime | None, pairs_hour: datetime | None, most: int
) -> MarketHour:
    """Read the strongest movers and pairs of given hours.

    Args:
        lake: Root of the lake.
        movers_hour: Newest hour of ``mart_top_movers``, None when that table has none.
        pairs_hour: Newest hour of ``mart_correlations``, likewise.
        most: How many of each.

    Returns:
        Movers by rank, pairs by the size of their correlation; both without nulls.
    """
    root = Path(lake)
    movers = _strongest(root, "mart_top_movers", movers_hour, _movers, most)
    pairs = _strongest(root, "mart_correlations", pairs_hour, _pairs, most)
    return MarketHour(
        movers_at=movers_hour,
        movers=tuple(Mover(**row) for row in movers),
        correlations_at=pairs_hour,
        correlations=tuple(Correlation(**row) for row in pairs),
    )


def _movers(rows: pl.LazyFrame) -> pl.LazyFrame:
    return (
        rows.select("exchange", "coin", "return_pct", "volume_spike_ratio", "mover_rank")
        .drop_nulls()
        .sort("mover_rank", "exchange")
    )


def _pairs(rows: pl.LazyFrame) -> pl.LazyFrame:
    return (
        rows.select("exchange", "base_coin", "related_coin", "corr_24h", "observations_24h", "correlation_regime")
        .drop_nulls()
        .sort(pl.col("corr_24h").abs(), "base_coin", "related_coin", descending=[True, False, False])
    )


def _strongest(
    lake: Path, table: str, hour: datetime | None, order: Callable[[pl.LazyFrame], pl.LazyFrame], most: int
) -> list[dict[str, Any]]:
    if hour is None:
        return []
    # The year is the partition: naming it keeps the read to one year's files.
    at_hour = (pl.col(YEAR_COLUMN) == hour.year) & (pl.col("open_timestamp") == hour)
    try:
        return order(scan(lake, CONTRACTS[table]).filter(at_hour)).head(most).collect().to_dicts()
    except UNREADABLE:
        # health.py has already named the damage; a summary without this part is still a summary.
        return []
