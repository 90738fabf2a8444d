"""The second engine of ``mart_correlations``: blocks of hours, each a few matrix products in NumPy.

The same rows as the window functions of :mod:`klineforge.tables.correlations`, the reference; a property test holds the
two equal. A pair's hours leave Python as arrays, one row per pair and block, so that names, regimes and alerts are made
in the JVM and no text crosses over for every hour.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from klineforge.contracts.marts import MART_CORRELATIONS
from klineforge.formulas.correlation import correlation_regime, is_breakdown
from klineforge.formulas.windows import SERIES
from klineforge.kernels.correlation import WINDOW, hourly_returns, rolling_correlations
from klineforge.kernels.correlation_rows import listings_in_order
from klineforge.tables.conform import conform

BLOCK_HOURS = 28 * 24
# An alert at t compares with t - 1 h, whose window needs returns of 24 hours, the first from a close an hour earlier.
MARGIN_HOURS = WINDOW + 1
_MICROSECONDS = 3_600_000_000

_BLOCK_SCHEMA = (
    "exchange string, base_coin string, related_coin string, hours array<bigint>, correlations array<double>, "
    "hour_before array<double>, observations array<int>"
)


def correlations_1h_blocks(candles: DataFrame, min_observations: int) -> DataFrame:
    """Correlate the returns of every pair of coins over the trailing day.

    Args:
        candles: ``fact_1h_klines`` or a range of it; one row per exchange, coin and open time. A row is right when the
            candles of the 25 hours before it are present.
        min_observations: Hours with both returns below which a correlation is null, 2 to 24.

    Returns:
        ``mart_correlations``, one row per hour and pair of which both coins have a candle.
    """
    cells = F.inline(
        F.arrays_zip(
            F.col("hours"),
            F.col("correlations"),
            F.col("hour_before"),
            F.col("observations").alias("observations_24h"),
        )
    )
    correlation = F.col("corr_24h")
    return (
        candles.transform(_in_blocks)
        .groupBy("exchange", "block")
        .applyInArrow(_kernel(min_observations), _BLOCK_SCHEMA)
        .select("exchange", "base_coin", "related_coin", cells)
        .withColumn("open_timestamp", F.timestamp_micros(F.col("hours") * F.lit(_MICROSECONDS)))
        .withColumnRenamed("correlations", "corr_24h")
        .withColumn("correlation_regime", correlation_regime(correlation))
        .withColumn("corr_breakdown_alerts", is_breakdown(correlation, F.col("hour_before")))
        .transform(conform(MART_CORRELATIONS))
    )


def _in_blocks(candles: DataFrame) -> DataFrame:
    """Number the hours and hand each candle to its block and, near a border, to the next one too."""
    hour = F.unix_seconds("open_timestamp") / F.lit(3600)
    numbered = candles.select(*SERIES, hour.cast("bigint").alias("hour"), "close_price")
    own = F.floor(F.col("hour") / F.lit(BLOCK_HOURS))
    last = F.floor((F.col("hour") + F.lit(MARGIN_HOURS)) / F.lit(BLOCK_HOURS))
    blocks = F.when(own == last, F.array(own)).otherwise(F.array(own, last))
    return numbered.withColumn("block", F.explode(blocks))


def _kernel(min_observations: int) -> Callable[[tuple[pa.Scalar, ...], pa.Table], pa.Table]:
    # Spark reads the kind of function from its annotations, which a partial does not have.
    def correlate(key: tuple[pa.Scalar, ...], rows: pa.Table) -> pa.Table:
        return correlate_block(key[0].as_py(), key[1].as_py(), rows, min_observations)

    return correlate


def correlate_block(exchange: str, block: int, rows: pa.Table, min_observations: int) -> pa.Table:
    """Correlate all pairs of one exchange over one block of hours.

    Args:
        exchange: Exchange code.
        block: Number of the block since 1970.
        rows: ``coin``, ``listing_seq``, ``hour`` since 1970 and ``close_price`` of the block and the margin before it.
        min_observations: As for ``correlations_1h_blocks``.

    Returns:
        One row per pair of listings with its hours as lists.
    """
    coins, columns = listings_in_order(rows["coin"], rows["listing_seq"])
    first = block * BLOCK_HOURS - MARGIN_HOURS
    close = np.full((BLOCK_HOURS + MARGIN_HOURS, len(coins)), np.nan)
    close[rows["hour"].to_numpy() - first, columns] = rows["close_price"].to_numpy()
    found = rolling_correlations(hourly_returns(close), min_observations)
    # The first result is for the hour before the block: only the alert of its first hour asks for it.
    start = MARGIN_HOURS - WINDOW
    return _pairs(
        exchange,
        coins,
        block * BLOCK_HOURS,
        ~np.isnan(close[MARGIN_HOURS - 1 :]),
        found.correlation[start:],
        found.observations[start:],
    )


def _pairs(
    exchange: str,
    coins: list[str],
    first: int,
    present: np.ndarray,
    correlation: np.ndarray,
    observations: np.ndarray,
) -> pa.Table:
    """One row per pair of listings; ``present``, ``correlation``, ``observations`` begin an hour before ``first``."""
    one, two = np.triu_indices(len(coins), 1)
    both = present[:, one] & present[:, two]
    value = np.where(both, correlation[:, one, two], np.nan).T
    here = both[1:].T
    lengths = here.sum(axis=1)
    used = lengths > 0
    offsets = np.concatenate([[0], np.cumsum(lengths[used])]).astype(np.int32)
    hours = np.broadcast_to(np.arange(first, first + here.shape[1]), here.shape)

    def lists(values: pa.Array) -> pa.ListArray:
        return pa.ListArray.from_arrays(pa.array(offsets), values)

    names = np.array(coins, dtype=object)
    return pa.table(
        {
            "exchange": pa.array([exchange] * int(used.sum()), pa.string()),
            "base_coin": pa.array(names[one][used], pa.string()),
            "related_coin": pa.array(names[two][used], pa.string()),
            "hours": lists(pa.array(hours[here])),
            "correlations": lists(pa.array(value[:, 1:][here], from_pandas=True)),
            "hour_before": lists(pa.array(value[:, :-1][here], from_pandas=True)),
            "observations": lists(pa.array(observations[1:, one, two].T[here].astype(np.int32))),
        }
    )
