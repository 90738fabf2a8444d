"""Reading back from the bronze tables what ingestion has to know about them."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import polars as pl

from klineforge.contracts.bronze import SOURCE_RANKS
from klineforge.domain.hours import HOUR, RangeSet, Span, intersect, normalised, subtract, total_hours
from klineforge.exchanges.binance.epochs import hours_of, open_micros, to_micros
from klineforge.exchanges.binance.recent import COMPARED_FIELDS, normalised_candle
from klineforge.exchanges.coverage import Coverage, RawCandle, SourceKind, SourceRecord

logger = logging.getLogger(__name__)

_HOUR_COLUMN: Final = "candle_hour"
_RECORD_COLUMNS: Final = (
    "coin",
    "source_kind",
    "source_uri",
    "sha256",
    "status",
    "row_count",
    "ingestion_ts",
    "first_open",
    "last_open",
    "message",
)


def read_coverage(
    checkpoints: pl.LazyFrame | None,
    klines: pl.LazyFrame | None,
    exchange_info: pl.LazyFrame | None,
    look_back: timedelta,
) -> Coverage:
    """Read what bronze holds.

    Args:
        checkpoints: Table ``binance_ingestion_checkpoints``; None when it does not exist.
        klines: Table ``binance_klines_daily``; None when it does not exist.
        exchange_info: Table ``binance_exchange_info``; None when it does not exist.
        look_back: How far before the newest candle values are read.
    """
    appended = _records(checkpoints)
    listing = _listing(exchange_info)
    if klines is None:
        # Checkpoints alone prove nothing: what they speak of has to be fetched again.
        return Coverage(tuple(record for _, record in appended if not record.has_rows), listing=listing)
    held = frozenset(klines.select(pl.col("batch_id").unique()).collect().to_series().to_list())
    records = _proven(appended, held, klines)
    return Coverage(
        _with_holes(records, klines),
        _recent(records, klines, look_back),
        _rows_without_checkpoint(klines, held - {batch for batch, _ in appended}),
        listing,
        partial(newest_revisions, klines),
    )


def newest_revisions(klines: pl.LazyFrame, coin: str, kind: SourceKind, span: Span) -> dict[int, RawCandle]:
    """The candles that a new revision of some hours is compared with, by open time in epoch milliseconds.

    Args:
        klines: Table ``binance_klines_daily``.
        coin: Native symbol.
        kind: The kind of source that the new revision is from. What that kind said last counts before what others
            said: a file that is published anew repeats old values, which REST may have corrected since.
        span: The hours.
    """
    rows = (
        klines.filter((pl.col("coin") == coin) & _opens_between(klines, span.start, span.end))
        .select("source_kind", "ingestion_ts", "sha256", "source_row", *COMPARED_FIELDS)
        .collect()
        .with_columns(
            same_kind=pl.col("source_kind") == kind,
            rank=pl.col("source_kind").replace_strict(SOURCE_RANKS, default=0, return_dtype=pl.Int32),
        )
        # In the order of ``formulas.revisions``, the best last.
        .sort(
            "same_kind", "rank", "ingestion_ts", "sha256", "source_row", descending=[False, False, False, True, False]
        )
    )
    candles = (normalised_candle(values) for values in rows.select(COMPARED_FIELDS).iter_rows())
    return {candle[0]: candle for candle in candles if isinstance(candle[0], int)}


def _records(checkpoints: pl.LazyFrame | None) -> list[tuple[str, SourceRecord]]:
    """Every checkpoint with the append it belongs to."""
    if checkpoints is None:
        return []
    rows = checkpoints.select(*_RECORD_COLUMNS, "range_start", "range_end", "batch_id").collect().to_dicts()
    spans = (Span(row["range_start"], row["range_end"]) for row in rows)
    return [
        (row["batch_id"], SourceRecord(**{name: row[name] for name in _RECORD_COLUMNS}, span=span))
        for row, span in zip(rows, spans, strict=True)
    ]


def _proven(
    appended: list[tuple[str, SourceRecord]], held: frozenset[str], klines: pl.LazyFrame
) -> tuple[SourceRecord, ...]:
    """The records without those whose append is not in the klines at all, as in a lake of which half was copied.

    An append that brought nothing new leaves none either: then the rows it counts came with another one.
    """
    doubtful = {(record.coin, record.sha256) for batch, record in appended if record.row_count and batch not in held}
    if not doubtful:
        return tuple(record for _, record in appended)
    claimed: defaultdict[tuple[str, str | None], int] = defaultdict(int)
    for _, record in appended:
        claimed[record.coin, record.sha256] += record.row_count
    coins = sorted({coin for coin, _ in doubtful})
    counts = klines.filter(pl.col("coin").is_in(coins)).group_by("coin", "sha256").len().collect().iter_rows()
    there = {(coin, sha256): count for coin, sha256, count in counts}
    lost = {source for source in doubtful if there.get(source, 0) < claimed[source]}
    if lost:
        logger.warning(
            "%d downloads that are noted as loaded are not in the table of klines; they are fetched again", len(lost)
        )
    return tuple(
        record
        for batch, record in appended
        if batch in held or not record.row_count or (record.coin, record.sha256) not in lost
    )


def _with_holes(records: tuple[SourceRecord, ...], klines: pl.LazyFrame) -> tuple[SourceRecord, ...]:
    """Add to each archive the hours it lacks; the klines are read only for coins whose counts leave a doubt."""
    by_rest = _hours_settled_by_rest(records)
    doubtful = [_in_doubt(record, by_rest.get(record.coin, ())) for record in records]
    loaded = _hours_loaded([record for record, doubt in zip(records, doubtful, strict=True) if doubt], klines)
    return tuple(
        replace(record, holes=subtract((record.span,), loaded[record.coin]) if doubt else _plain_holes(record, by_rest))
        for record, doubt in zip(records, doubtful, strict=True)
    )


def _hours_settled_by_rest(records: Iterable[SourceRecord]) -> dict[str, RangeSet]:
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    for record in records:
        if record.source_kind == "rest" and (record.has_rows or record.status == "empty"):
            spans[record.coin].append(record.span)
    return {coin: normalised(found) for coin, found in spans.items()}


def _in_doubt(record: SourceRecord, by_rest: RangeSet) -> bool:
    if record.source_kind == "rest" or not record.has_rows:
        return False
    elsewhere = total_hours(intersect(by_rest, (record.span,)))
    odd = record.message is not None and record.status == "loaded"
    return odd or record.row_count + elsewhere != record.span.hours


def _plain_holes(record: SourceRecord, by_rest: Mapping[str, RangeSet]) -> RangeSet:
    """Holes of a source whose count is beyond doubt: none, or exactly the hours that REST settled instead."""
    if record.source_kind == "rest" or not record.has_rows or record.row_count == record.span.hours:
        return ()
    return intersect(by_rest.get(record.coin, ()), (record.span,))


def _hours_loaded(doubtful: list[SourceRecord], klines: pl.LazyFrame) -> dict[str, RangeSet]:
    """The hours with a candle of the coins in doubt."""
    if not doubtful:
        return {}
    coins = sorted({record.coin for record in doubtful})
    first = min(record.span.start for record in doubtful)
    last = max(record.span.end for record in doubtful)
    opens = klines.filter(pl.col("coin").is_in(coins) & _opens_between(klines, first, last)).select("coin", "open_time")
    found = opens.collect().partition_by("coin", as_dict=True)
    return {coin: hours_of(open_micros(found[(coin,)].to_arrow())) if (coin,) in found else () for coin in coins}


def _opens_between(klines: pl.LazyFrame, start: datetime, end: datetime) -> pl.Expr:
    """Open times in a range, whether sent in milliseconds or in microseconds."""
    if _HOUR_COLUMN in klines.collect_schema():
        # Written for skipping files; where it is absent the epochs alone have to do.
        return pl.col(_HOUR_COLUMN).is_between(start, end, closed="left") & _epoch_between(start, end)
    return _epoch_between(start, end)


def _epoch_between(start: datetime, end: datetime) -> pl.Expr:
    opened = pl.col("open_time")
    first, last = to_micros(start), to_micros(end)
    in_ms = opened.is_between(first // 1000, last // 1000, closed="left")
    return in_ms | opened.is_between(first, last, closed="left")


def _recent(
    records: Iterable[SourceRecord], klines: pl.LazyFrame, look_back: timedelta
) -> Mapping[str, Mapping[int, RawCandle]]:
    """The newest revision of each candle that the look-back may reach."""
    newest = max((record.last_open for record in records if record.last_open is not None), default=None)
    if newest is None or not look_back:
        return {}
    rows = (
        klines.filter(_opens_between(klines, newest - look_back - HOUR, newest + HOUR))
        .select("coin", "ingestion_ts", "source_row", *COMPARED_FIELDS)
        .collect()
        .sort("ingestion_ts", "source_row")
    )
    recent: defaultdict[str, dict[int, RawCandle]] = defaultdict(dict)
    for coin, _, _, *values in rows.iter_rows():
        candle = normalised_candle(tuple(values))
        opened = candle[0]
        if isinstance(opened, int):
            recent[coin][opened] = candle
    return dict(recent)


def _rows_without_checkpoint(klines: pl.LazyFrame, cut_off: frozenset[str]) -> dict[tuple[str, str], frozenset[int]]:
    """Rows of batches that were cut off between the klines and their checkpoints."""
    if not cut_off:
        return {}
    rows = klines.filter(pl.col("batch_id").is_in(sorted(cut_off))).select("coin", "sha256", "source_row").collect()
    found: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for coin, sha256, source_row in rows.iter_rows():
        found[coin, sha256].add(source_row)
    return {source: frozenset(positions) for source, positions in found.items()}


def _listing(exchange_info: pl.LazyFrame | None) -> dict[str, str]:
    if exchange_info is None:
        return {}
    rows = exchange_info.select("symbol", "raw_symbol", "ingestion_ts").collect().sort("ingestion_ts")
    return {symbol: raw for symbol, raw, _ in rows.iter_rows()}
