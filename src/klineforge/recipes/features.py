"""Recipes of the tables for models."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from klineforge.contracts.catalogue_rows import catalogue_rows, catalogue_version
from klineforge.contracts.features import FEATURE_CATALOGUE, FEATURES_1H, LABELS_1H
from klineforge.contracts.label_catalogue import HORIZONS
from klineforge.incremental.recipe import Reach, Recipe, Stream
from klineforge.lake.arrow import arrow_schema
from klineforge.lake.writing import arrow_frame
from klineforge.spark.session import get_session
from klineforge.tables.features import features_1h
from klineforge.tables.labels import labels_1h

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Rows are about available_at, an hour after the open time that the inputs are about.
_HOUR = timedelta(hours=1)
_THAT_HOUR = Reach(back=_HOUR, forward=_HOUR)
# The longest window of a coin's own candles and returns; longer ones are in the marts already.
_WEEK = timedelta(hours=168) + _HOUR
_LONGEST_HORIZON = timedelta(hours=max(HORIZONS)) - _HOUR


def features(reference_coin: str) -> Recipe:
    """What is known of each coin at the end of each hour; another reference coin makes another version of the table.

    Args:
        reference_coin: Native symbol of the coin that correlations refer to.
    """
    return Recipe(
        output=FEATURES_1H,
        inputs={
            "candles": Reach(back=_WEEK, forward=_WEEK),
            "returns": Reach(back=_WEEK, forward=_WEEK),
            "volume": _THAT_HOUR,
            "indicators": _THAT_HOUR,
            "correlations": _THAT_HOUR,
            "breadth": _THAT_HOUR,
        },
        transform=partial(features_1h, reference_coin=reference_coin),
        # Ranks and means are over all coins of the exchange.
        by=("exchange",),
        version=f"1-{reference_coin}",
    )


def labels(upper: float, lower: float, min_observations: int) -> Recipe:
    """What became of each coin; other barriers make another version of the table.

    Args:
        upper: Distance of the upper barrier in volatilities of 24 h, above 0.
        lower: Distance of the lower barrier, likewise.
        min_observations: Returns in the 24 h before, below which there are no barriers, 2 to 24.
    """
    return Recipe(
        output=LABELS_1H,
        inputs={"returns": Reach(back=_HOUR, forward=_HOUR, ahead=_LONGEST_HORIZON)},
        transform=partial(labels_1h, upper=upper, lower=lower, min_observations=min_observations),
        by=("exchange", "coin"),
        version=f"1-{upper}-{lower}-min{min_observations}",
    )


def _catalogue() -> pa.Table:
    return pa.Table.from_pylist(catalogue_rows(), schema=arrow_schema(FEATURE_CATALOGUE))


def _catalogue_frame() -> DataFrame:
    return arrow_frame(get_session(), _catalogue())


def _catalogue_stream() -> pa.RecordBatchReader:
    return _catalogue().to_reader()


# What the columns are follows from this package alone; a lake in a folder gets it without Spark.
CATALOGUE = Recipe(
    output=FEATURE_CATALOGUE,
    inputs={},
    transform=_catalogue_frame,
    bulk_stream=Stream({}, _catalogue_stream),
    by=None,
    version=catalogue_version(),
)
