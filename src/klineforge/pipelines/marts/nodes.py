"""Nodes of the marts pipeline."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import get_args

from klineforge.errors import ConfigurationError
from klineforge.incremental.recipe import Derivation, derive
from klineforge.lake.table import LakeTable
from klineforge.recipes import marts
from klineforge.tables.indicators import MONTH_HOURS


@dataclass(frozen=True)
class CorrelationOptions:
    """Parameters of the correlations.

    Args:
        min_observations: Hours in which both returns must exist for a correlation to be given, 2 to 24.
        engine: ``windows``, ``blocks`` or ``auto``; all give the same rows.

    Raises:
        ConfigurationError: When a value is not one of those.
    """

    min_observations: int = 12
    engine: marts.Engine = "auto"

    def __post_init__(self) -> None:
        """Check the values; Kedro makes the object before the run starts."""
        given: object = self.min_observations
        if type(given) is not int or not 2 <= self.min_observations <= 24:
            raise ConfigurationError(
                f"parameter correlations.min_observations must be a whole number from 2 to 24, found {given!r}; "
                "correct it in conf/base/parameters.yml or with --params correlations.min_observations=12"
            )
        if self.engine not in get_args(marts.Engine):
            raise ConfigurationError(
                f"parameter correlations.engine must be windows, blocks or auto, found {self.engine!r}; "
                "correct it in conf/base/parameters.yml or with --params correlations.engine=auto"
            )


@dataclass(frozen=True)
class IndicatorOptions:
    """Parameters of the indicators.

    Args:
        reference_coin: Native symbol of the coin that betas are against.
        min_observations: Hours of the last 720 in which both returns must exist for a beta to be given, 2 to 720.

    Raises:
        ConfigurationError: When a value is not one of those.
    """

    reference_coin: str = "BTCUSDT"
    min_observations: int = 360

    def __post_init__(self) -> None:
        """Check the values; Kedro makes the object before the run starts."""
        coin: object = self.reference_coin
        if not isinstance(coin, str) or not re.fullmatch(r"\w+", coin):
            raise ConfigurationError(
                f"parameter indicators.reference_coin must be a coin as the exchange names it, found {coin!r}; "
                "correct it in conf/base/parameters.yml or with --params indicators.reference_coin=BTCUSDT"
            )
        given: object = self.min_observations
        if type(given) is not int or not 2 <= self.min_observations <= MONTH_HOURS:
            raise ConfigurationError(
                f"parameter indicators.min_observations must be a whole number from 2 to {MONTH_HOURS}, "
                f"found {given!r}; "
                "correct it in conf/base/parameters.yml or with --params indicators.min_observations=360"
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
    return derive(marts.correlations(options.min_observations, options.engine), candles=candles)


def measure_market_breadth(returns: LakeTable, volume: LakeTable, correlations: LakeTable) -> Derivation:
    """Count the coins of each hour that rose and fell, and measure their dispersion and mean correlation."""
    return derive(marts.BREADTH, returns=returns, volume=volume, correlations=correlations)


def measure_momentum_and_trend(returns: LakeTable, volume: LakeTable, options: IndicatorOptions) -> Derivation:
    """Compute momentum, trend, relative volume and the beta to the reference coin."""
    recipe = marts.indicators(options.reference_coin, options.min_observations)
    return derive(recipe, returns=returns, volume=volume)
