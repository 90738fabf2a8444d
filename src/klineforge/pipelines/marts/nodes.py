"""Nodes of the marts pipeline."""

from __future__ import annotations

from dataclasses import dataclass

from klineforge.errors import ConfigurationError
from klineforge.incremental.recipe import Derivation, derive
from klineforge.lake.table import LakeTable
from klineforge.recipes import marts


@dataclass(frozen=True)
class CorrelationOptions:
    """Parameters of the correlations.

    Args:
        min_observations: Hours in which both returns must exist for a correlation to be given, 2 to 24.

    Raises:
        ConfigurationError: When out of range.
    """

    min_observations: int = 12

    def __post_init__(self) -> None:
        if not isinstance(self.min_observations, int) or not 2 <= self.min_observations <= 24:
            raise ConfigurationError(
                f"parameter correlations.min_observations must be a whole number from 2 to 24, got "
                f"{self.min_observations!r}; correct it in conf or with --params"
            )


def compute_returns_and_drawdowns(candles: LakeTable) -> Derivation:
    """Compute hourly returns, 24-hour volatility with its regime, and the drawdown from the highest close so far."""
    return derive(marts.RETURNS, candles=candles)


def compute_volume_metrics(candles: LakeTable) -> Derivation:
    """Compare volume with its 24-hour mean, flag spikes, and compute the 24-hour VWAP."""
    return derive(marts.VOLUME, candles=candles)


def rank_top_movers(returns: LakeTable, volume: LakeTable) -> Derivation:
    """Rank the coins of each hour by the size of their move times their relative volume."""
    return derive(marts.MOVERS, returns=returns, volume=volume)


def correlate_pairs(candles: LakeTable, options: CorrelationOptions) -> Derivation:
    """Correlate the hourly returns of every pair of coins over 24 hours and raise breakdown alerts."""
    return derive(marts.correlations(options.min_observations), candles=candles)
