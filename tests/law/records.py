"""Bronze rows for the tests of the law: what one source sent about one hour of one coin, and listing snapshots."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from klineforge.contracts import CONTRACTS
from klineforge.domain.contract import TableContract

START = datetime(2021, 12, 30, tzinfo=UTC)
DOWNLOADED = datetime(2026, 1, 1, tzinfo=UTC)

# What may be wrong with a record; each but the last makes silver refuse it, the last is kept and flagged.
FLAWS = (
    "high below close",
    "negative volume",
    "no number",
    "off the hour",
    "still open",
    "unknown epoch",
    "malformed",
    "odd close time",
)

_ARROW = {
    "STRING": pa.string(),
    "BIGINT": pa.int64(),
    "INT": pa.int32(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True)
class Record:
    """One bronze row about one hour of one coin.

    Args:
        coin: Native symbol.
        hour: Hours since ``START``.
        close: Closing price; the other prices follow from it.
        volume: Traded volume in the base asset.
        source_kind: Kind of source.
        sequence: Minutes between ``DOWNLOADED`` and the download; larger is a later revision.
        flaw: One of ``FLAWS``, or None for a good candle.
        micros: Whether epochs are sent in microseconds instead of milliseconds.
    """

    coin: str
    hour: int
    close: float = 100.0
    volume: float = 10.0
    source_kind: str = "rest"
    sequence: int = 0
    flaw: str | None = None
    micros: bool = False

    @property
    def opened(self) -> datetime:
        """When the candle opened, or claims to have."""
        return START + timedelta(hours=self.hour, minutes=28 if self.flaw == "off the hour" else 0)

    def as_row(self) -> dict[str, Any]:
        """The record as Binance would send it, with its provenance."""
        still_open = self.flaw == "still open"
        return {
            **(dict.fromkeys(self._sent()) if self.flaw == "malformed" else self._sent()),
            "coin": self.coin,
            "interval": "1h",
            "ingestion_ts": self.opened + timedelta(minutes=30)
            if still_open
            else DOWNLOADED + timedelta(minutes=self.sequence),
            "source_kind": self.source_kind,
            "source_uri": "http://127.0.0.1/",
            "sha256": hashlib.sha256(repr(self).encode()).hexdigest(),
            "source_row": self.hour % 5,
            "batch_id": "test",
            "malformed_record": "1,2,3" if self.flaw == "malformed" else None,
        }

    def _sent(self) -> dict[str, Any]:
        milliseconds = int(self.opened.timestamp()) * 1000
        unit, last = (1000, 999) if self.micros else (1, 0)
        lasts = 1_800_000 if self.flaw == "odd close time" else 3_600_000
        return {
            "open_time": milliseconds // 1000 if self.flaw == "unknown epoch" else milliseconds * unit,
            "open": f"{self.close:.8f}",
            "high": f"{self.close * (0.5 if self.flaw == 'high below close' else 1.02):.8f}",
            "low": f"{self.close * 0.98:.8f}",
            "close": "n/a" if self.flaw == "no number" else f"{self.close:.8f}",
            "volume": f"{-1.0 if self.flaw == 'negative volume' else self.volume:.8f}",
            "close_time": (milliseconds + lasts - 1) * unit + last,
            "quote_volume": f"{self.volume * self.close * 1.001:.8f}",
            "count": 7,
            "taker_buy_volume": f"{self.volume / 2:.8f}",
            "taker_buy_quote_volume": f"{self.volume * self.close / 2:.8f}",
            "ignore": "0",
        }


@dataclass(frozen=True)
class Symbol:
    """One row of a listing snapshot.

    Args:
        coin: Native symbol.
        status: Trading status as sent.
        sequence: Minutes between ``DOWNLOADED`` and the download.
    """

    coin: str
    status: str = "TRADING"
    sequence: int = 0

    def as_row(self) -> dict[str, Any]:
        """The row of ``binance_exchange_info``."""
        return {
            "symbol": self.coin,
            "status": self.status,
            "base_asset": self.coin[:3],
            "quote_asset": self.coin[3:],
            "raw_symbol": f'{{"symbol":"{self.coin}","status":"{self.status}"}}',
            "ingestion_ts": DOWNLOADED + timedelta(minutes=self.sequence),
            "source_uri": "http://127.0.0.1/",
            "batch_id": "test",
        }


def bronze_rows(rows: Iterable[Record] | Iterable[Symbol], table: str) -> pa.Table:
    """Rows of a bronze table as Arrow, with the columns of its contract."""
    return pa.Table.from_pylist([row.as_row() for row in rows], schema=_schema(CONTRACTS[table]))


def _schema(contract: TableContract) -> pa.Schema:
    return pa.schema([(column.name, _ARROW[column.type]) for column in contract.columns])
