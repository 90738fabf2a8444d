"""What a user may ask of ingestion, checked before anything is downloaded."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal, get_args
from urllib.parse import urlsplit, urlunsplit

from klineforge.domain.hours import HOUR
from klineforge.errors import ConfigurationError

logger = logging.getLogger(__name__)

OFF = "off"
Recheck = Literal["auto", "all", "off"]
RECHECKS: Final[tuple[Recheck, ...]] = get_args(Recheck)
NOW = "now"
EARLIEST_START = datetime(2017, 1, 1, tzinfo=UTC)
_UNSAFE_IN_COIN = re.compile(r"[\s/\\?#%&.:;*\"'<>|\x00-\x1f]")
_SEPARATORS = re.compile(r"[\s,;]+")


@dataclass(frozen=True)
class IngestionParameters:
    """The coins, hours and sources of one run, all values valid.

    Args:
        coins: Native symbols, upper case, without repetition, in the order given.
        start: First hour wanted, UTC.
        end: End of the hours wanted, UTC, exclusive; None means up to the newest closed hour.
        archive_url: Root of the archive, without a trailing slash; None when switched off.
        rest_urls: Roots of the REST interface, without a trailing slash, in the order in which they are asked; none
            when switched off.
        workers: Downloads in flight at once, 1 to 64.
        grace_seconds: How long after its hour a candle must have been closed to count as final.
        look_back_hours: How many recent hours REST is asked for again, to find late corrections; 0 switches it off.
        recheck: Which archive files are looked at again, because files are replaced after publication: ``auto`` means
            those of the last 90 days and a share of the older ones, so that all are looked at once a week.
    """

    coins: tuple[str, ...]
    start: datetime
    end: datetime | None
    archive_url: str | None
    rest_urls: tuple[str, ...]
    workers: int = 8
    grace_seconds: int = 120
    look_back_hours: int = 48
    recheck: Recheck = "auto"

    @property
    def grace(self) -> timedelta:
        """Time a candle must have been closed for to count as final."""
        return timedelta(seconds=self.grace_seconds)

    @property
    def look_back(self) -> timedelta:
        """Age up to which hours are read again."""
        return timedelta(hours=self.look_back_hours)


def parse_ingestion_parameters(parameters: Mapping[str, Any]) -> IngestionParameters:
    """Read the run's parameters as Kedro hands them over.

    Args:
        parameters: All Kedro parameters. ``coins``, ``start``, ``end``, ``archive_url``, ``rest_url`` and ``recheck``
            are read from the top level, the fine tuning from the mapping ``ingestion``; everything else is
            ignored. An ``end`` of null or the word ``now`` means up to the newest closed hour.

    Raises:
        ConfigurationError: When a value cannot be used; says which, what was expected and what to write instead.
    """
    tuning = parameters.get("ingestion") or {}
    if not isinstance(tuning, Mapping):
        raise ConfigurationError(
            f"parameter 'ingestion' must be a mapping of settings, found {tuning!r}; see conf/base/parameters.yml"
        )
    start = _clamped(parse_instant(parameters.get("start"), "start"))
    asked_end = parameters.get("end")
    end = None if asked_end is None or asked_end == NOW else parse_instant(asked_end, "end")
    if end is not None and end <= start:
        raise ConfigurationError(
            f"parameter 'end' must lie after 'start', found start={start:%Y-%m-%dT%H:%M} end={end:%Y-%m-%dT%H:%M} "
            "(UTC; the end is exclusive); swap them or leave 'end' out to ingest up to now"
        )
    archive_url = parse_source_url(parameters.get("archive_url"), "archive_url")
    rest_urls = parse_source_urls(parameters.get("rest_url"), "rest_url")
    if archive_url is None and not rest_urls:
        raise ConfigurationError(
            "parameters 'archive_url' and 'rest_url' are both 'off', so there is nowhere to ingest from; give at "
            "least one of them, for example archive_url=https://data.binance.vision"
        )
    return IngestionParameters(
        coins=parse_coins(parameters.get("coins")),
        start=start,
        end=end,
        archive_url=archive_url,
        rest_urls=rest_urls,
        workers=_whole_number(tuning, "workers", 8, 1, 64),
        grace_seconds=_whole_number(tuning, "grace_seconds", 120, 0, 3600),
        look_back_hours=_whole_number(tuning, "look_back_hours", 48, 0, 24 * 90),
        recheck=parse_recheck(parameters.get("recheck", "auto")),
    )


def parse_coins(value: object) -> tuple[str, ...]:
    """Read coins from a YAML list or from one string with names separated by spaces or commas.

    Lower case is accepted; the order is kept and repetitions are dropped.

    >>> parse_coins("btcusdt, ETHUSDT BTCUSDT")
    ('BTCUSDT', 'ETHUSDT')

    Raises:
        ConfigurationError: When there is no coin, or a name cannot be a symbol.
    """
    names: list[object]
    if isinstance(value, str):
        names = [name for name in _SEPARATORS.split(value.strip()) if name]
    elif isinstance(value, list | tuple):
        names = list(value)
    else:
        names = []
    if not names:
        raise ConfigurationError(
            f"parameter 'coins' must name at least one coin, found {value!r}; write a YAML list, or "
            "--params 'coins=BTCUSDT ETHUSDT'"
        )
    return tuple(dict.fromkeys(_coin(name) for name in names))


def _coin(name: object) -> str:
    if not isinstance(name, str) or not name.strip():
        raise ConfigurationError(f"every entry of 'coins' must be a symbol such as BTCUSDT, found {name!r}; quote it")
    symbol = name.strip().upper()
    if len(symbol) > 40 or _UNSAFE_IN_COIN.search(symbol):
        raise ConfigurationError(
            f"coin {name!r} cannot be a symbol: expected letters and digits as in BTCUSDT (no slash, no separator); "
            "write the exchange's own spelling"
        )
    return symbol


def parse_instant(value: object, parameter: str) -> datetime:
    """Read an ISO date or date-time as a UTC instant on the hour; without an offset it is taken as UTC.

    >>> parse_instant("2021-01-02", "start").isoformat()
    '2021-01-02T00:00:00+00:00'

    Raises:
        ConfigurationError: When it is no date, or not on the hour.
    """
    moment: datetime | None = None
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime.combine(value, time())
    elif isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            moment = None
    if moment is None:
        raise ConfigurationError(
            f"parameter {parameter!r} must be a date, found {value!r}; write it as 2021-01-31 or 2021-01-31T06:00 (UTC)"
        )
    instant = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if instant.minute or instant.second or instant.microsecond:
        raise ConfigurationError(
            f"parameter {parameter!r} must be on the hour because candles are hourly, found {value!r}; "
            f"write {instant:%Y-%m-%dT%H}:00"
        )
    return instant


def parse_source_url(value: object, parameter: str) -> str | None:
    """Read the root URL of a source; the word ``off`` means that the source is not used.

    >>> parse_source_url("http://127.0.0.1:8089/", "archive_url")
    'http://127.0.0.1:8089'

    Raises:
        ConfigurationError: When it is not an http(s) URL with a host and nothing behind its path.
    """
    # YAML reads a bare off as False.
    if value is False or (isinstance(value, str) and value.strip().lower() == OFF):
        return None
    text = value.strip() if isinstance(value, str) else ""
    problem = _url_problem(text)
    if problem:
        found = repr(value) if "@" not in text else "one with an @"
        raise ConfigurationError(
            f"parameter {parameter!r} must be a URL such as https://host or the word off: {problem}, found {found}"
        )
    parts = urlsplit(text)
    return urlunsplit((parts.scheme.lower(), parts.netloc, parts.path.rstrip("/"), "", ""))


def parse_source_urls(value: object, parameter: str) -> tuple[str, ...]:
    """Read the root URLs of a source that several hosts serve: a YAML list, or one text with spaces between them.

    The order is kept and repetitions are dropped; the word ``off``, alone, gives none.

    >>> parse_source_urls("http://one/ http://two", "rest_url")
    ('http://one', 'http://two')

    Raises:
        ConfigurationError: When one of them cannot be a URL, or there is none.
    """
    several = value.split() if isinstance(value, str) else value
    if not isinstance(several, list | tuple) or len(several) < 2:
        several = several[0] if isinstance(several, list | tuple) and several else value
        url = parse_source_url(several, parameter)
        return () if url is None else (url,)
    urls = [parse_source_url(entry, parameter) for entry in several]
    if None in urls:
        raise ConfigurationError(
            f"parameter {parameter!r} names hosts and the word off, found {value!r}; write the hosts, or off alone"
        )
    return tuple(dict.fromkeys(url for url in urls if url is not None))


def parse_recheck(value: object) -> Recheck:
    """Read which archive files are looked at again.

    >>> parse_recheck(False)
    'off'

    Raises:
        ConfigurationError: When it is not one of the words.
    """
    # YAML reads a bare off as False.
    word = OFF if value is False else value.strip().lower() if isinstance(value, str) else None
    for known in RECHECKS:
        if word == known:
            return known
    raise ConfigurationError(
        f"parameter 'recheck' must be one of the words {', '.join(RECHECKS)}, found {value!r}; write recheck=auto to "
        "look at archive files again as they come due, recheck=all for all of them now, recheck=off for none"
    )


def _url_problem(text: str) -> str | None:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        return str(error)
    if parts.scheme.lower() not in {"http", "https"}:
        return "it does not start with http:// or https://"
    if not parts.hostname or port == 0:
        return "it has no usable host"
    if parts.username is not None or parts.password is not None:
        return "it must not hold a user name or password, which would be written into the tables"
    if parts.query or parts.fragment or re.search(r"[\s\\]", text):
        return "it must end with its path"
    return None


def _clamped(start: datetime) -> datetime:
    if start >= EARLIEST_START:
        return start
    logger.warning("start %s lies before the exchange existed; using %s", start.date(), EARLIEST_START.date())
    return EARLIEST_START


def _whole_number(settings: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    value = settings.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ConfigurationError(
            f"parameter 'ingestion.{name}' must be a whole number from {least} to {most}, found {value!r}"
        )
    return value


def floor_hour(instant: datetime) -> datetime:
    """The start of the UTC hour an instant lies in."""
    return instant - (instant - EARLIEST_START) % HOUR
