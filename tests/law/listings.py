"""The listing seed of the tests of the law: the package's own, and a coin whose listings change within their hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

from law.records import START

from klineforge.incremental.recipe import Recipe
from klineforge.reference.listings import Listing, load_listings

# One asset until the middle of an hour of the second day, another from another hour on, which was off for a while.
REUSED = "TWOUSDT"
ENDS, BEGINS, LEAVES, RETURNS = 25, 28, 44, 46


def _period(seq: int, base: str, begin: float | None, end: float | None) -> Listing:
    bounds = [None if hour is None else START + timedelta(hours=hour) for hour in (begin, end)]
    return Listing(REUSED, seq, base, "USDT", valid_from=bounds[0], valid_to=bounds[1], predecessor="ONEUSDT")


LISTINGS = (
    *load_listings(),
    _period(1, "OLD", None, ENDS + 0.5),
    _period(2, "TWO", BEGINS, LEAVES),
    _period(2, "TWO", RETURNS + 0.25, None),
)


def with_listings(recipe: Recipe) -> Recipe:
    """A recipe that takes a listing seed, with the one of these tests."""
    transform = partial(recipe.transform, listings=LISTINGS)
    return replace(recipe, transform=transform, version=f"{recipe.version}-law")
