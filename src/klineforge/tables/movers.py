"""``mart_top_movers``: the coins of each hour, strongest move first."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from klineforge.contracts.marts import MART_TOP_MOVERS
from klineforge.formulas.volume import mover_signal
from klineforge.tables.conform import conform

CANDLE = ("exchange", "coin", "open_timestamp")


def top_movers(returns: DataFrame, volume: DataFrame) -> DataFrame:
    """Rank the coins of each hour and exchange by move times relative volume (docs/definitions.md).

    Args:
        returns: ``mart_returns_1h``, whole hours.
        volume: ``mart_volume_metrics_1h`` of the same hours; both marts hold one row per candle.

    Returns:
        ``mart_top_movers``, one row per candle; null signals rank last, ties by coin.
    """
    moves = returns.select(*CANDLE, "return_pct", "log_return", "rolling_vol_24h")
    ratios = volume.select(*CANDLE, "volume_spike_ratio")
    strongest_first = Window.partitionBy("exchange", "open_timestamp").orderBy(
        F.col("mover_signal").desc_nulls_last(), F.col("coin").asc()
    )
    return (
        moves.join(ratios, on=list(CANDLE), how="inner")
        .withColumn("mover_signal", mover_signal(F.col("return_pct"), F.col("volume_spike_ratio")))
        .withColumn("mover_rank", F.row_number().over(strongest_first))
        .transform(conform(MART_TOP_MOVERS))
    )
