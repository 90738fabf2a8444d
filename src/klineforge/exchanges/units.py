"""Kline downloads as landed units: which rows of the bytes count, and for which hours they answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, get_args

from klineforge.domain.hours import Span
from klineforge.exchanges.coverage import SourceKind, SourceRecord, Status
from klineforge.exchanges.landing import DamagedUnitError, LandingZone, StoredUnit

logger = logging.getLogger(__name__)

KLINES: Final = "klines"
_TEXTS: Final = ("coin", "source_uri", "ingestion_ts")
_TEXTS_OR_NULL: Final = ("sha256", "first_open", "last_open", "message")
_COUNTS: Final = range(2**31)


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
    """Read a kline unit back from its manifest.

    Raises:
        DamagedUnitError: When the manifest is not one that ``KlineUnit.land`` writes.
    """
    try:
        _check(unit)
        return _read(unit.document)
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise DamagedUnitError(f"unit {unit.unit_id}: its manifest is not about klines: {error!r}") from error


def _check(unit: StoredUnit) -> None:
    """Refuse values of other types than are written, so that no later step stumbles over them."""
    document: Mapping[str, Any] = unit.document
    rows = document["source_rows"]
    counts = [document["row_count"], *(rows or [])]
    sound = {
        "texts": all(isinstance(document[name], str) for name in _TEXTS),
        "texts or nulls": all(isinstance(document[name], str | None) for name in _TEXTS_OR_NULL),
        "kind": document["source_kind"] in get_args(SourceKind),
        "status": document["status"] in get_args(Status),
        "counts": all(type(count) is int and count in _COUNTS for count in counts),
        "bytes": unit.sha256 == document["sha256"] or (unit.sha256 is None and not rows and rows is not None),
    }
    if not all(sound.values()):
        raise ValueError(", ".join(name for name, is_sound in sound.items() if not is_sound))


def _read(document: Mapping[str, Any]) -> KlineUnit:
    rows = document["source_rows"]
    record = SourceRecord(
        coin=document["coin"],
        source_kind=document["source_kind"],
        source_uri=document["source_uri"],
        sha256=document["sha256"],
        span=_span(document["range"]),
        status=document["status"],
        row_count=document["row_count"],
        ingestion_ts=_moment(document["ingestion_ts"]),
        first_open=_instant(document["first_open"]),
        last_open=_instant(document["last_open"]),
        message=document["message"],
        holes=tuple(_span(hole) for hole in document["holes"]),
    )
    return KlineUnit(record, _span(document["period"]), None if rows is None else tuple(rows))


def landed_klines(units: list[StoredUnit]) -> list[tuple[StoredUnit, KlineUnit]]:
    """The kline units among landed ones, ordered by coin and hour; those that cannot be read are left out."""
    klines = []
    for unit in units:
        if unit.kind == KLINES:
            try:
                klines.append((unit, kline_unit(unit)))
            except DamagedUnitError as error:
                logger.warning("a landed download is left out: %s", error)
    return sorted(klines, key=lambda pair: (pair[1].record.coin, pair[1].record.span, pair[0].unit_id))


def swept_klines(zone: LandingZone) -> list[tuple[StoredUnit, KlineUnit]]:
    """Remove everything from the zone that is no complete and readable unit, and return those of klines."""
    units = zone.sweep()
    klines = landed_klines(units)
    readable = {unit.unit_id for unit, _ in klines}
    zone.remove(unit.unit_id for unit in units if unit.kind == KLINES and unit.unit_id not in readable)
    return klines


def _span_text(span: Span) -> list[str]:
    return [span.start.isoformat(), span.end.isoformat()]


def _span(pair: list[str]) -> Span:
    return Span(_moment(pair[0]), _moment(pair[1]))


def _instant(text: str | None) -> datetime | None:
    return None if text is None else _moment(text)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"an instant without a time zone: {text}")
    return moment.astimezone(UTC)
