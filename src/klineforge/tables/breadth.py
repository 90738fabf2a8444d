"""``mart_market_breadth_1h``: how many coins of an exchange moved which way, and how closely together."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from klineforge.contracts.marts import MART_MARKET_BREADTH_1H
from klineforge.tables.conform import conform

HOUR = ["exchange", "open_timestamp"]


def market_breadth_1h(returns: DataFrame, volume: DataFrame, correlations: DataFrame) -> DataFrame:
    """Summarise the coins and the pairs of each hour and exchange (docs/definitions.md).

    Args:
        returns: ``mart_returns_1h``, whole hours.
        volume: ``mart_volume_metrics_1h`` of the same hours; both marts hold one row per candle.
        correlations: ``mart_correlations`` of the same hours; none for an hour with a single coin.

    Returns:
        ``mart_market_breadth_1h``, one row per exchange and hour with a candle.
    """
    change, is_above = F.col("return_pct"), F.col("close_price") > F.col("vwap_24h")
    rose, fell = F.count_if(change > 0), F.count_if(change < 0)
    # In the order of names, because a sum has other last bits in every order.
    coins = Window.partitionBy(*HOUR).orderBy("coin").rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    moves = (
        returns.select(*HOUR, "coin", change)
        .withColumns({"_mean": F.avg(change).over(coins), "_deviation": F.stddev_samp(change).over(coins)})
        .groupBy(HOUR)
        .agg(
            F.count(change).alias("coins_with_return"),
            rose.alias("advancers"),
            fell.alias("decliners"),
            F.count_if(change == 0).alias("unchanged"),
            F.try_divide(rose, fell).alias("advance_decline_ratio"),
            F.any_value("_mean").alias("mean_return"),
            F.any_value("_deviation").alias("return_dispersion"),
        )
    )
    prices = volume.groupBy(HOUR).agg(
        F.count(is_above).alias("coins_with_vwap"), F.avg(is_above.cast("int")).alias("share_above_vwap_24h")
    )
    pairs = correlations.groupBy(HOUR).agg(
        F.count("corr_24h").alias("pairs_with_correlation"), F.avg("corr_24h").alias("mean_corr_24h")
    )
    return (
        moves.join(prices, on=HOUR, how="inner")
        .join(pairs, on=HOUR, how="left")
        .fillna(0, subset="pairs_with_correlation")
        .transform(conform(MART_MARKET_BREADTH_1H))
    )
