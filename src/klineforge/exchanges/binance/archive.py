"""Binance's public archive of zipped CSV files: names, checksums, and files turned into landed units."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote

import numpy as np

from klineforge.domain.hours import intersect, subtract
from klineforge.errors import ChecksumMismatchError, MalformedPayloadError
from klineforge.exchanges.binance.clean import clean_open_times
from klineforge.exchanges.binance.constants import (
    ARCHIVE_FOLDER,
    CHECKSUM_SUFFIX,
    EXCHANGE,
    INTERVAL,
    MAX_ARCHIVE_BYTES,
)
from klineforge.exchanges.binance.epochs import UNREADABLE, Int64s, hours_of, inside, micros_of, open_micros, to_instant
from klineforge.exchanges.binance.parse import parse_checksum, parse_csv
from klineforge.exchanges.binance.unpack import unpack_csv
from klineforge.exchanges.coverage import SourceRecord
from klineforge.exchanges.dialect import Subject
from klineforge.exchanges.http import HttpClient
from klineforge.exchanges.outcome import Download
from klineforge.exchanges.periods import MONTHLY, Period
from klineforge.exchanges.planning import ArchiveTask
from klineforge.exchanges.units import KlineUnit

# A file that is being replaced and its checksum disagree for a moment.
DOWNLOADS_BEFORE_GIVING_UP: Final = 2
_MAX_CHECKSUM_BYTES: Final = 64 * 1024
_DEFECT_ADVICE: Final = (
    "the file at the source is defective; its hours are taken from finer archives or REST where these are in use, and "
    "the file is tried again by the next run that lacks them"
)


def file_name(coin: str, period: Period) -> str:
    """Name of the archive file of a coin and period.

    >>> from datetime import UTC
    >>> file_name("BTCUSDT", Period(MONTHLY, datetime(2020, 12, 1, tzinfo=UTC)))
    'BTCUSDT-1h-2020-12.zip'
    """
    return f"{coin}-{INTERVAL}-{period.label}.zip"


def file_url(base_url: str, coin: str, period: Period) -> str:
    """Where the archive file of a coin and period is published."""
    folder = "monthly" if period.kind == MONTHLY else "daily"
    path = f"{ARCHIVE_FOLDER}/{folder}/klines/{coin}/{INTERVAL}/{file_name(coin, period)}"
    return f"{base_url}/{quote(path)}"


@dataclass(frozen=True)
class ArchiveFile:
    """A downloaded archive file whose bytes can be trusted.

    Args:
        url: Where it came from.
        content: The zip.
        csv: What is in it.
        verified: Whether a checksum vouched for it.
    """

    url: str
    content: bytes
    csv: bytes
    verified: bool


class ArchiveClient:
    """Downloads archive files and checks them.

    Args:
        http: The client that asks.
        base_url: Root of the archive, without a trailing slash.
    """

    def __init__(self, http: HttpClient, base_url: str) -> None:
        self._http = http
        self._base_url = base_url

    def fetch(self, task: ArchiveTask) -> ArchiveFile | None:
        """Download one file and its checksum.

        Returns:
            The file; None when the archive has no such file (404).

        Raises:
            ChecksumMismatchError: The bytes are not those the checksum describes, twice.
            MalformedPayloadError: The file is not a zip with exactly the expected CSV, or its checksum is unreadable.
            ExchangeError: The archive could not be asked.
        """
        url = file_url(self._base_url, task.coin, task.period)
        about = Subject(task.coin, str(task.span))
        problem: MalformedPayloadError | ChecksumMismatchError | None = None
        for _ in range(DOWNLOADS_BEFORE_GIVING_UP):
            answer = self._http.get(url, most_bytes=MAX_ARCHIVE_BYTES, subject=about, may_be_missing=True)
            if answer.status == 404:
                return None
            try:
                return self._checked(url, answer.body, task, about)
            except (MalformedPayloadError, ChecksumMismatchError) as error:
                problem = error
        if problem is None:
            raise AssertionError("a file is returned, missing or defective")
        raise problem

    def url(self, coin: str, period: Period) -> str:
        """Where the file of a coin and period is published."""
        return file_url(self._base_url, coin, period)

    def checksum(self, coin: str, period: Period) -> str | None:
        """The SHA-256 that the archive publishes for a file; None when it publishes none.

        Raises:
            MalformedPayloadError: The checksum is unreadable.
            ExchangeError: The archive could not be asked.
        """
        url, about = self.url(coin, period), Subject(coin, str(period.span))
        try:
            return self._expected_sha256(url, file_name(coin, period), about)
        except MalformedPayloadError as error:
            raise _located(error, url + CHECKSUM_SUFFIX, about) from error

    def _checked(self, url: str, content: bytes, task: ArchiveTask, about: Subject) -> ArchiveFile:
        name = file_name(task.coin, task.period)
        try:
            expected = self._expected_sha256(url, name, about)
            found = hashlib.sha256(content).hexdigest()
            if expected is not None and expected != found:
                raise ChecksumMismatchError(
                    f"expected SHA-256 {expected} as {name}{CHECKSUM_SUFFIX} says, found {found} "
                    f"({len(content)} bytes)",
                    exchange=EXCHANGE,
                    coin=about.coin,
                    time_range=about.time_range,
                    url=url,
                    advice=_DEFECT_ADVICE,
                )
            return ArchiveFile(url, content, unpack_csv(content, name), expected is not None)
        except MalformedPayloadError as error:
            raise _located(error, url, about) from error

    def _expected_sha256(self, url: str, name: str, about: Subject) -> str | None:
        answer = self._http.get(
            url + CHECKSUM_SUFFIX, most_bytes=_MAX_CHECKSUM_BYTES, subject=about, may_be_missing=True
        )
        if answer.status == 404 or not answer.body.strip():
            return None
        return parse_checksum(answer.body, name)


def _located(error: MalformedPayloadError, url: str, about: Subject) -> MalformedPayloadError:
    return MalformedPayloadError(
        error.problem,
        exchange=EXCHANGE,
        coin=about.coin,
        time_range=about.time_range,
        url=url,
        advice=_DEFECT_ADVICE,
    )


def loaded_download(task: ArchiveTask, file: ArchiveFile, fetched_at: datetime) -> Download:
    """Describe a file for landing: which of its rows count, what hours it lacks, what is odd about it."""
    micros, malformed = _open_times(file.csv)
    rows = rows_that_count(micros, task)
    counted = micros[rows & inside(micros, task.span)]
    present = hours_of(counted)
    record = SourceRecord(
        coin=task.coin,
        source_kind=task.period.kind,
        source_uri=file.url,
        sha256=hashlib.sha256(file.content).hexdigest(),
        span=task.span,
        status="loaded" if file.verified else "unverified",
        row_count=int(rows.sum()),
        ingestion_ts=fetched_at,
        first_open=to_instant(int(counted.min())) if len(counted) else None,
        last_open=to_instant(int(counted.max())) if len(counted) else None,
        message=_remarks(micros, malformed, task, file.verified),
        holes=subtract((task.span,), intersect(present, (task.span,))),
    )
    return Download(KlineUnit(record, task.period.span), file.content)


def absent_download(task: ArchiveTask, url: str, asked_at: datetime) -> Download:
    """Describe a file that does not exist."""
    record = SourceRecord(
        coin=task.coin,
        source_kind=task.period.kind,
        source_uri=url,
        sha256=None,
        span=task.span,
        status="not_found",
        row_count=0,
        ingestion_ts=asked_at,
    )
    return Download(KlineUnit(record, task.period.span), None)


def rows_that_count(micros: Int64s, task: ArchiveTask) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Rows to keep: all but those of the file's own period that were not asked for.

    Rows without a readable time, or with one outside the file's period, are kept: silver shows them in quarantine.
    """
    return ~inside(micros, task.period.span) | inside(micros, task.span)


def _open_times(csv: bytes) -> tuple[Int64s, int]:
    """The open time of each record, epoch microseconds, and how many records cannot be read."""
    clean = clean_open_times(csv)
    if clean is not None:
        return micros_of(clean), 0
    records = parse_csv(csv)
    return open_micros(records), records.num_rows - records.column("malformed_record").null_count


def _remarks(micros: Int64s, malformed: int, task: ArchiveTask, verified: bool) -> str | None:
    readable = micros[micros != UNREADABLE]
    steps = np.diff(readable)
    oddities = {
        "no checksum is published for this file": not verified,
        "records cannot be read": malformed,
        "records lie outside the file's period": int((~inside(micros, task.period.span)).sum()) - malformed,
        "records repeat an open time": 0 if (steps > 0).all() else len(readable) - len(np.unique(readable)),
        "records are out of order": int((steps < 0).sum()),
    }
    found = [text if number is True else f"{number} {text}" for text, number in oddities.items() if number]
    return "; ".join(found) or None
