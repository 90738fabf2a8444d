"""Which candle of bronze a file that was published anew is compared with."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from ingestion.fakes import kline, millis, utc

from klineforge.contracts.bronze import KLINE_FIELDS
from klineforge.domain.hours import Span
from klineforge.exchanges.binance.bronze_tables import newest_revisions
from klineforge.exchanges.coverage import SourceKind

HOUR = utc("2025-03-04T05:00")
DAY = Span(utc("2025-03-04"), utc("2025-03-05"))


def bronze(*revisions: tuple[str, int, str, int, str], coin: str = "BTCUSDT") -> pl.LazyFrame:
    """Revisions of one hour: kind of source, minute of download, checksum, position, closing price."""
    rows = [
        {
            **dict(zip(KLINE_FIELDS, kline(HOUR, close, micros=kind != "rest"), strict=True)),
            "coin": coin,
            "source_kind": kind,
            "ingestion_ts": utc("2025-03-06") + timedelta(minutes=minute),
            "sha256": sha256,
            "source_row": row,
        }
        for kind, minute, sha256, row, close in revisions
    ]
    return pl.LazyFrame(rows)


@pytest.mark.parametrize(
    ("kind", "close"),
    [
        ("monthly_archive", "2"),  # what monthly files said last, though others rank above
        ("daily_archive", "3"),  # not what REST said later
        ("rest", "4"),
    ],
)
def test_what_the_same_kind_of_source_said_last_counts(kind: SourceKind, close: str) -> None:
    klines = bronze(
        ("monthly_archive", 1, "a", 0, "1"),
        ("rest", 4, "d", 0, "4"),
        ("monthly_archive", 2, "b", 0, "2"),
        ("daily_archive", 3, "c", 0, "3"),
    )

    known = newest_revisions(klines, "BTCUSDT", kind, DAY)

    assert list(known) == [millis(HOUR)]
    assert known[millis(HOUR)][4] == close


def test_where_the_same_kind_said_nothing_the_believed_revision_counts() -> None:
    later_monthly = bronze(("rest", 1, "a", 0, "1"), ("monthly_archive", 2, "b", 0, "2"))
    tie = bronze(("rest", 1, "b", 7, "1"), ("rest", 1, "a", 0, "2"), ("rest", 1, "a", 5, "3"))

    assert newest_revisions(later_monthly, "BTCUSDT", "daily_archive", DAY)[millis(HOUR)][4] == "1"
    assert newest_revisions(tie, "BTCUSDT", "daily_archive", DAY)[millis(HOUR)][4] == "3"


def test_other_coins_and_other_hours_do_not_count() -> None:
    klines = bronze(("rest", 1, "a", 0, "1"), coin="ETHUSDT")

    assert newest_revisions(klines, "BTCUSDT", "rest", DAY) == {}
    assert newest_revisions(klines, "ETHUSDT", "rest", Span(DAY.start, HOUR)) == {}
