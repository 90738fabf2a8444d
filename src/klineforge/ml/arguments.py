"""What callers may pass: whole numbers, durations, instants, names. Checked before anything is read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta

from klineforge.errors import ConfigurationError


def require_whole(name: str, value: object) -> None:
    """Make sure that an argument is a whole number of 1 or more.

    Raises:
        ConfigurationError: When it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{name} must be a whole number of 1 or more, found {value!r}")


def require_duration(name: str, value: object, *, above_zero: bool = False) -> None:
    """Make sure that an argument is a length of time.

    Raises:
        ConfigurationError: When it is none, negative, or zero where that makes no sense.
    """
    least = "above zero" if above_zero else "of zero or more"
    enough = isinstance(value, timedelta) and (value > timedelta(0) or (not above_zero and value == timedelta(0)))
    if not enough:
        raise ConfigurationError(f"{name} must be a timedelta {least}, found {value!r}; write timedelta(hours=2)")


def parse_moment(value: object, name: str) -> datetime | None:
    """Read an end of a range: None, an aware datetime, a date, or ISO text; date and text are UTC.

    >>> parse_moment("2024-01-31T06:00", "start").isoformat()
    '2024-01-31T06:00:00+00:00'

    Raises:
        ConfigurationError: When it is no instant, or a datetime without a time zone.
    """
    if value is None:
        return None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ConfigurationError(
                f"{name} is {value!r}, which has no time zone; if it is UTC, write {name}=datetime(..., tzinfo=UTC)"
            )
        return value.astimezone(UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    try:
        moment = datetime.fromisoformat(str(value).strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ConfigurationError(
            f"{name} must be an instant, found {value!r}; write it as 2024-01-31 or 2024-01-31T06:00 (UTC)"
        ) from error


def parse_range(start: object, end: object) -> tuple[datetime | None, datetime | None]:
    """Read a half-open range ``[start, end)``.

    Raises:
        ConfigurationError: When an end is no instant, or the range ends before it starts.
    """
    first, after = parse_moment(start, "start"), parse_moment(end, "end")
    if first is not None and after is not None and after <= first:
        raise ConfigurationError(
            f"end must lie after start, found start={start!r} and end={end!r}; the end is exclusive"
        )
    return first, after


def parse_names(value: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Read names from a list, or from one text with spaces or commas between them.

    >>> parse_names("BTCUSDT, ETHUSDT")
    ('BTCUSDT', 'ETHUSDT')

    Raises:
        ConfigurationError: When there are none; leave the argument out to get all.
    """
    if value is None:
        return None
    names = tuple(dict.fromkeys(value.replace(",", " ").split() if isinstance(value, str) else value))
    if not names:
        raise ConfigurationError("a list of names is empty; leave the argument out to get all")
    return names


def unknown_names(what: str, unknown: Sequence[str], known: Iterable[str]) -> str:
    """Text for names that do not exist, with those that were probably meant."""
    there = sorted(known)
    close = list(dict.fromkeys(one for name in unknown for one in difflib.get_close_matches(str(name), there, 3)))
    meant = f"did you mean {', '.join(close)}?" if close else f"there are {', '.join(there)}"
    return f"unknown {what} {', '.join(map(str, unknown))}: {meant}"
