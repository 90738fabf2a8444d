"""``labels_1h``: what became of a coin after a candle had closed."""

from __future__ import annotations

import math
from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from klineforge.contracts.features import LABELS_1H
from klineforge.contracts.label_catalogue import BARRIER_HOURS, HORIZONS
from klineforge.formulas.barriers import barrier, hours_to_barrier
from klineforge.formulas.epochs import hours_later
from klineforge.formulas.returns import log_return
from klineforge.formulas.windows import (
    MICROSECONDS_PER_HOUR,
    SERIES,
    coming_hours,
    exactly_hours_later,
    with_time_order,
)
from klineforge.tables.conform import conform


def labels_1h(returns: DataFrame, *, upper: float, lower: float, min_observations: int) -> DataFrame:
    """Label each candle by what its coin's price did afterwards (docs/features.md).

    Args:
        returns: ``mart_returns_1h`` or a range of it. A row is right when the 168 hours after it are present, as far as
            there are any.
        upper: Distance of the upper barrier, in volatilities of 24 h.
        lower: Distance of the lower barrier, likewise, a positive number.
        min_observations: Returns in the 24 h before, below which the volatility says too little for barriers.

    Returns:
        ``labels_1h``, one row per candle; null is what is not known yet, or never will be.
    """
    close = F.col("close_price")
    return (
        returns.select(*SERIES, "open_timestamp", "close_price", "rolling_vol_24h", "observations_24h")
        .transform(with_time_order)
        .withColumns({f"_close_{hours}h": _close_after(hours) for hours in HORIZONS})
        .withColumn("_path", F.collect_list("close_price").over(coming_hours(BARRIER_HOURS, *SERIES)))
        .withColumn("available_at", hours_later(F.col("open_timestamp"), 1))
        .withColumns({f"forward_return_{hours}h": log_return(F.col(f"_close_{hours}h"), close) for hours in HORIZONS})
        .withColumns({f"forward_end_{hours}h": _end_of(hours) for hours in HORIZONS})
        .withColumn("triple_barrier_width_24h", _width(min_observations))
        .transform(_with_triple_barrier(upper, lower))
        .transform(conform(LABELS_1H))
    )


def _close_after(hours: int) -> Column:
    return F.max("close_price").over(exactly_hours_later(hours, *SERIES))


def _end_of(hours: int) -> Column:
    return F.when(F.col(f"_close_{hours}h").isNotNull(), hours_later(F.col("available_at"), hours))


def _width(min_observations: int) -> Column:
    volatility = F.col("rolling_vol_24h")
    is_known = (F.col("observations_24h") >= min_observations) & (volatility > 0)
    return F.when(is_known, volatility * F.lit(math.sqrt(BARRIER_HOURS)))


def _with_triple_barrier(upper: float, lower: float) -> Callable[[DataFrame], DataFrame]:
    close, width, path = F.col("close_price"), F.col("triple_barrier_width_24h"), F.col("_path")
    # A path of which an hour is missing might have reached a barrier unseen, and one that goes on still might.
    is_known = (F.size(path) == BARRIER_HOURS) & width.isNotNull()
    hours, last = F.col("_hours"), F.col("_last")
    labels = {
        "triple_barrier_24h": F.when(hours.isNull(), 0).when(last > close, 1).otherwise(-1),
        "triple_barrier_return_24h": log_return(last, close),
        "triple_barrier_end_24h": F.timestamp_micros(
            F.unix_micros("available_at") + F.coalesce(hours, F.lit(BARRIER_HOURS)) * F.lit(MICROSECONDS_PER_HOUR)
        ),
    }

    def add(rows: DataFrame) -> DataFrame:
        barriers = barrier(close, width, upper), barrier(close, width, -lower)
        ended = F.coalesce(hours, F.lit(BARRIER_HOURS)).cast("int")
        return (
            rows.withColumn("_hours", F.when(is_known, hours_to_barrier(path, *barriers)))
            .withColumn("_last", F.when(is_known, F.element_at(path, ended)))
            .withColumns({name: F.when(is_known, label) for name, label in labels.items()})
        )

    return add
