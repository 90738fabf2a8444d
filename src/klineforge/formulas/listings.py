"""What the listing seed says of an hour: whether the coin was listed, which asset it named, and why it was not listed.

Each is one expression as SQL: some hundred Columns would cost as many calls into the JVM.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

from pyspark.sql import Column
from pyspark.sql import functions as F

from klineforge.reference.listings import Listing, listings_by_symbol

NOT_LISTED_YET, DELISTED = "not_listed_yet", "delisted"
# Hours since 1970 that no candle is older or newer than.
BEFORE_ALL, AFTER_ALL = 0, 2**31

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_STRETCHES = "map<string,array<struct<start:bigint,end:bigint,kind:string>>>"


def is_outside_listing(listings: Sequence[Listing]) -> Column:
    """The exchange did not list the coin in any part of the hour; coins without a listing pass.

    A listing that begins or ends within the hour covers that hour, because its candle is partial but real
    (exchange-protocols §1.8).
    """
    by_symbol: dict[str, list[Listing]] = {}
    for listing in listings:
        by_symbol.setdefault(listing.symbol, []).append(listing)
    outside = [
        f"(coin = {_quoted(symbol)} AND NOT ({' OR '.join(_overlap_sql(listing) for listing in known)}))"
        for symbol, known in sorted(by_symbol.items())
        if all(listing.is_bounded for listing in known)
    ]
    return F.expr(" OR ".join(outside) or "FALSE")


def listing_number(listings: Sequence[Listing]) -> Column:
    """Which of the assets that a coin has named the candle of an hour is about.

    An hour in which one asset makes way for another belongs to the newer one, whose trades end the candle.

    Args:
        listings: What is known of the coins' listings.

    Returns:
        INT from 1, which every coin has that named one asset or is unknown. Means nothing outside every listing.
    """
    newest_first = [
        replace(known, valid_to=None)
        for whole in listings_by_symbol(listings).values()
        for known in reversed(whole[1:])
    ]
    cases = [
        f"WHEN coin = {_quoted(known.symbol)} AND {_overlap_sql(known)} THEN {known.listing_seq}"
        for known in newest_first
    ]
    return F.expr(f"CASE {' '.join(cases)} ELSE 1 END" if cases else "1")


def unlisted_stretches(listings: Sequence[Listing]) -> Column:
    """The whole hours in which each coin is known not to have been listed.

    Args:
        listings: What is known of the coins' listings.

    Returns:
        MAP from coin to its stretches in order of time: first hour and first hour after, counted since 1970, and
        ``not_listed_yet`` or ``delisted``. The first may begin ``BEFORE_ALL``, the last end ``AFTER_ALL``.
    """
    in_order = sorted(listings, key=lambda known: (known.symbol, known.valid_from or _EPOCH))
    stretches = {symbol: _stretches(list(known)) for symbol, known in groupby(in_order, lambda known: known.symbol)}
    # One literal, which Spark reads once.
    return F.from_json(F.lit(json.dumps({symbol: found for symbol, found in stretches.items() if found})), _STRETCHES)


def _stretches(periods: Sequence[Listing]) -> list[dict[str, int | str]]:
    """Between which hours a coin was not listed; hours that a period covers in part are listed."""
    begins = [(known.valid_from - _EPOCH) // _HOUR if known.valid_from else BEFORE_ALL for known in periods]
    ends = [-((_EPOCH - known.valid_to) // _HOUR) if known.valid_to else AFTER_ALL for known in periods]
    bounds = zip([BEFORE_ALL, *ends], [*begins, AFTER_ALL], strict=True)
    return [
        {"start": start, "end": end, "kind": DELISTED if number else NOT_LISTED_YET}
        for number, (start, end) in enumerate(bounds)
        if start < end
    ]


def _overlap_sql(listing: Listing) -> str:
    """Whether the hour overlaps a listing that is bounded."""
    begins = f"open_timestamp + INTERVAL '1' HOUR > {_instant_sql(listing.valid_from)}" if listing.valid_from else ""
    ends = f"open_timestamp < {_instant_sql(listing.valid_to)}" if listing.valid_to else ""
    return f"({' AND '.join(filter(None, (begins, ends)))})"


def _instant_sql(moment: datetime) -> str:
    # Counted from the epoch, it depends on nobody's time zone.
    return f"timestamp_micros({(moment - _EPOCH) // timedelta(microseconds=1)})"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
