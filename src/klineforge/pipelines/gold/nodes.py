"""Nodes of the gold pipeline."""

from __future__ import annotations

from klineforge.incremental.recipe import Derivation, derive
from klineforge.lake.table import LakeTable
from klineforge.recipes import gold


def describe_coins(runs: LakeTable, exchange_info: LakeTable, listing_seed: str) -> Derivation:
    """Name base and quote asset of every coin, from the exchange's listing or the seed, never by splitting its name."""
    return derive(gold.coins(listing_seed), runs=runs, exchange_info=exchange_info)


def describe_exchanges(runs: LakeTable) -> Derivation:
    """Describe the exchanges that have candles."""
    return derive(gold.EXCHANGE, runs=runs)


def lay_out_calendar(runs: LakeTable) -> Derivation:
    """List the hours of every year with candles, with their weekday, ISO week and trading sessions."""
    return derive(gold.TIMESTAMP, runs=runs)
