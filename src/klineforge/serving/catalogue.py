"""What a lake has to offer: exchanges, their coins, and the hours between the first candle and the last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from klineforge.domain.hours import HOUR
from klineforge.serving.explanation import UnavailableError, empty
from klineforge.serving.warehouse import Warehouse

_RETURNS = "mart_returns_1h"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What can be chosen.

    Args:
        coins: Native symbols by exchange, in alphabetical order, every one with at least one candle.
        first: First hour with a candle, UTC.
        end: End of the last hour with a candle, UTC, exclusive.
        labels: What a coin is called in print, by native symbol: ``BTC/USDT``; the symbol where nothing else is known.
    """

    coins: Mapping[str, tuple[str, ...]]
    first: datetime
    end: datetime
    labels: Mapping[str, str]

    @property
    def exchanges(self) -> tuple[str, ...]:
        """Exchange codes in alphabetical order."""
        return tuple(self.coins)

    def label(self, coin: str) -> str:
        """What a coin is called in print."""
        return self.labels.get(coin, coin)


def read_catalogue(warehouse: Warehouse) -> Catalogue:
    """What a lake has to offer, by ``dim_coins``.

    Args:
        warehouse: The lake.

    Raises:
        UnavailableError: ``dim_coins`` or ``mart_returns_1h`` is missing, empty or damaged.
    """
    newest = warehouse.newest_hour(_RETURNS)
    return warehouse.derived(("dim_coins", _RETURNS), "catalogue", lambda: _catalogue(warehouse, newest))


def _catalogue(warehouse: Warehouse, newest: datetime) -> Catalogue:
    columns = ("exchange", "coin", "listing_seq", "base_asset", "quote_asset", "first_candle", "last_candle")
    listed = warehouse.read("dim_coins", columns)
    if listed.is_empty():
        raise UnavailableError(empty("dim_coins"))
    coins = listed.group_by("exchange").agg(pl.col("coin").unique().sort()).sort("exchange")
    named = listed.drop_nulls(["base_asset", "quote_asset"])
    first: datetime = listed["first_candle"].min()  # type: ignore[assignment]  # polars: any literal
    return Catalogue(
        coins={exchange: tuple(names) for exchange, names in coins.iter_rows()},
        first=first,
        end=newest + HOUR,
        labels={
            coin: f"{base}/{quote}" for coin, base, quote in named["coin", "base_asset", "quote_asset"].iter_rows()
        },
    )
