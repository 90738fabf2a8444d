"""Records of landed downloads, read some at a time: one large text costs less than many small ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from klineforge.errors import MalformedPayloadError
from klineforge.exchanges.binance.clean import parse_csvs
from klineforge.exchanges.binance.parse import parse_klines_page
from klineforge.exchanges.binance.unpack import unpack_csv
from klineforge.exchanges.landing import DamagedUnitError, LandingZone, StoredUnit
from klineforge.exchanges.units import KlineUnit

# Bounds memory: a group is closed once its texts are so large together. An hourly month has about 100 kB.
_GROUP_BYTES: Final = 4 << 20


@dataclass(frozen=True)
class LandedUnit:
    """A unit with what is in its bytes.

    Args:
        stored: The unit as the landing zone knows it.
        unit: What it is about.
        read: Its records (``wire.RECORD_SCHEMA``); None when they are not needed; why they cannot be had.
    """

    stored: StoredUnit
    unit: KlineUnit
    read: pa.Table | DamagedUnitError | None

    def records(self) -> pa.Table:
        """Its records.

        Raises:
            DamagedUnitError: When its bytes are not what they have to be.
            ValueError: When they were not needed when the unit was read.
        """
        if isinstance(self.read, DamagedUnitError):
            raise self.read
        if self.read is None:
            raise ValueError(f"the records of unit {self.stored.unit_id} were said not to be needed")
        if self.unit.source_rows and max(self.unit.source_rows) >= self.read.num_rows:
            raise DamagedUnitError(f"unit {self.stored.unit_id}: it names a row that its bytes do not have")
        return self.read


def with_records(
    zone: LandingZone, units: Iterable[tuple[StoredUnit, KlineUnit]], is_needed: Callable[[KlineUnit], bool]
) -> Iterator[LandedUnit]:
    """Read the records of units, in their order.

    Args:
        zone: Where they have landed.
        units: The units.
        is_needed: Whether the records of a unit are of interest; asked before they are read.
    """
    group: list[tuple[StoredUnit, KlineUnit, bytes | pa.Table | DamagedUnitError | None]] = []
    size = 0
    for stored, unit in units:
        content = _opened(zone, stored, unit) if is_needed(unit) else None
        group.append((stored, unit, content))
        size += len(content) if isinstance(content, bytes) else 0
        if size >= _GROUP_BYTES:
            yield from _parsed(group)
            group, size = [], 0
    yield from _parsed(group)


def _opened(zone: LandingZone, stored: StoredUnit, unit: KlineUnit) -> bytes | pa.Table | DamagedUnitError:
    """The CSV of an archive file, the records of a page; bytes that no download brought may be anything."""
    try:
        content = zone.content(stored)
        if unit.record.source_kind == "rest":
            return parse_klines_page(content)
        return unpack_csv(content, unit.record.file_name)
    except MalformedPayloadError as error:
        return DamagedUnitError(f"unit {stored.unit_id}: {error.problem}")
    except DamagedUnitError as error:
        return error


def _parsed(
    group: list[tuple[StoredUnit, KlineUnit, bytes | pa.Table | DamagedUnitError | None]],
) -> Iterator[LandedUnit]:
    tables = iter(parse_csvs([content for _, _, content in group if isinstance(content, bytes)]))
    for stored, unit, content in group:
        yield LandedUnit(stored, unit, next(tables) if isinstance(content, bytes) else content)
