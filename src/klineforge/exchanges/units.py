"""Kline downloads as landed units: which rows of the bytes count, and for which hours they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from klineforge.domain.hours import Span
from klineforge.exchanges.coverage import SourceRecord
from klineforge.exchanges.landing import LandingZone, StoredUnit

KLINES: Final = "klines"


@dataclass(frozen=True)
class KlineUnit:
    """A landed answer of the exchange about one coin.

    Args:
        record: What will become its checkpoint.
        period: All the hours the source is about; rows of the period outside ``record.span`` were not asked for.
        source_rows: Positions of the rows that count; None means all.
    """

    record: SourceRecord
    period: Span
    source_rows: tuple[int, ...] | None = None

    @property
    def is_revision(self) -> bool:
        """Whether these are the rows of an archive file that differ from those it brought before."""
        return self.source_rows is not None and self.record.source_kind != "rest"

    def land(self, zone: LandingZone, content: bytes | None) -> StoredUnit:
        """Write the unit and its bytes to the landing zone."""
        record = self.record
        identity = (
            record.coin,
            record.source_kind,
            record.source_uri,
            record.status,
            str(record.span),
            record.sha256 or "",
            ",".join(map(str, self.source_rows or ())),
            # A file can go back to bytes that it had before.
            *([record.ingestion_ts.isoformat()] if self.is_revision else []),
        )
        return zone.put(KLINES, identity, self._document(), content)

    def _document(self) -> dict[str, Any]:
        record = self.record
        return {
            "coin": record.coin,
            "interval": "1h",
            "source_kind": record.source_kind,
            "source_uri": record.source_uri,
            "sha256": record.sha256,
            "range": _span_text(record.span),
            "status": record.status,
            "row_count": record.row_count,
            "ingestion_ts": record.ingestion_ts.isoformat(),
            "first_open": record.first_open and record.first_open.isoformat(),
            "last_open": record.last_open and record.last_open.isoformat(),
            "message": record.message,
            "holes": [_span_text(hole) for hole in record.holes],
            "period": _span_text(self.period),
            "source_rows": self.source_rows,
        }


def kline_unit(unit: StoredUnit) -> KlineUnit:
    """Read a kline unit back from its manifest."""
    document: Mapping[str, Any] = unit.document
    rows = document["source_rows"]
    record = SourceRecord(
        coin=document["coin"],
        source_kind=document["source_kind"],
        source_uri=document["source_uri"],
        sha256=document["sha256"],
        span=_span(document["range"]),
        status=document["status"],
        row_count=document["row_count"],
        ingestion_ts=datetime.fromisoformat(document["ingestion_ts"]),
        first_open=_instant(document["first_open"]),
        last_open=_instant(document["last_open"]),
        message=document["message"],
        holes=tuple(_span(hole) for hole in document["holes"]),
    )
    return KlineUnit(record, _span(document["period"]), None if rows is None else tuple(rows))


def landed_klines(units: list[StoredUnit]) -> list[tuple[StoredUnit, KlineUnit]]:
    """The kline units among landed ones, ordered by coin and hour."""
    klines = [(unit, kline_unit(unit)) for unit in units if unit.kind == KLINES]
    return sorted(klines, key=lambda pair: (pair[1].record.coin, pair[1].record.span, pair[0].unit_id))


def _span_text(span: Span) -> list[str]:
    return [span.start.isoformat(), span.end.isoformat()]


def _span(pair: list[str]) -> Span:
    return Span(datetime.fromisoformat(pair[0]), datetime.fromisoformat(pair[1]))


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
