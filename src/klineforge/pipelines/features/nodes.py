"""Nodes of the features pipeline."""

from __future__ import annotations

from dataclasses import dataclass

from klineforge.errors import ConfigurationError
from klineforge.incremental.recipe import Derivation, derive
from klineforge.lake.table import LakeTable
from klineforge.pipelines.marts.nodes import IndicatorOptions
from klineforge.recipes import features


@dataclass(frozen=True)
class LabelOptions:
    """Parameters of the triple-barrier labels.

    Args:
        upper: Distance of the upper barrier in volatilities of 24 h (``rolling_vol_24h * sqrt(24)``), above 0.
        lower: Distance of the lower barrier, likewise.
        min_observations: Returns in the 24 h before, below which a row has no barriers, 2 to 24.

    Raises:
        ConfigurationError: When a value is not one of those.
    """

    upper: float = 1.0
    lower: float = 1.0
    min_observations: int = 12

    def __post_init__(self) -> None:
        """Check the values; Kedro makes the object before the run starts."""
        for name in ("upper", "lower"):
            given: object = getattr(self, name)
            if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given < 100:
                raise ConfigurationError(
                    f"parameter labels.{name} must be a number above 0 and below 100, the distance of the barrier in "
                    f"volatilities, found {given!r}; correct it in conf/base/parameters.yml or with --params "
                    f"labels.{name}=1.0"
                )
        least: object = self.min_observations
        if type(least) is not int or not 2 <= self.min_observations <= 24:
            raise ConfigurationError(
                f"parameter labels.min_observations must be a whole number from 2 to 24, found {least!r}; "
                "correct it in conf/base/parameters.yml or with --params labels.min_observations=12"
            )


def compute_features(
    *,
    candles: LakeTable,
    returns: LakeTable,
    volume: LakeTable,
    indicators: LakeTable,
    correlations: LakeTable,
    breadth: LakeTable,
    options: IndicatorOptions,
) -> Derivation:
    """Bring together what is known of each coin when a candle has closed: windows, ranks, market, correlations."""
    return derive(
        features.features(options.reference_coin),
        candles=candles,
        returns=returns,
        volume=volume,
        indicators=indicators,
        correlations=correlations,
        breadth=breadth,
    )


def label_outcomes(returns: LakeTable, options: LabelOptions) -> Derivation:
    """Tell what became of each coin after a candle had closed: forward returns and triple-barrier labels."""
    recipe = features.labels(float(options.upper), float(options.lower), options.min_observations)
    return derive(recipe, returns=returns)


def describe_features(*described: LakeTable) -> Derivation:  # noqa: ARG001  they are there first, that is all
    """Write down what every column of the tables for models is, how far it looks back, and when it is null."""
    return derive(features.CATALOGUE)
