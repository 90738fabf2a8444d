"""Recipes of the dimensions. Coins and exchanges are few rows made from few, so they are always recomputed whole."""

from __future__ import annotations

from functools import cache, partial

from klineforge.contracts.gold import DIM_COINS, DIM_EXCHANGE, DIM_TIMESTAMP
from klineforge.incremental.recipe import Reach, Recipe
from klineforge.reference.listings import BINANCE, listings_digest, load_listings
from klineforge.tables.dims import dim_coins, dim_exchange, dim_timestamp


@cache
def coins(listing_seed: str = BINANCE) -> Recipe:
    """What each listing of a coin is and since when there are candles."""
    return Recipe(
        output=DIM_COINS,
        inputs={"runs": Reach(), "exchange_info": Reach()},
        transform=partial(dim_coins, listings=load_listings(listing_seed)),
        by=None,
        version=f"3-{listings_digest(listing_seed)[:12]}",
    )


EXCHANGE = Recipe(output=DIM_EXCHANGE, inputs={"runs": Reach()}, transform=dim_exchange, by=None, version="2")

TIMESTAMP = Recipe(
    output=DIM_TIMESTAMP, inputs={"runs": Reach(whole="year")}, transform=dim_timestamp, by=(), version="2"
)
