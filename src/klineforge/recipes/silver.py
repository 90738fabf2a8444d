"""Recipes of the silver tables."""

from __future__ import annotations

from functools import cache, partial

from klineforge.contracts.silver import (
    FACT_1H_KLINES,
    KLINE_GAPS,
    KLINE_RUNS,
    QUARANTINE_KLINES,
    STAGE_BINANCE_KLINES,
)
from klineforge.incremental.recipe import Reach, Recipe
from klineforge.reference.listings import BINANCE, listings_digest, load_listings
from klineforge.tables.fact import accepted_candles
from klineforge.tables.gaps import missing_stretches
from klineforge.tables.quarantine import quarantined_records
from klineforge.tables.runs import unbroken_runs
from klineforge.tables.stage import stage_binance_klines

STAGE = Recipe(
    output=STAGE_BINANCE_KLINES,
    inputs={"klines": Reach()},
    transform=stage_binance_klines,
    by=("coin",),
    version="1",
)


@cache
def fact(listing_seed: str = BINANCE) -> Recipe:
    """Accepted candles; another listing seed makes another version, because it may accept other candles."""
    return Recipe(
        output=FACT_1H_KLINES,
        inputs={"stage": Reach()},
        transform=partial(accepted_candles, listings=load_listings(listing_seed)),
        by=("coin",),
        version=f"2-{listings_digest(listing_seed)[:12]}",
    )


@cache
def quarantine(listing_seed: str = BINANCE) -> Recipe:
    """What the fact refuses, and what could not be read at all."""
    return Recipe(
        output=QUARANTINE_KLINES,
        inputs={"stage": Reach(), "klines": Reach()},
        transform=partial(quarantined_records, listings=load_listings(listing_seed)),
        by=("coin",),
        version=f"1-{listings_digest(listing_seed)[:12]}",
    )


# A run may change as far as its month goes.
RUNS = Recipe(
    output=KLINE_RUNS,
    inputs={"fact": Reach(whole="month")},
    transform=unbroken_runs,
    by=("exchange", "coin"),
    version="2",
)


@cache
def gaps(listing_seed: str = BINANCE) -> Recipe:
    """Where candles are missing, and why as far as is known."""
    return Recipe(
        output=KLINE_GAPS,
        inputs={"runs": Reach()},
        transform=partial(missing_stretches, listings=load_listings(listing_seed)),
        # Whether an hour is an outage depends on all coins, and how long a gap is on candles arbitrarily far away.
        by=None,
        version=f"3-{listings_digest(listing_seed)[:12]}",
    )
