"""What is known of the coins' listings, from ``listings.csv`` beside this module.

A symbol is not an identity: ``LUNAUSDT`` named two assets (exchange-protocols §1.9). Each period in which a symbol
named one asset is a listing of its own, counted by ``listing_seq``.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from itertools import pairwise

from klineforge.errors import ConfigurationError

BINANCE = "binance"
NO_SEED = "none"

_COLUMNS = (
    "symbol",
    "listing_seq",
    "base_asset",
    "quote_asset",
    "market_type",
    "valid_from",
    "valid_to",
    "predecessor",
    "source",
)


@dataclass(frozen=True, slots=True)
class Listing:
    """One period in which a symbol named one asset.

    Args:
        symbol: Native symbol.
        listing_seq: Counts the listings of a symbol from 1.
        base_asset: Asset that is priced.
        quote_asset: Asset the price is in.
        market_type: ``spot``.
        valid_from: First instant of trading, UTC; None when unknown, which rejects nothing.
        valid_to: First instant without trading, UTC; None while listed or unknown.
        predecessor: Symbol this listing continues under a new name, or None.
        source: Where the facts come from.
    """

    symbol: str
    listing_seq: int
    base_asset: str
    quote_asset: str
    market_type: str = "spot"
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    predecessor: str | None = None
    source: str = ""

    @property
    def is_bounded(self) -> bool:
        """Whether there are instants this listing is known not to cover."""
        return self.valid_from is not None or self.valid_to is not None


def load_listings(seed: str = BINANCE) -> tuple[Listing, ...]:
    """The listings of a seed, ordered by symbol and sequence.

    Args:
        seed: ``binance`` for the file of the package; ``none`` for a market whose listings are not Binance's, such as
            the simulated one, where every coin counts as unknown.

    Raises:
        ConfigurationError: When there is no such seed, or a line of it cannot be read or contradicts another.
    """
    text = _seed_text(seed)
    return parse_listings(text.splitlines()) if text else ()


def listings_digest(seed: str = BINANCE) -> str:
    """SHA-256 of a seed, hexadecimal: changes whenever tables derived with it may.

    Args:
        seed: As for ``load_listings``.

    Raises:
        ConfigurationError: When there is no such seed.
    """
    return hashlib.sha256(_seed_text(seed).encode()).hexdigest()


def parse_listings(lines: Iterable[str]) -> tuple[Listing, ...]:
    """Read listings from CSV lines with a header.

    Raises:
        ConfigurationError: When a line cannot be read or contradicts another; names the line.
    """
    reader = csv.DictReader(lines)
    if tuple(reader.fieldnames or ()) != _COLUMNS:
        raise ConfigurationError(
            f"the listing seed must have the columns {', '.join(_COLUMNS)}, found {reader.fieldnames}"
        )
    listings = sorted(
        (_parse_row(row, reader.line_num) for row in reader), key=lambda known: (known.symbol, known.listing_seq)
    )
    for earlier, later in pairwise(listings):
        if earlier.symbol == later.symbol:
            _refuse_overlap(earlier, later)
    return tuple(listings)


def newest_listings(listings: Iterable[Listing]) -> dict[str, Listing]:
    """The latest listing of each symbol."""
    return {
        listing.symbol: listing for listing in sorted(listings, key=lambda known: (known.symbol, known.listing_seq))
    }


def _seed_text(seed: str) -> str:
    if seed == NO_SEED:
        return ""
    if seed != BINANCE:
        raise ConfigurationError(f"expected the listing seed {BINANCE!r} or {NO_SEED!r}, found {seed!r}")
    return files("klineforge.reference").joinpath("listings.csv").read_text(encoding="utf-8")


def _parse_row(row: dict[str, str], line: int) -> Listing:
    try:
        listing = Listing(
            symbol=row["symbol"],
            listing_seq=int(row["listing_seq"]),
            base_asset=row["base_asset"],
            quote_asset=row["quote_asset"],
            market_type=row["market_type"],
            valid_from=_instant(row["valid_from"]),
            valid_to=_instant(row["valid_to"]),
            predecessor=row["predecessor"] or None,
            source=row["source"],
        )
    except (TypeError, ValueError) as problem:
        raise ConfigurationError(f"line {line} of the listing seed cannot be read: {problem}") from problem
    if not (listing.symbol and listing.base_asset and listing.quote_asset):
        raise ConfigurationError(f"line {line} of the listing seed needs symbol, base_asset and quote_asset")
    return listing


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"expected a UTC instant such as 2024-09-10T03:00:00Z, found {text!r}")
    return moment.astimezone(UTC)


def _refuse_overlap(earlier: Listing, later: Listing) -> None:
    if earlier.listing_seq == later.listing_seq:
        raise ConfigurationError(f"the listing seed holds {later.symbol} number {later.listing_seq} twice")
    if earlier.valid_to is None or later.valid_from is None or later.valid_from < earlier.valid_to:
        raise ConfigurationError(
            f"listing {later.listing_seq} of {later.symbol} must begin at or after the end of listing "
            f"{earlier.listing_seq}; found it ends {earlier.valid_to} and begins {later.valid_from}"
        )
