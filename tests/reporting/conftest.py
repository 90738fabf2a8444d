"""Small lakes written with deltalake, shaped by the contracts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import CommitProperties, write_deltalake

from klineforge.contracts import CONTRACTS
from klineforge.domain.contract import SqlType

Rows = Iterable[Mapping[str, Any]]
WriteTable = Callable[..., Path]

NOW = datetime(2026, 3, 1, 12, 10, tzinfo=UTC)

_POLARS_TYPES: dict[SqlType, pl.DataType] = {
    "STRING": pl.String(),
    "BIGINT": pl.Int64(),
    "INT": pl.Int32(),
    "DOUBLE": pl.Float64(),
    "TIMESTAMP": pl.Datetime("us", "UTC"),
    "DATE": pl.Date(),
    "BOOLEAN": pl.Boolean(),
    "ARRAY<STRING>": pl.List(pl.String()),
}


@pytest.fixture
def now() -> datetime:
    """Ten past twelve: the newest complete hour opened at eleven."""
    return NOW


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """An empty lake's root."""
    return tmp_path / "lake"


@pytest.fixture
def write_table(lake: Path) -> WriteTable:
    """A function that writes rows to a table; columns a row leaves out are null."""

    def write(
        name: str,
        rows: Rows,
        *,
        action: str | None = "append",
        counts: Mapping[str, int] | None = None,
        mode: str = "append",
    ) -> Path:
        contract = CONTRACTS[name]
        schema = {column.name: _POLARS_TYPES[column.type] for column in contract.all_columns}
        years = ({**row, **_year(row, contract.time_column)} if contract.partitioned else dict(row) for row in rows)
        frame = pl.DataFrame(list(years), schema=schema)
        noted = {"klineforge": {"action": action, "counts": dict(counts or {}), "run_id": "run-1"}}
        path = lake / contract.layer / name
        write_deltalake(
            path,
            frame.to_arrow(),
            mode=mode,
            partition_by=["year"] if contract.partitioned else None,
            commit_properties=CommitProperties(custom_metadata={"userMetadata": json.dumps(noted)} if action else {}),
        )
        return path

    return write


@pytest.fixture
def market_lake(lake: Path, write_table: WriteTable) -> Path:
    """Three coins: BTCUSDT fresh, ETHUSDT two hours late with gaps, OLDUSDT delisted."""
    hour = datetime(2026, 3, 1, 11, tzinfo=UTC)
    write_table("binance_klines_daily", [{"coin": "BTCUSDT", "candle_hour": hour} for _ in range(4)])
    write_table("binance_ingestion_checkpoints", checkpoints(hour))
    write_table("fact_1h_klines", candles(hour), counts={"inserted": 6, "updated": 1})
    write_table("kline_gaps", gaps(hour))
    write_table("quarantine_klines", quarantined(hour))
    write_table("dim_coins", coins(hour), action="rebuild")
    write_table("mart_top_movers", movers(hour))
    write_table("mart_correlations", pairs(hour))
    return lake


def candles(hour: datetime) -> Rows:
    """Two candles per coin, the last at the hour the coin reaches."""
    ends = {"BTCUSDT": hour, "ETHUSDT": hour.replace(hour=9), "OLDUSDT": datetime(2025, 6, 1, tzinfo=UTC)}
    for coin, end in ends.items():
        for opened in (end.replace(day=1, month=1), end):
            yield {"exchange": "binance", "coin": coin, "open_timestamp": opened, "close_price": 1.0}


def gaps(hour: datetime) -> Rows:
    """Two hours of an outage, one unexplained hour and three without a listing, all of ETHUSDT."""
    for first, length, kind in ((1, 2, "exchange_outage"), (5, 1, "unexplained"), (6, 3, "delisted")):
        start, end = hour.replace(hour=first), hour.replace(hour=first + length)
        times = {"gap_start": start, "gap_end": end, "gap_hours": length}
        yield {"exchange": "binance", "coin": "ETHUSDT", **times, "kind": kind}


def quarantined(hour: datetime) -> Rows:
    """Two rows, one with two reasons."""
    for row, reasons in enumerate((["off_hour"], ["off_hour", "high_not_highest"])):
        yield {"exchange": "binance", "coin": "ETHUSDT", "reported_at": hour, "reasons": reasons, "source_row": row}


def checkpoints(hour: datetime) -> Rows:
    """Two loaded archives and one that the exchange does not have."""
    for status, rows, last in (("loaded", 744, hour), ("loaded", 24, hour), ("not_found", 0, None)):
        outcome = {"status": status, "row_count": rows, "last_open": last}
        yield {"coin": "BTCUSDT", "source_kind": "daily_archive", **outcome}


def coins(hour: datetime) -> Rows:
    """OLDUSDT is delisted, ETHUSDT is on no listing, BTCUSDT named another asset before."""
    known = (("BTCUSDT", 2, True), ("BTCUSDT", 1, False), ("ETHUSDT", 1, None), ("OLDUSDT", 1, False))
    for coin, seq, active in known:
        yield {"exchange": "binance", "coin": coin, "listing_seq": seq, "is_active": active, "last_candle": hour}


def movers(hour: datetime) -> Rows:
    """Two ranked coins of the newest hour and one of the hour before."""
    for opened, coin, moved, rank in (
        (hour.replace(hour=10), "OLDUSDT", 0.5, 1),
        (hour, "ETHUSDT", -0.03, 1),
        (hour, "BTCUSDT", 0.01, 2),
    ):
        yield {
            "exchange": "binance",
            "coin": coin,
            "open_timestamp": opened,
            "return_pct": moved,
            "volume_spike_ratio": 1.5,
            "mover_rank": rank,
        }


def pairs(hour: datetime) -> Rows:
    """A strong negative pair, a weak one, and one without a correlation."""
    for related, correlation, regime in (("ETHUSDT", 0.4, "Low"), ("OLDUSDT", -0.9, "High"), ("XRPUSDT", None, None)):
        yield {
            "exchange": "binance",
            "base_coin": "BTCUSDT",
            "related_coin": related,
            "open_timestamp": hour,
            "corr_24h": correlation,
            "observations_24h": 24,
            "correlation_regime": regime,
        }


def _year(row: Mapping[str, Any], time_column: str | None) -> dict[str, int]:
    return {"year": row[time_column].year} if time_column else {}
