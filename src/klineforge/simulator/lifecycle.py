"""When each coin trades: listings, delistings and exchange-wide outages, as a rule of the calendar.

The rule depends on the calendar only, so an hour once traded stays traded, and **every window of twelve months holds
a late listing, a delisting and an outage**, whenever the demo is run:

- Two coins take turns. Each year on 10 August at 03:00 one of them is delisted, and on 13 August at 10:00 the other
  is listed (or listed again, a year after it left): the dates are those of a rename, three days apart, as with
  MATIC and POL (exchange-protocols §1.9). MATICUSDT leaves in even years, AVAXUSDT in odd ones.
- Each 21 March and 21 September all trading halts at 13:47:20. The 14:00 candle is flat, without volume, and its
  close time lies before its open time; 15:00, 16:00 and 17:00 have no candle; 18:00 trades again. This is the
  signature of 2020-12-21 (exchange-protocols §1.7, §1.8).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from klineforge.domain.hours import FOREVER, HOUR, RangeSet, Span
from klineforge.simulator.coins import SYMBOLS

GENESIS = datetime(2024, 1, 1, tzinfo=UTC)
"""First simulated hour."""

ROTATION = ("MATICUSDT", "AVAXUSDT")
"""The two coins that take turns; the first leaves in even years."""

OUTAGE_DAYS = ((3, 21), (9, 21))
HALT = timedelta(hours=13, minutes=47, seconds=20)
FLAT = timedelta(hours=14)
MISSING_FROM = timedelta(hours=15)
RESUMED = timedelta(hours=18)
MOMENT = timedelta(microseconds=1)

Hours = NDArray[np.int64]


def hour_number(instant: datetime) -> int:
    """Whole hours since 1970, the simulator's time axis; an instant inside an hour gives the hour's own number."""
    return int(instant.timestamp()) // 3600


def instant_of(hour: int) -> datetime:
    """Opening instant of an hour number, in UTC."""
    return datetime.fromtimestamp(hour * 3600, tz=UTC)


def listing_periods(symbol: str, until: datetime) -> RangeSet:
    """The ranges in which a coin is listed and that begin before ``until``.

    A coin that is listed at ``until`` has its scheduled end in the last range, ``FOREVER`` when it has none.

    >>> [str(span) for span in listing_periods("AVAXUSDT", datetime(2026, 1, 1, tzinfo=UTC))]
    ['2024-08-13 10:00..2025-08-10 03:00']
    """
    if symbol not in ROTATION:
        return (Span(GENESIS, FOREVER),) if until > GENESIS else ()
    turn = ROTATION.index(symbol)
    first_exit = GENESIS.year + (GENESIS.year + turn) % 2
    exits = range(first_exit, until.year + 3, 2)
    periods = (Span(_listed_before(year), datetime(year, 8, 10, 3, tzinfo=UTC)) for year in exits)
    return tuple(period for period in periods if period.start < until)


def _listed_before(exit_year: int) -> datetime:
    return max(GENESIS, datetime(exit_year - 1, 8, 13, 10, tzinfo=UTC))


def halts(start: datetime, end: datetime) -> tuple[datetime, ...]:
    """Midnights of the days touching ``[start, end)`` on which the whole exchange halts."""
    days = (
        datetime(year, month, day, tzinfo=UTC) for year in range(start.year, end.year + 1) for month, day in OUTAGE_DAYS
    )
    return tuple(midnight for midnight in days if start - timedelta(days=1) < midnight < end)


def is_halted(instant: datetime) -> bool:
    """Whether no coin at all trades at this instant."""
    midnight = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    on_a_halt_day = (instant.month, instant.day) in OUTAGE_DAYS
    return on_a_halt_day and HALT <= instant - midnight < RESUMED


def trading_share(hour: int) -> float:
    """Share of an hour in which the exchange trades: below one where a halt begins, else one."""
    opened = instant_of(hour)
    halted = opened.replace(hour=0) + HALT
    halts_now = (opened.month, opened.day) in OUTAGE_DAYS and hour == hour_number(halted)
    return (halted - opened) / HOUR if halts_now else 1.0


def traded_hours(symbol: str, first: int, end: int) -> Hours:
    """Numbers of the hours in ``[first, end)`` for which a coin has a candle, ascending.

    Args:
        symbol: One of ``SYMBOLS``.
        first: Hour number, inclusive; hours before ``GENESIS`` have no candle.
        end: Hour number, exclusive.
    """
    first = max(first, hour_number(GENESIS))
    if end <= first:
        return np.empty(0, dtype=np.int64)
    hours = np.arange(first, end, dtype=np.int64)
    traded = np.zeros(len(hours), dtype=np.bool_)
    for period in listing_periods(symbol, instant_of(end)):
        traded |= (hours >= hour_number(period.start)) & (hours < hour_number(period.end))
    for midnight in halts(instant_of(first), instant_of(end)):
        missing = (hours >= hour_number(midnight + MISSING_FROM)) & (hours < hour_number(midnight + RESUMED))
        traded &= ~missing
    return hours[traded]


def is_known(symbol: str, now: datetime) -> bool:
    """Whether the exchange has ever listed a symbol by now: a coin is unknown before its first listing."""
    return symbol in SYMBOLS and bool(listing_periods(symbol, now + MOMENT))


def is_listed(symbol: str, now: datetime) -> bool:
    """Whether a coin is listed at this instant; false before its listing and after its delisting."""
    return any(period.start <= now < period.end for period in listing_periods(symbol, now + MOMENT))
