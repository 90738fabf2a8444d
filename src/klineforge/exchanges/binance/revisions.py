"""An archive file that was published anew: only the rows that say something else than before come to bronze."""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa

from klineforge.domain.hours import Span, subtract, total_hours
from klineforge.errors import TransientExchangeError
from klineforge.exchanges.binance.archive import ArchiveClient, ArchiveFile
from klineforge.exchanges.binance.constants import EXCHANGE
from klineforge.exchanges.binance.epochs import UNREADABLE, Int64s, hours_of, inside, open_micros, to_instant
from klineforge.exchanges.binance.parse import parse_csv
from klineforge.exchanges.binance.recent import COMPARED_FIELDS, normalised_candle, same_candle
from klineforge.exchanges.coverage import RawCandle, SourceRecord
from klineforge.exchanges.outcome import Download, Outcome
from klineforge.exchanges.planning import ArchiveTask
from klineforge.exchanges.recheck import RecheckTask, RevisionTask, after
from klineforge.exchanges.units import KlineUnit

logger = logging.getLogger(__name__)

VOUCHED_FOR: Final = "a checksum published since vouches for the bytes loaded before"


def rechecked(archive: ArchiveClient, task: RecheckTask, now: datetime) -> Outcome:
    """Compare the checksum that is published for a file with what bronze holds of it.

    Raises:
        ExchangeError: The archive could not be asked, or its checksum cannot be read.
    """
    sha256 = archive.checksum(task.coin, task.period)
    if sha256 is None:
        # Whether it never had one or has lost it, what was loaded stands.
        logger.debug("no checksum is published for %s", task.name)
        return Outcome()
    changed = task.changed(sha256)
    return Outcome(
        vouched_downloads(task, archive.url(task.coin, task.period), sha256, after(now, task.newest_before)),
        follow_up=(RevisionTask(task.coin, task.period, changed, task.newest_before),) if changed else (),
    )


def revised(archive: ArchiveClient, task: RevisionTask, known: Mapping[int, RawCandle], now: datetime) -> Outcome:
    """Download a file that was published anew; only bytes that its checksum vouches for are taken.

    Raises:
        ExchangeError: The file cannot be had or does not match its checksum.
    """
    file = archive.fetch(ArchiveTask(task.coin, task.period, task.span))
    if file is None or not file.verified:
        raise TransientExchangeError(
            "the file was published anew and is gone again, or its checksum is",
            exchange=EXCHANGE,
            coin=task.coin,
            time_range=str(task.span),
            url=archive.url(task.coin, task.period),
            advice="what was loaded before is kept; a later run looks again",
        )
    return Outcome(revision_downloads(task, file, known, after(now, task.newest_before)))


def revision_downloads(
    task: RevisionTask, file: ArchiveFile, known: Mapping[int, RawCandle], fetched_at: datetime
) -> tuple[Download, ...]:
    """Describe a file that was published anew for landing.

    Args:
        task: The hours to compare.
        file: The file as it is now.
        known: What the same kind of source said last, else what is believed, by open time in epoch milliseconds.
        fetched_at: When the file came.

    Returns:
        One download per stretch of hours, also where nothing differs: then it says that these bytes are known.
    """
    records = parse_csv(file.csv)
    comparison = _Comparison(task, file, records, open_micros(records), known)
    candles = comparison.candles()
    # Rows without a readable time in the file's period cannot be compared: they come with the first stretch.
    unplaced = [int(row) for row in np.flatnonzero(~inside(comparison.micros, task.period.span))]
    downloads = []
    for span in task.changed:
        rows = tuple(sorted((*comparison.differing_rows(span, candles), *unplaced)))
        downloads.append(comparison.download(span, rows, fetched_at))
        unplaced = []
    return tuple(downloads)


def vouched_downloads(task: RecheckTask, url: str, sha256: str, asked_at: datetime) -> tuple[Download, ...]:
    """Describe that bytes which were loaded without a checksum have one now; brings no rows."""
    return tuple(
        Download(
            KlineUnit(
                SourceRecord(
                    coin=task.coin,
                    source_kind=task.period.kind,
                    source_uri=url,
                    sha256=sha256,
                    span=span,
                    status="loaded",
                    row_count=0,
                    ingestion_ts=asked_at,
                    message=VOUCHED_FOR,
                    # Which hours are there is known from the download that brought them.
                    holes=(span,),
                ),
                task.period.span,
                (),
            ),
            None,
        )
        for span in task.now_vouched_for(sha256)
    )


@dataclass(frozen=True)
class _Comparison:
    """The rows of a file beside what is known of its hours."""

    task: RevisionTask
    file: ArchiveFile
    records: pa.Table
    micros: Int64s
    known: Mapping[int, RawCandle]

    def candles(self) -> list[RawCandle]:
        """The meaningful fields of every row."""
        columns = (self.records.column(name).to_pylist() for name in COMPARED_FIELDS)
        return [normalised_candle(values) for values in zip(*columns, strict=True)]

    def differing_rows(self, span: Span, candles: list[RawCandle]) -> list[int]:
        """The rows whose candle is new or differs; a file can repeat an open time, then its last row counts."""
        by_open: defaultdict[int, list[int]] = defaultdict(list)
        for row in np.flatnonzero(inside(self.micros, span)):
            by_open[int(self.micros[row]) // 1000].append(int(row))
        differing = []
        for opened, rows in by_open.items():
            before = self.known.get(opened)
            if before is None or not same_candle(before, candles[rows[-1]]):
                differing.extend(rows)
        return differing

    def download(self, span: Span, rows: tuple[int, ...], fetched_at: datetime) -> Download:
        """Describe the chosen rows for landing."""
        chosen = self.micros[list(rows)]
        placed = chosen[inside(chosen, span)]
        known = np.array(sorted(self.known), dtype=np.int64) * 1000
        there = hours_of(self.micros[inside(self.micros, span)])
        revised = hours_of(placed[np.isin(placed // 1000 * 1000, known)])
        remarks = {
            "hours differ from what was loaded before": total_hours(revised),
            "hours are new": total_hours(subtract(hours_of(placed), revised)),
            "loaded hours are not in the file and are kept": total_hours(
                subtract(hours_of(known[inside(known, span)]), there)
            ),
            "records cannot be read": int((chosen == UNREADABLE).sum()),
        }
        found = "; ".join(f"{number} {text}" for text, number in remarks.items() if number)
        record = SourceRecord(
            coin=self.task.coin,
            source_kind=self.task.period.kind,
            source_uri=self.file.url,
            sha256=hashlib.sha256(self.file.content).hexdigest(),
            span=span,
            status="loaded",
            row_count=len(rows),
            ingestion_ts=fetched_at,
            first_open=to_instant(int(placed.min())) if len(placed) else None,
            last_open=to_instant(int(placed.max())) if len(placed) else None,
            message=f"published anew: {found or 'no candle differs'}",
            holes=subtract((span,), there),
        )
        return Download(KlineUnit(record, self.task.period.span, rows), self.file.content if rows else None, revised)
