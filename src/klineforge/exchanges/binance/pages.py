"""REST pages turned into landed units: which rows are final and new, and which hours have no candle at all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from klineforge.domain.hours import BEGINNING, HOUR, RangeSet, Span, intersect, subtract
from klineforge.exchanges.binance.epochs import UNREADABLE, hours_of, open_micros, to_instant
from klineforge.exchanges.binance.recent import raw_candle, same_candle
from klineforge.exchanges.binance.rest import KlinePage, is_final
from klineforge.exchanges.coverage import RawCandle, SourceRecord
from klineforge.exchanges.outcome import Download
from klineforge.exchanges.periods import hull
from klineforge.exchanges.planning import RestTask
from klineforge.exchanges.units import KlineUnit

NO_CANDLE: Final = "the exchange has no candle in these hours"
BEFORE_FIRST: Final = "before the coin's first candle"


@dataclass(frozen=True)
class Finality:
    """The rules of a run about time.

    Args:
        server_now: The exchange's time.
        grace_seconds: How long a candle must have been closed.
        settled_until: Hours before this that REST has no candle for have none.
    """

    server_now: datetime
    grace_seconds: float
    settled_until: datetime


def page_downloads(
    task: RestTask,
    pages: Iterable[KlinePage],
    known: Mapping[int, RawCandle],
    finality: Finality,
    fetched_at: datetime,
) -> tuple[Download, ...]:
    """Describe the pages of one task for landing.

    Args:
        task: What was asked.
        pages: The answers, in order.
        known: The newest revision of recent candles in bronze, by open time in epoch milliseconds.
        finality: What counts as closed and as settled.
        fetched_at: When the answers came.

    Returns:
        One download per page that brings candles which are final and not known yet, and one per stretch of hours
        that turned out to have none.
    """
    downloads: list[Download] = []
    seen: RangeSet = ()
    answered: RangeSet = ()
    first_url = ""
    for page in pages:
        first_url = first_url or page.url
        micros = open_micros(page.records)
        seen = (*seen, *hours_of(micros))
        rows = _rows_that_count(page, task, known, finality)
        if rows:
            download = _loaded(task, page, rows, fetched_at)
            answered = (*answered, download.unit.record.span)
            downloads.append(download)
    old = (Span(BEGINNING, finality.settled_until),)
    silent = intersect(task.missing, old)
    for spans in (seen, answered):
        for span in spans:
            silent = subtract(silent, (span,))
    downloads.extend(empty_download(task.coin, span, first_url, NO_CANDLE, fetched_at) for span in silent)
    return tuple(downloads)


def empty_download(coin: str, span: Span, url: str, message: str, asked_at: datetime) -> Download:
    """Describe hours for which the exchange has no candle."""
    record = SourceRecord(
        coin=coin,
        source_kind="rest",
        source_uri=url,
        sha256=None,
        span=span,
        status="empty",
        row_count=0,
        ingestion_ts=asked_at,
        message=message,
    )
    return Download(KlineUnit(record, span), None)


def _rows_that_count(
    page: KlinePage, task: RestTask, known: Mapping[int, RawCandle], finality: Finality
) -> tuple[int, ...]:
    kept = []
    for row, micros in enumerate(open_micros(page.records)):
        if micros == UNREADABLE:
            # Evidence: it may be a candle that is missing. Pages that are only compared bring it again and again.
            if task.missing:
                kept.append(row)
            continue
        opened = to_instant(int(micros))
        if not is_final(int(micros), finality.server_now, finality.grace_seconds):
            continue
        if _holds(task.missing, opened):
            kept.append(row)
        elif _holds(task.again, opened):
            candle = raw_candle(page.records, row)
            before = known.get(int(micros) // 1000)
            if before is None or not same_candle(before, candle):
                kept.append(row)
    return tuple(kept)


def _holds(spans: RangeSet, instant: datetime) -> bool:
    return any(span.start <= instant < span.end for span in spans)


def _loaded(task: RestTask, page: KlinePage, rows: tuple[int, ...], fetched_at: datetime) -> Download:
    counted = open_micros(page.records)[list(rows)]
    readable = counted[counted != UNREADABLE]
    span = hull(hours_of(readable)) if len(readable) else Span(task.span.start, task.span.start + HOUR)
    unreadable = len(counted) - len(readable)
    revised = intersect(hours_of(readable), task.again)
    remarks = [
        f"{unreadable} records cannot be read" if unreadable else "",
        f"{sum(part.hours for part in revised)} hours differ from what was loaded before" if revised else "",
    ]
    record = SourceRecord(
        coin=task.coin,
        source_kind="rest",
        source_uri=page.url,
        span=span,
        status="loaded",
        ingestion_ts=fetched_at,
        sha256=hashlib.sha256(page.content).hexdigest(),
        row_count=len(rows),
        first_open=to_instant(int(readable.min())) if len(readable) else None,
        last_open=to_instant(int(readable.max())) if len(readable) else None,
        message="; ".join(filter(None, remarks)) or None,
    )
    return Download(KlineUnit(record, task.span, rows), page.content, revised)
