"""The public archives: which zip files exist at a given time, and their exact bytes (exchange-protocols §1)."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from klineforge.simulator.candles import Candle, wire_fields
from klineforge.simulator.coins import SYMBOLS
from klineforge.simulator.lifecycle import GENESIS, hour_number, traded_hours
from klineforge.simulator.market import Market

MICROSECONDS_FROM = datetime(2025, 1, 1, tzinfo=UTC)
"""Spot archives give times in microseconds for candles opened from here on (exchange-protocols §1.4)."""

NO_SUCH_KEY = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"
)
"""Body of the answer to a key that does not exist."""

PUBLISHED_AT = timedelta(hours=8, minutes=30)
"""Time of day at which files appear: daily ones the next day, monthly ones on the first Monday (§1.5)."""

_ZIPPED_AT = (1980, 1, 1, 0, 0, 0)
_FASTEST = 1
_KEPT_FILES = 4096
_KEY = re.compile(
    r"data/spot/(?P<period>monthly|daily)/klines/(?P<symbol>[A-Z0-9]+)/1h/"
    r"(?P=symbol)-1h-(?P<year>\d{4})-(?P<month>\d{2})(?:-(?P<day>\d{2}))?\.zip"
)


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """One archive by name: which coin's candles of ``[start, end)`` it holds and since when it can be downloaded."""

    name: str
    symbol: str
    start: datetime
    end: datetime
    published: datetime


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the archive host keeps under a key."""

    body: bytes
    modified: datetime
    content_type: str

    @property
    def etag(self) -> str:
        """MD5 of the body in quotes, as S3 gives it for objects uploaded in one part."""
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


class Archives:
    """The archive host's objects as a function of the market and of the time at which they are asked for.

    Args:
        market: Where the candles come from.
        history_start: Candles before it are in no file.
    """

    def __init__(self, market: Market, history_start: datetime = GENESIS) -> None:
        self._market = market
        self._first_hour = hour_number(history_start)
        self._zip_of = lru_cache(maxsize=_KEPT_FILES)(self._build)

    def find(self, key: str, now: datetime) -> StoredObject | None:
        """The object under a key, None when there is none (yet).

        Args:
            key: Path without the leading slash; ``.CHECKSUM`` keys are objects of their own.
            now: Files published later than this do not exist yet.
        """
        bare = key.removesuffix(".CHECKSUM")
        file = archive_file(bare)
        if file is None or now < file.published:
            return None
        body = self._zip_of(file)
        if body is None:
            return None
        if bare != key:
            return StoredObject(checksum_line(file.name, body), file.published, "binary/octet-stream")
        return StoredObject(body, file.published, "application/zip")

    def _build(self, file: ArchiveFile) -> bytes | None:
        first = max(self._first_hour, hour_number(file.start))
        hours = traded_hours(file.symbol, first, hour_number(file.end))
        if not len(hours):
            return None
        return zipped(file.name, csv_lines(self._market.candles(file.symbol, hours)))


def archive_file(key: str) -> ArchiveFile | None:
    """Read an archive's key; None when no such key can exist.

    >>> archive_file("data/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2026-08.zip").published.isoformat()
    '2026-09-07T08:30:00+00:00'
    """
    match = _KEY.fullmatch(key)
    if match is None or match["symbol"] not in SYMBOLS or (match["day"] is None) != (match["period"] == "monthly"):
        return None
    try:
        start = datetime(int(match["year"]), int(match["month"]), int(match["day"] or 1), tzinfo=UTC)
    except ValueError:
        return None
    end = start + timedelta(days=1) if match["day"] else _next_month(start)
    release_day = end if match["day"] else _first_monday(end)
    return ArchiveFile(key.rpartition("/")[2], match["symbol"], start, end, release_day + PUBLISHED_AT)


def _next_month(start: datetime) -> datetime:
    return (start + timedelta(days=31)).replace(day=1)


def _first_monday(month: datetime) -> datetime:
    return month + timedelta(days=-month.weekday() % 7)


def csv_lines(candles: Iterable[Candle]) -> str:
    """Archive CSV without a header: milliseconds before ``MICROSECONDS_FROM``, microseconds from then on."""
    switch = hour_number(MICROSECONDS_FROM) * 3_600_000_000
    rows = (wire_fields(candle, candle.open_time >= switch) for candle in candles)
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


def zipped(name: str, csv: str | bytes) -> bytes:
    """A zip with one member named after it; the same text always gives the same bytes.

    Args:
        name: File name of the zip, ending in ``.zip``.
        csv: Its content.
    """
    member = zipfile.ZipInfo(name.removesuffix(".zip") + ".csv", date_time=_ZIPPED_AT)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o644 << 16
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(member, csv, compresslevel=_FASTEST)
    return target.getvalue()


def csv_of(body: bytes) -> bytes:
    """The one member of a zip that ``zipped`` has made."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return archive.read(archive.namelist()[0])


def checksum_line(name: str, body: bytes) -> bytes:
    """Content of a ``.CHECKSUM`` file: SHA-256, two spaces, the bare name, and no line end (§1.2)."""
    return f"{hashlib.sha256(body).hexdigest()}  {name}".encode()
