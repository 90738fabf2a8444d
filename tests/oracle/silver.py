"""What silver must make of bronze, record by record in plain Python. From docs/definitions.md and §2."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from math import isfinite, nan
from typing import Any

from klineforge.reference.listings import Listing

Record = dict[str, Any]
Key = tuple[str, datetime]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
PRICES = ("open", "high", "low", "close")
VOLUMES = ("volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume")


@dataclass
class Silver:
    """Accepted candles by key, and for each refused record (by source and position) the reasons."""

    stage: dict[Key, Record] = field(default_factory=dict)
    fact: dict[Key, Record] = field(default_factory=dict)
    quarantine: dict[tuple[str, int], set[str]] = field(default_factory=dict)


def oracle_silver(records: Iterable[Record], listings: Sequence[Listing] = ()) -> Silver:
    """Sort bronze records into candles and refusals.

    Args:
        records: Rows of ``binance_klines_daily``.
        listings: What is known of the coins.
    """
    silver = Silver()
    for record in records:
        opened = _instant(record["open_time"])
        if record["malformed_record"] is not None:
            silver.quarantine[record["sha256"], record["source_row"]] = {"malformed_record"}
        elif opened is None:
            silver.quarantine[record["sha256"], record["source_row"]] = {"unreadable_open_time"}
        else:
            key = record["coin"], opened
            rival = silver.stage.get(key)
            if rival is None or _standing(record) > _standing(rival):
                silver.stage[key] = record
    for (coin, opened), record in silver.stage.items():
        reasons = _reasons(coin, opened, record, listings)
        if reasons:
            silver.quarantine[record["sha256"], record["source_row"]] = reasons
        else:
            seq = listing_of(coin, opened, listings)
            silver.fact[coin, opened] = {"listing_seq": seq, **_candle(opened, record)}
    return silver


def _instant(epoch: int | None) -> datetime | None:
    if epoch is None or epoch < 0 or len(str(epoch)) not in {13, 16}:
        return None
    return EPOCH + (timedelta(milliseconds=epoch) if len(str(epoch)) == 13 else timedelta(microseconds=epoch))


def _standing(record: Record) -> tuple[int, datetime, str, int]:
    rank = {"monthly_archive": 0, "daily_archive": 1, "rest": 1}[record["source_kind"]]
    # Smaller digests win ties, larger positions too: any total order will do, as long as it is always the same.
    inverted_digest = "".join(chr(255 - ord(letter)) for letter in record["sha256"])
    return rank, record["ingestion_ts"], inverted_digest, record["source_row"]


def _number(text: str | None) -> float:
    try:
        return nan if text is None else float(text)
    except ValueError:
        return nan


def _reasons(coin: str, opened: datetime, record: Record, listings: Sequence[Listing]) -> set[str]:
    opening, high, low, close = (_number(record[name]) for name in PRICES)
    prices = (opening, high, low, close)
    volumes = [_number(record[name]) for name in VOLUMES if record[name] is not None or "taker" not in name]
    broken = {
        "off_the_hour": (opened - EPOCH) % HOUR != timedelta(0),
        "not_a_number": not all(isfinite(value) for value in (*prices, *volumes)),
        "price_not_positive": any(price <= 0 for price in prices),
        "negative_volume": any(volume < 0 for volume in volumes),
        "high_below_another_price": any(high < other for other in prices),
        "low_above_another_price": any(low > other for other in (opening, close)),
        "not_closed": opened + HOUR > record["ingestion_ts"],
        "outside_listing": _is_outside(coin, opened, listings),
    }
    return {name for name, is_broken in broken.items() if is_broken}


def _is_outside(coin: str, opened: datetime, listings: Sequence[Listing]) -> bool:
    known = [listing for listing in listings if listing.symbol == coin]
    return bool(known) and not any(_covers(listing, opened) for listing in known)


def _covers(listing: Listing, opened: datetime) -> bool:
    has_begun = listing.valid_from is None or listing.valid_from < opened + HOUR
    return has_begun and (listing.valid_to is None or opened < listing.valid_to)


def _candle(opened: datetime, record: Record) -> Record:
    closed = _instant(record["close_time"])
    last_instants = {opened + HOUR - timedelta(milliseconds=1), opened + HOUR - timedelta(microseconds=1)}
    return {
        "close_timestamp": opened + HOUR - timedelta(milliseconds=1),
        **{f"{name}_price": float(record[name]) for name in PRICES},
        **{name: None if record[name] is None else float(record[name]) for name in VOLUMES},
        "trade_count": record["count"],
        "is_irregular_close": closed not in last_instants,
        "is_zero_volume": float(record["volume"]) == 0,
    }


def listing_of(coin: str, opened: datetime, listings: Sequence[Listing]) -> int:
    """The newest of the coin's listings that the hour has a part in; 1 where nothing is known."""
    known = [listing for listing in listings if listing.symbol == coin]
    return max((listing.listing_seq for listing in known if _covers(listing, opened)), default=1)


def oracle_gaps(
    hours: Mapping[str, Collection[datetime]], listings: Sequence[Listing] = ()
) -> dict[tuple[str, datetime], tuple[datetime, int, str]]:
    """Stretches without candles of one exchange, by looking at every hour of every coin.

    Args:
        hours: Open times of each coin's candles.
        listings: What is known of the coins.

    Returns:
        For each coin and first hour of a stretch the first hour after it, its length in hours, and its kind.
    """
    gaps = {}
    for coin in hours:
        kinds = [(hour, _kind(coin, hour, hours, listings)) for hour in _all_hours(hours)]
        for kind, group in groupby(kinds, key=lambda entry: entry[1]):
            stretch = [hour for hour, _ in group]
            if kind:
                gaps[coin, stretch[0]] = stretch[-1] + HOUR, len(stretch), kind
    return gaps


def _all_hours(hours: Mapping[str, Collection[datetime]]) -> list[datetime]:
    opened = [hour for theirs in hours.values() for hour in theirs]
    return [min(opened) + number * HOUR for number in range((max(opened) - min(opened)) // HOUR + 1)]


def _kind(
    coin: str, hour: datetime, hours: Mapping[str, Collection[datetime]], listings: Sequence[Listing]
) -> str | None:
    """Why a coin has no candle of an hour; None where it has one, or where none could be."""
    if hour in hours[coin]:
        return None
    if _is_outside(coin, hour, listings):
        begins = [listing.valid_from for listing in listings if listing.symbol == coin]
        return "not_listed_yet" if all(begin and hour < begin for begin in begins) else "delisted"
    listed = [
        other
        for other, theirs in hours.items()
        if min(theirs) <= hour <= max(theirs) and not _is_outside(other, hour, listings)
    ]
    if coin not in listed:
        return None
    is_outage = len(listed) >= 2 and all(hour not in hours[other] for other in listed)
    return "exchange_outage" if is_outage else "unexplained"
