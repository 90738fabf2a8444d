"""Nodes of the gold pipeline."""

from __future__ import annotations

from klineforge.incremental.recipe import Derivation, derive
from klineforge.lake.table import LakeTable
from klineforge.recipes import gold


def describe_coins(fact: LakeTable, exchange_info: LakeTable, listing_seed: str) -> Derivation:
    """Name base and quote asset of every coin, from the exchange's listing or the seed, never by splitting its name."""
    return derive(gold.coins(listing_seed), fact=fact, exchange_info=exchange_info)


def describe_exchanges(fact: LakeTable) -> Derivation:
    """Describe the exchanges that have candles."""
    return derive(gold.EXCHANGE, fact=fact)


def lay_out_calendar(fact: LakeTable) -> Derivation:
    """List the hours of every year with candles, with their weekday, ISO week and trading sessions."""
    return derive(gold.TIMESTAMP, fact=fact)
