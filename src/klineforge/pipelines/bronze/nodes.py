"""Nodes of the bronze pipeline: what has landed becomes appends, a bounded batch at a time.

They are generators: Kedro saves what a ``yield`` hands over, output by output in the order of the pipeline, before it
asks for the next. A run that is killed between two saves leaves the download in the landing zone; the next run finds
out which part of it bronze holds already.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from klineforge.datasets.delta_table import Append
from klineforge.exchanges.binance.bronze import BronzeBatch, bronze_batches
from klineforge.exchanges.binance.listing import listing_batch
from klineforge.exchanges.binance.wire import CHECKPOINTS_SCHEMA, EXCHANGE_INFO_SCHEMA, KLINES_SCHEMA
from klineforge.exchanges.coverage import Coverage
from klineforge.exchanges.landing import LandingZone
from klineforge.pipelines.bronze.layout import KLINE_LAYOUT

KlinesCheckpointsReceipts = tuple[Append, Append, tuple[str, ...]]


def append_landed_klines(zone: LandingZone, coverage: Coverage) -> Iterator[KlinesCheckpointsReceipts]:
    """Append landed klines exactly once, then their checkpoints, then let the landing zone go of them.

    Args:
        zone: Where downloads have landed.
        coverage: What bronze holds.

    Yields:
        Rows of ``binance_klines_daily``, rows of ``binance_ingestion_checkpoints``, ids of the units they are from.
    """
    # Kedro needs at least one item from a generator; an empty one changes nothing.
    yield Append(KLINES_SCHEMA.empty_table(), ""), Append(CHECKPOINTS_SCHEMA.empty_table(), ""), ()
    for batch in _one_ahead(bronze_batches(zone, coverage)):
        yield (
            Append(batch.klines, batch.batch_id, layout=KLINE_LAYOUT),
            Append(batch.checkpoints, batch.batch_id),
            batch.unit_ids,
        )


def _one_ahead(batches: Iterator[BronzeBatch]) -> Iterator[BronzeBatch]:
    """The same batches, the next one being read while the last is written; both do without Python's lock mostly."""
    with ThreadPoolExecutor(1, thread_name_prefix="bronze") as reader:
        upcoming = reader.submit(next, batches, None)
        while (batch := upcoming.result()) is not None:
            upcoming = reader.submit(next, batches, None)
            yield batch


def append_listing_snapshots(zone: LandingZone, coverage: Coverage) -> Iterator[tuple[Append, tuple[str, ...]]]:
    """Append what changed in the exchange's listing.

    Args:
        zone: Where downloads have landed.
        coverage: What bronze holds.

    Yields:
        Rows of ``binance_exchange_info``, ids of the units they are from.
    """
    yield Append(EXCHANGE_INFO_SCHEMA.empty_table(), ""), ()
    batch = listing_batch(zone, coverage)
    if batch is not None:
        yield Append(batch.symbols, batch.batch_id), batch.unit_ids
