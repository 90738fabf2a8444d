"""Snapshots of the exchange's listing: landed when a symbol changed, appended to bronze once."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Final

import pyarrow as pa

from klineforge.exchanges.binance.market import Listing
from klineforge.exchanges.binance.parse import ListedSymbol
from klineforge.exchanges.binance.wire import EXCHANGE_INFO_SCHEMA
from klineforge.exchanges.coverage import Coverage
from klineforge.exchanges.landing import LandingZone, StoredUnit

logger = logging.getLogger(__name__)

LISTING: Final = "listing"


@dataclass(frozen=True)
class ListingBatch:
    """What one append brings to ``binance_exchange_info``.

    Args:
        batch_id: SHA-256 over the sorted ids of its units.
        symbols: Rows of the table; may be empty when only units have to be removed.
        unit_ids: Landed units that may be removed once the rows are written.
    """

    batch_id: str
    symbols: pa.Table
    unit_ids: tuple[str, ...]


def changed_symbols(listing: Listing, newest: Mapping[str, str]) -> tuple[ListedSymbol, ...]:
    """The symbols that are new or differ from the newest snapshot.

    Args:
        listing: What the exchange says now.
        newest: Raw JSON of each symbol as known so far.
    """
    return tuple(symbol for symbol in listing.symbols if newest.get(symbol.symbol) != symbol.raw)


def land_listing(zone: LandingZone, listing: Listing, newest: Mapping[str, str]) -> int:
    """Keep what changed in the listing, and return how many symbols that are."""
    changed = changed_symbols(listing, newest)
    if changed:
        document = {
            "source_uri": listing.source_uri,
            "ingestion_ts": listing.fetched_at.isoformat(),
            "symbols": [asdict(symbol) for symbol in changed],
        }
        zone.put(LISTING, (listing.fetched_at.isoformat(), *(symbol.raw for symbol in changed)), document)
    return len(changed)


def newest_listing(loaded: Coverage, landed: Iterable[StoredUnit]) -> dict[str, str]:
    """The newest raw JSON of each symbol, in bronze or on its way there."""
    newest = dict(loaded.listing)
    for unit in _in_order(landed):
        newest.update({symbol["symbol"]: symbol["raw"] for symbol in unit.document["symbols"]})
    return newest


def listing_batch(zone: LandingZone, loaded: Coverage) -> ListingBatch | None:
    """Turn the landed listings into one append; None when none has landed."""
    landed = [unit for unit in zone.units() if unit.kind == LISTING]
    if not landed:
        return None
    units = _in_order(landed)
    unit_ids = tuple(sorted(unit.unit_id for unit in landed))
    batch_id = hashlib.sha256("\n".join(unit_ids).encode()).hexdigest()
    newest = dict(loaded.listing)
    rows = []
    for unit in units:
        for symbol in unit.document["symbols"]:
            if newest.get(symbol["symbol"]) == symbol["raw"]:
                continue
            newest[symbol["symbol"]] = symbol["raw"]
            rows.append(
                {
                    "symbol": symbol["symbol"],
                    "status": symbol["status"],
                    "base_asset": symbol["base_asset"],
                    "quote_asset": symbol["quote_asset"],
                    "raw_symbol": symbol["raw"],
                    "ingestion_ts": datetime.fromisoformat(unit.document["ingestion_ts"]),
                    "source_uri": unit.document["source_uri"],
                    "batch_id": batch_id,
                }
            )
    return ListingBatch(batch_id, pa.Table.from_pylist(rows, schema=EXCHANGE_INFO_SCHEMA), unit_ids)


def _in_order(units: Iterable[StoredUnit]) -> list[StoredUnit]:
    """The listings among landed units, oldest first; those that cannot be read are left out."""
    readable = [unit for unit in units if unit.kind == LISTING and _is_readable(unit)]
    return sorted(readable, key=lambda unit: datetime.fromisoformat(unit.document["ingestion_ts"]))


def _is_readable(unit: StoredUnit) -> bool:
    try:
        zoned = datetime.fromisoformat(unit.document["ingestion_ts"]).tzinfo is not None
        texts = [unit.document["source_uri"]]
        texts += [symbol[field.name] for symbol in unit.document["symbols"] for field in fields(ListedSymbol)]
        if zoned and all(isinstance(text, str) for text in texts):
            return True
    except (KeyError, TypeError, ValueError) as error:
        logger.debug("unit %s: %r", unit.unit_id, error)
    logger.warning("a landed listing cannot be read and is dropped: unit %s", unit.unit_id)
    return False
