"""How figures and instants are written on a terminal."""

from __future__ import annotations

from datetime import datetime, timedelta

from klineforge.reporting.tables import LastChange

ABSENT = "-"
_HOURS_SHOWN = 48
_COUNTS = (("inserted", "+"), ("updated", "~"), ("deleted", "-"))


def hour(instant: datetime | None) -> str:
    """An hour to the minute, UTC by convention of every heading.

    >>> hour(None)
    '-'
    """
    return ABSENT if instant is None else f"{instant:%Y-%m-%d %H:%M}"


def hours(count: int) -> str:
    """A number of hours, as days where hours stop being readable.

    >>> hours(5), hours(49), hours(24000)
    ('5 h', '2 d 1 h', '1,000 d')
    """
    days, rest = divmod(count, 24)
    if count < _HOURS_SHOWN:
        return f"{count} h"
    return f"{days:,} d {rest} h" if rest else f"{days:,} d"


def age(span: timedelta) -> str:
    """How long ago, in the largest unit that says something.

    >>> age(timedelta(seconds=200)), age(timedelta(minutes=90)), age(timedelta(days=3, hours=1))
    ('200 s', '90 min', '3 d 1 h')
    """
    seconds = max(0, int(span.total_seconds()))
    if seconds < 5 * 60:
        return f"{seconds} s"
    if seconds < 2 * 3600:
        return f"{seconds // 60} min"
    return hours(seconds // 3600)


def change(last: LastChange | None, now: datetime) -> str:
    """A table's last change: action, rows, age. ``+`` inserted, ``~`` updated, ``-`` deleted."""
    if last is None:
        return ABSENT
    counts = " ".join(f"{sign}{getattr(last, name):,}" for name, sign in _COUNTS if getattr(last, name))
    return " ".join(part for part in (last.action, counts, f"({age(now - last.at)} ago)") if part)


def percent(fraction: float) -> str:
    """A fraction as signed per cent.

    >>> percent(0.0123)
    '+1.23 %'
    """
    return f"{fraction * 100:+.2f} %"
