"""From the landing zone to rows of the bronze tables, a bounded batch at a time and each record exactly once."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa

from klineforge.domain.hours import RangeSet
from klineforge.exchanges.binance.constants import INTERVAL
from klineforge.exchanges.binance.epochs import Int64s, inside, open_micros
from klineforge.exchanges.binance.landed import LandedUnit, with_records
from klineforge.exchanges.binance.wire import CHECKPOINTS_SCHEMA, KLINES_SCHEMA
from klineforge.exchanges.coverage import Coverage, SourceRecord, outcome_key
from klineforge.exchanges.landing import DamagedUnitError, LandingZone
from klineforge.exchanges.units import KlineUnit, landed_klines

logger = logging.getLogger(__name__)

MAX_ROWS: Final = 250_000
ALREADY_LOADED: Final = "the same bytes were loaded before"


@dataclass(frozen=True)
class BronzeBatch:
    """What one append brings to bronze.

    Args:
        batch_id: SHA-256 over the sorted ids of the units it is made of; the same units give the same id.
        klines: Rows of ``binance_klines_daily``.
        checkpoints: Rows of ``binance_ingestion_checkpoints``.
        unit_ids: Landed units that may be removed once both tables are written.
    """

    batch_id: str
    klines: pa.Table
    checkpoints: pa.Table
    unit_ids: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to append and the units need only be removed."""
        return not self.checkpoints.num_rows


@dataclass(frozen=True)
class _Portion:
    """One unit's contribution to a batch; ``record`` is None when bronze knows it already."""

    unit_id: str
    unit: KlineUnit
    record: SourceRecord | None
    rows: pa.Table | None


def bronze_batches(zone: LandingZone, loaded: Coverage, max_rows: int = MAX_ROWS) -> Iterator[BronzeBatch]:
    """Turn everything that has landed into appends.

    Content that bronze holds already, told by coin, SHA-256 and hours, is not appended again, and neither are rows
    of a batch whose checkpoints were cut off. Damaged units are dropped; ingestion fetches them again.

    Args:
        zone: Where downloads have landed.
        loaded: What bronze held when the run began.
        max_rows: A batch is closed when it has at least this many klines; bounds memory.

    Yields:
        Batches in order of coin and hour. Write the klines, then the checkpoints, then remove the units.
    """
    waiting: list[_Portion] = []
    rows = 0
    for portion in _portions(zone, loaded):
        waiting.append(portion)
        rows += 0 if portion.rows is None else portion.rows.num_rows
        if rows >= max_rows:
            yield _batch(waiting)
            waiting, rows = [], 0
    if waiting:
        yield _batch(waiting)


def _portions(zone: LandingZone, loaded: Coverage) -> Iterator[_Portion]:
    hours_by_source = loaded.hours_by_source()
    outcomes = set(loaded.outcomes())

    def brings_rows(unit: KlineUnit) -> bool:
        return _has_rows(unit) and outcome_key(unit.record) not in outcomes

    for landed in with_records(zone, landed_klines(zone.units()), brings_rows):
        unit_id, unit = landed.stored.unit_id, landed.unit
        record = unit.record
        if outcome_key(record) in outcomes:
            yield _Portion(unit_id, unit, None, None)
            continue
        try:
            portion = _portion(landed, hours_by_source, loaded)
        except DamagedUnitError as error:
            logger.warning("a landed download is damaged and will be fetched again: %s", error)
            yield _Portion(unit_id, unit, None, None)
            continue
        if record.status != "not_found":
            outcomes.add(outcome_key(record))
        if record.sha256 is not None:
            key = record.coin, record.sha256
            hours_by_source[key] = (*hours_by_source.get(key, ()), record.span)
        yield portion


def _has_rows(unit: KlineUnit) -> bool:
    return unit.record.sha256 is not None and unit.source_rows != ()


