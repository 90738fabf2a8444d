"""What is known of the coins' listings, from ``listings.csv`` beside this module.

A symbol is not an identity: ``LUNAUSDT`` named two assets (exchange-protocols §1.9). ``listing_seq`` counts the assets
that a symbol has named. One that was taken off and listed again stays the same listing, with a line for each period.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.resources import files
from itertools import groupby, pairwise

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
    """One period in which a symbol was listed for one asset.

    Args:
        symbol: Native symbol.
        listing_seq: Counts the assets the symbol has named, from 1; several periods may have the same.
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
    numbered = [(reader.line_num, _parse_row(row, reader.line_num)) for row in reader]
    numbered.sort(key=lambda entry: _in_order(entry[1]))
    for _, entries in groupby(numbered, key=lambda entry: entry[1].symbol):
        _refuse_contradictions(list(entries))
    return tuple(listing for _, listing in numbered)


def listings_by_symbol(listings: Iterable[Listing]) -> dict[str, tuple[Listing, ...]]:
    """The listings of each symbol, oldest first, each from the beginning of its first period to the end of its last.

    Args:
        listings: Periods in any order.
    """
    whole: dict[str, list[Listing]] = {}
    for _, group in groupby(sorted(listings, key=_in_order), key=lambda known: (known.symbol, known.listing_seq)):
        periods = list(group)
        whole.setdefault(periods[0].symbol, []).append(replace(periods[0], valid_to=periods[-1].valid_to))
    return {symbol: tuple(found) for symbol, found in whole.items()}


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


def _in_order(listing: Listing) -> tuple[str, int, datetime]:
    return listing.symbol, listing.listing_seq, listing.valid_from or datetime.min.replace(tzinfo=UTC)


def _refuse_contradictions(entries: Sequence[tuple[int, Listing]]) -> None:
    """Refuse periods of one symbol that cannot all be true; ``entries`` are in order, with their lines."""
    line, first = entries[0]
    problem = _problem_of(first)
    if first.listing_seq != 1:
        problem = "the first listing of a symbol must have number 1"
    for (_, earlier), (later_line, later) in pairwise(entries):
        if problem:
            break
        line, problem = later_line, _problem_of(later) or _problem_between(earlier, later)
    if problem:
        raise ConfigurationError(f"line {line} of the listing seed, {first.symbol}: {problem}")


def _problem_of(listing: Listing) -> str:
    begin, end = listing.valid_from, listing.valid_to
    return f"ends {end}, not after it begins {begin}" if begin and end and end <= begin else ""


def _problem_between(earlier: Listing, later: Listing) -> str:
    if earlier.valid_to is None or later.valid_from is None or later.valid_from < earlier.valid_to:
        return (
            f"must begin at or after the end of the period before it; found that one ends {earlier.valid_to} and "
            f"this one begins {later.valid_from}"
        )
    same_assets = (earlier.base_asset, earlier.quote_asset) == (later.base_asset, later.quote_asset)
    if later.listing_seq == earlier.listing_seq:
        alike = same_assets and (earlier.market_type, earlier.predecessor) == (later.market_type, later.predecessor)
        return "" if alike else f"differs in more than its period from number {later.listing_seq} before it"
    if later.listing_seq != earlier.listing_seq + 1:
        return f"number {later.listing_seq} follows number {earlier.listing_seq}"
    return f"numbers {earlier.listing_seq} and {later.listing_seq} name the same assets" if same_assets else ""
