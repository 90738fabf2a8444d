"""What the lake already holds of each coin, as the planner needs to know it.

Hours are *present* when a candle of them was loaded, *empty* when the exchange's last authority said that there is
none. An archive file is *consulted* for the hours it was read for, whether or not it had them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Literal
from urllib.parse import unquote, urlsplit

from klineforge.domain.hours import RangeSet, Span, normalised, subtract

SourceKind = Literal["monthly_archive", "daily_archive", "rest"]
Status = Literal["loaded", "empty", "not_found", "unverified"]

# The eleven meaningful fields of a kline, open and close time in milliseconds.
RawCandle = tuple[int | str | None, ...]
OutcomeKey = tuple[str, str, str, Span, str | None, datetime | None]
# The candles of a coin and some hours that a new revision from a source is compared with, by open time in epoch
# milliseconds: what the same kind of source said last, else the revision that is believed.
RevisionReader = Callable[[str, SourceKind, Span], Mapping[int, RawCandle]]


def no_revisions(_coin: str, _kind: SourceKind, _span: Span) -> Mapping[int, RawCandle]:
    """The revisions of a lake that holds none."""
    return {}


@dataclass(frozen=True)
class SourceRecord:
    """One source that ingestion dealt with: a checkpoint of bronze, or one that is still to become it.

    Args:
        coin: Native symbol.
        source_kind: Kind of source.
        source_uri: Where it came from, without credentials.
        sha256: Digest of the bytes; None when nothing was downloaded.
        span: The hours it answers for.
        status: Outcome.
        row_count: Records it brings, those that cannot be read included.
        ingestion_ts: When it was downloaded.
        first_open: Open time of the first readable candle.
        last_open: Open time of the last readable candle.
        message: What a reader should know about it.
        holes: Hours of the span without a candle; only meaningful for archives.
    """

    coin: str
    source_kind: SourceKind
    source_uri: str
    sha256: str | None
    span: Span
    status: Status
    row_count: int
    ingestion_ts: datetime
    first_open: datetime | None = None
    last_open: datetime | None = None
    message: str | None = None
    holes: RangeSet = ()

    @property
    def has_rows(self) -> bool:
        """Whether the source brought candles."""
        return self.status in {"loaded", "unverified"}

    @cached_property
    def file_name(self) -> str:
        """Last segment of the URI: it names an archive file on every mirror."""
        return unquote(urlsplit(self.source_uri).path.rsplit("/", 1)[-1])


@dataclass(frozen=True)
class CoinCoverage:
    """What is known of one coin.

    Args:
        present: Hours with a candle.
        empty: Hours the exchange has no candle for.
        consulted: Archive files read, with the hours they were read for.
        not_found: Archive files that did not exist, with the time they were last asked for.
    """

    present: RangeSet = ()
    empty: RangeSet = ()
    consulted: Mapping[str, RangeSet] = field(default_factory=dict)
    not_found: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def settled(self) -> RangeSet:
        """Hours that need not be asked for again."""
        return normalised((*self.present, *self.empty))

    def with_records(self, records: Iterable[SourceRecord]) -> CoinCoverage:
        """The coverage after some more sources, all of this coin, were dealt with."""
        present, empty = list(self.present), list(self.empty)
        consulted = defaultdict(list, {name: list(spans) for name, spans in self.consulted.items()})
        not_found = dict(self.not_found)
        for record in records:
            if record.status == "empty":
                empty.append(record.span)
            elif record.status == "not_found":
                asked = not_found.get(record.file_name, record.ingestion_ts)
                not_found[record.file_name] = max(asked, record.ingestion_ts)
            else:
                present.extend(subtract((record.span,), record.holes))
                if record.source_kind != "rest":
                    consulted[record.file_name].append(record.span)
        return CoinCoverage(
            normalised(present),
            normalised(empty),
            {name: normalised(spans) for name, spans in consulted.items()},
            not_found,
        )


@dataclass(frozen=True)
class Coverage:
    """What bronze holds, read once at the beginning of a run.

    Args:
        records: All checkpoints.
        recent: Per coin the newest revision of each recent candle, by open time in epoch milliseconds.
        rows_without_checkpoint: Rows that are in the klines table although their batch was cut off before its
            checkpoints were written: source rows by coin and SHA-256. Two coins can get the same bytes.
        listing: The newest snapshot of each listed symbol, as its raw JSON.
        revisions: Reads the candles that a file which was published anew is compared with.
        history_checked: Per coin until when archive files older than the recent ones were looked at again.
    """

    records: tuple[SourceRecord, ...] = ()
    recent: Mapping[str, Mapping[int, RawCandle]] = field(default_factory=dict)
    rows_without_checkpoint: Mapping[tuple[str, str], frozenset[int]] = field(default_factory=dict)
    listing: Mapping[str, str] = field(default_factory=dict)
    revisions: RevisionReader = no_revisions
    history_checked: Mapping[str, datetime] = field(default_factory=dict)

    def records_of(self, coin: str) -> tuple[SourceRecord, ...]:
        """The checkpoints of one coin."""
        return tuple(self._by_coin.get(coin, ()))

    def of_coin(self, coin: str) -> CoinCoverage:
        """What is known of one coin; nothing for a new one."""
        return CoinCoverage().with_records(self._by_coin.get(coin, ()))

    @cached_property
    def _by_coin(self) -> Mapping[str, list[SourceRecord]]:
        grouped: defaultdict[str, list[SourceRecord]] = defaultdict(list)
        for record in self.records:
            grouped[record.coin].append(record)
        return dict(grouped)

    def extended(self, records: Iterable[SourceRecord]) -> Coverage:
        """The coverage once some landed sources have reached bronze."""
        return replace(self, records=(*self.records, *records))

    def hours_by_source(self) -> dict[tuple[str, str], RangeSet]:
        """The hours already appended of each downloaded content, by coin and SHA-256."""
        spans: defaultdict[tuple[str, str], list[Span]] = defaultdict(list)
        for record in self.records:
            if record.has_rows and record.sha256 is not None:
                spans[record.coin, record.sha256].append(record.span)
        return {key: normalised(found) for key, found in spans.items()}

    def outcomes(self) -> frozenset[OutcomeKey]:
        """Every source dealt with, as ``outcome_key`` tells them apart."""
        return frozenset(outcome_key(record) for record in self.records)


def outcome_key(record: SourceRecord) -> OutcomeKey:
    """What makes two records the same news about the same source.

    That a file does not exist is news again at another time, and so are an archive's bytes: it may go back to those it
    had before, and REST to what it said before. That an hour has no candle is said once.
    """
    asked = None if record.source_kind == "rest" and record.sha256 is None else record.ingestion_ts
    return record.coin, record.source_uri, record.status, record.span, record.sha256, asked