def _portion(landed: LandedUnit, hours_by_source: dict[tuple[str, str], RangeSet], loaded: Coverage) -> _Portion:
    unit_id, unit = landed.stored.unit_id, landed.unit
    record = unit.record
    if record.sha256 is None or not _has_rows(unit):
        return _Portion(unit_id, unit, record, None)
    records = landed.records()
    micros = open_micros(records)
    before = hours_by_source.get((record.coin, record.sha256), ())
    chosen = _chosen_rows(unit, micros, before)
    total = int(chosen.sum())
    there = loaded.rows_without_checkpoint.get((record.coin, record.sha256))
    if there:
        chosen &= ~np.isin(records.column("source_row").to_numpy(), list(there))
    message = record.message
    if before and unit.source_rows is None:
        message = "; ".join(filter(None, (message, ALREADY_LOADED)))
    checkpoint = replace(record, row_count=total, message=message)
    return _Portion(unit_id, unit, checkpoint, records if chosen.all() else records.filter(pa.array(chosen)))


def _chosen_rows(unit: KlineUnit, micros: Int64s, before: RangeSet) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """The rows of a unit that count and have not been appended from the same bytes before.

    Rows that are named were compared with what bronze holds, so they count although the exchange may have gone back to
    bytes that it gave before.
    """
    if unit.source_rows is not None:
        chosen = np.zeros(len(micros), dtype=np.bool_)
        chosen[list(unit.source_rows)] = True
        outside = ~inside(micros, unit.period) if unit.is_revision else np.zeros(len(micros), dtype=np.bool_)
    else:
        outside = ~inside(micros, unit.period)
        chosen = outside | inside(micros, unit.record.span)
    for span in () if unit.source_rows is not None else before:
        chosen &= ~inside(micros, span)
    # Rows without a place in time came with the first load of these bytes.
    return chosen & ~outside if before else chosen


def _batch(portions: list[_Portion]) -> BronzeBatch:
    fresh = [portion for portion in portions if portion.record is not None]
    batch_id = hashlib.sha256("\n".join(sorted(portion.unit_id for portion in fresh)).encode()).hexdigest()
    return BronzeBatch(
        batch_id,
        _klines([(portion.record, portion.rows) for portion in fresh], batch_id),
        checkpoints_table((portion.record for portion in fresh if portion.record is not None), batch_id),
        tuple(sorted(portion.unit_id for portion in portions)),
    )


def _klines(portions: list[tuple[SourceRecord | None, pa.Table | None]], batch_id: str) -> pa.Table:
    sources = [(record, rows) for record, rows in portions if record is not None and rows is not None]
    if not sources:
        return KLINES_SCHEMA.empty_table()
    fields = pa.concat_tables([rows for _, rows in sources])
    # Which source each row is from; what a source says about all its rows is looked up once per batch.
    origin = pa.array(np.repeat(np.arange(len(sources)), [rows.num_rows for _, rows in sources]))
    told = {
        "coin": [record.coin for record, _ in sources],
        "interval": [INTERVAL] * len(sources),
        "ingestion_ts": [record.ingestion_ts for record, _ in sources],
        "source_kind": [record.source_kind for record, _ in sources],
        "source_uri": [record.source_uri for record, _ in sources],
        "sha256": [record.sha256 for record, _ in sources],
        "batch_id": [batch_id] * len(sources),
    }
    columns = [
        pa.array(told[field.name], field.type).take(origin) if field.name in told else fields.column(field.name)
        for field in KLINES_SCHEMA
    ]
    return pa.Table.from_arrays(columns, schema=KLINES_SCHEMA)


def checkpoints_table(records: Iterable[SourceRecord], batch_id: str) -> pa.Table:
    """Rows of ``binance_ingestion_checkpoints`` for the sources of one batch."""
    rows = [
        {
            "coin": record.coin,
            "interval": INTERVAL,
            "batch_id": batch_id,
            "range_start": record.span.start,
            "range_end": record.span.end,
            "source_kind": record.source_kind,
            "source_uri": record.source_uri,
            "sha256": record.sha256,
            "row_count": record.row_count,
            "status": record.status,
            "first_open": record.first_open,
            "last_open": record.last_open,
            "ingestion_ts": record.ingestion_ts,
            "message": record.message,
        }
        for record in records
    ]
    return pa.Table.from_pylist(rows, schema=CHECKPOINTS_SCHEMA)
