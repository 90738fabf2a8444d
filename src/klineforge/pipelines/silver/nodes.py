"""Nodes of the silver pipeline: they say what each table is made of; the datasets carry it out."""

from __future__ import annotations

from klineforge.incremental.recipe import Derivation, derive
from klineforge.lake.table import LakeTable
from klineforge.recipes import silver


def choose_best_revision(klines: LakeTable) -> Derivation:
    """Type Binance's klines and keep the best revision of every coin and open time."""
    return derive(silver.STAGE, klines=klines)


def accept_candles(stage: LakeTable, listing_seed: str) -> Derivation:
    """Accept the candles that keep every rule: on the hour, closed, consistent, inside the coin's listing."""
    return derive(silver.fact(listing_seed), stage=stage)


def quarantine_rejected_records(stage: LakeTable, klines: LakeTable, listing_seed: str) -> Derivation:
    """Keep what was not accepted, with every reason and the record itself."""
    return derive(silver.quarantine(listing_seed), stage=stage, klines=klines)


def join_hours_to_runs(fact: LakeTable) -> Derivation:
    """Join candles that follow each other hour by hour to runs, which tell in few rows where there are candles."""
    return derive(silver.RUNS, fact=fact)


def find_missing_hours(runs: LakeTable, listing_seed: str) -> Derivation:
    """Find the stretches without candles, and tell outages and hours without a listing from the rest."""
    return derive(silver.gaps(listing_seed), runs=runs)
