"""What somebody looks at: exchange, coins, hours and interval, as a value and as the parameters of a URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal, TypeVar, get_args

from klineforge.serving.catalogue import Catalogue

Name = TypeVar("Name", bound=str)
Interval = Literal["1h", "4h", "1d", "1w", "1M"]
INTERVALS: Final[tuple[Interval, ...]] = get_args(Interval)
INTERVAL_NAMES: Final[Mapping[Interval, str]] = {
    "1h": "1 hour", "4h": "4 hours", "1d": "1 day", "1w": "1 week", "1M": "1 month"
}  # fmt: skip

Preset = Literal["24h", "7d", "30d", "90d", "1y", "all"]
PRESETS: Final[tuple[Preset, ...]] = get_args(Preset)
PRESET_NAMES: Final[Mapping[Preset, str]] = {
    "24h": "24 hours", "7d": "7 days", "30d": "30 days", "90d": "90 days", "1y": "1 year", "all": "All"
}  # fmt: skip
_LENGTHS: Final[Mapping[Preset, timedelta]] = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
    "1y": timedelta(days=365),
}
DEFAULT_PRESET: Final[Preset] = "30d"
_FAVOURITES = ("BTCUSDT", "BTCUSDC", "BTCEUR", "ETHUSDT")


@dataclass(frozen=True, slots=True)
class Selection:
    """What the pages share. Hashable: part of the key of what is kept.

    Args:
        exchange: Exchange code.
        coins: Coins of pages about several; empty means all of the exchange.
        coin: The coin of pages about one.
        start: First hour, UTC.
        end: End of the hours, UTC, exclusive.
        interval: Length of a candle on charts over time.
        preset: The range as counted back from the newest hour; None where start and end were chosen.
    """

    exchange: str
    coins: tuple[str, ...]
    coin: str
    start: datetime
    end: datetime
    interval: Interval = "1h"
    preset: Preset | None = DEFAULT_PRESET

    @property
    def hours(self) -> int:
        """Length of the range."""
        return int((self.end - self.start) / timedelta(hours=1))

    def all_coins(self, catalogue: Catalogue) -> tuple[str, ...]:
        """The coins of pages about several, spelled out."""
        return self.coins or catalogue.coins[self.exchange]

    def about(self, coin: str) -> Selection:
        """The same with another coin of pages about one."""
        return replace(self, coin=coin)

    def query(self) -> dict[str, str]:
        """The parameters of a URL that shows the same; what is chosen by default is in it too, so that a link stays."""
        shown = {"exchange": self.exchange, "coin": self.coin, "interval": self.interval}
        if self.coins:
            shown["coins"] = ",".join(self.coins)
        if self.preset is not None:
            return {**shown, "range": self.preset}
        return {**shown, "start": _written(self.start), "end": _written(self.end)}


@dataclass(frozen=True, slots=True)
class Read:
    """A selection read from a URL.

    Args:
        selection: What can be shown.
        remarks: What of the URL could not be used, one sentence each.
    """

    selection: Selection
    remarks: tuple[str, ...]


def read_selection(parameters: Mapping[str, str], catalogue: Catalogue) -> Read:
    """The selection that a URL asks for. What cannot be used is replaced by the default and remarked upon.

    Args:
        parameters: Of the URL; others than those of ``Selection.query`` are ignored.
        catalogue: What the lake has to offer.
    """
    remarks: list[str] = []
    exchange = _one_of(parameters, "exchange", catalogue.exchanges, catalogue.exchanges[0], remarks)
    offered = catalogue.coins[exchange]
    interval = _one_of(parameters, "interval", INTERVALS, "1h", remarks)
    start, end, preset = _range(parameters, catalogue, remarks)
    selection = Selection(
        exchange=exchange,
        coins=_coins(parameters.get("coins", ""), exchange, offered, remarks),
        coin=_one_of(parameters, "coin", offered, default_coin(offered), remarks),
        start=start,
        end=end,
        interval=interval,
        preset=preset,
    )
    return Read(selection, tuple(remarks))


def default_coin(offered: tuple[str, ...]) -> str:
    """The coin that a page about one shows first.

    >>> default_coin(("ADAUSDT", "BTCUSDT"))
    'BTCUSDT'
    """
    return next((coin for coin in _FAVOURITES if coin in offered), offered[0])


def preset_range(preset: Preset, catalogue: Catalogue) -> tuple[datetime, datetime]:
    """The hours of a preset, kept inside those that have candles.

    Args:
        preset: Which.
        catalogue: What the lake has to offer.
    """
    length = _LENGTHS.get(preset)
    start = catalogue.first if length is None else max(catalogue.first, catalogue.end - length)
    return start, catalogue.end


def offered_as(asked: str, offered: tuple[Name, ...]) -> Name | None:
    """The name of a list that is meant, in whatever case it was written; None where there is none.

    >>> offered_as("30D", ("7d", "30d"))
    '30d'
    """
    exactly = next((name for name in offered if name == asked), None)
    return exactly or next((name for name in offered if name.casefold() == asked.casefold()), None)


def _one_of(
    parameters: Mapping[str, str], key: str, offered: tuple[Name, ...], default: Name, remarks: list[str]
) -> Name:
    asked = parameters.get(key)
    if asked is None:
        return default
    found = offered_as(asked, offered)
    if found is None:
        remarks.append(f"The link asks for {key} {_shortened(asked)}, which is not in this lake; {default} is shown.")
        return default
    return found


def _coins(text: str, exchange: str, offered: tuple[str, ...], remarks: list[str]) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys(name.strip().upper() for name in text.split(",") if name.strip()))
    unknown = [name for name in asked if name not in offered]
    if unknown:
        named = ", ".join(map(_shortened, unknown[:5])) + (" and more" if len(unknown) > 5 else "")
        remarks.append(f"The link asks for coins that {exchange} has no candles of here: {named}; they are left out.")
    kept = tuple(name for name in asked if name in offered)
    return () if len(kept) == len(offered) else kept


def _range(
    parameters: Mapping[str, str], catalogue: Catalogue, remarks: list[str]
) -> tuple[datetime, datetime, Preset | None]:
    if "start" in parameters or "end" in parameters:
        start = _instant(parameters.get("start"), catalogue.first, remarks)
        end = _instant(parameters.get("end"), catalogue.end, remarks)
        held = max(start, catalogue.first), min(end, catalogue.end)
        if held[0] < held[1]:
            return *held, None
        remarks.append(
            f"The link asks for {_written(start)} to {_written(end)}, of which the lake has no hour: it reaches from "
            f"{_written(catalogue.first)} to {_written(catalogue.end)}. The last {PRESET_NAMES[DEFAULT_PRESET]} "
            "are shown."
        )
        return *preset_range(DEFAULT_PRESET, catalogue), DEFAULT_PRESET
    preset = _one_of(parameters, "range", PRESETS, DEFAULT_PRESET, remarks)
    return *preset_range(preset, catalogue), preset


def _instant(text: str | None, default: datetime, remarks: list[str]) -> datetime:
    if text is None:
        return default
    try:
        moment = datetime.fromisoformat(text.strip())
        instant = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        remarks.append(f"The link's date {_shortened(text)} is none; expected 2026-01-31 or 2026-01-31T06:00 (UTC).")
        return default
    return instant.replace(minute=0, second=0, microsecond=0)


def whole_days(first: date, last: date) -> tuple[datetime, datetime]:
    """The hours of days, both included, as a half-open range of UTC hours."""
    return datetime.combine(first, time(), UTC), datetime.combine(last, time(), UTC) + timedelta(days=1)


def _written(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d}" if instant.hour == 0 else f"{instant:%Y-%m-%dT%H:00}"


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 24 else f"{text[:24]}...")
