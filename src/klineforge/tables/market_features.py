"""Features of a coin among the others of its exchange, hour by hour."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

HOUR = ("exchange", "open_timestamp")
CANDLE = ("exchange", "coin", "open_timestamp")


def with_market(coins: DataFrame) -> DataFrame:
    """Add momentum ranks and the mean returns of all coins to features that have each coin's own returns.

    Args:
        coins: From ``coin_features``, whole hours: every coin of the exchange.
    """
    # In the order of names, because a sum has other last bits in every order.
    everyone = (
        Window.partitionBy(*HOUR).orderBy("coin").rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    )
    counts = {f"n_coins_{hours}h": F.count(f"log_return_{hours}h").over(everyone) for hours in (1, 24, 168)}
    means = {f"market_return_{hours}h": F.avg(f"log_return_{hours}h").over(everyone) for hours in (1, 24)}
    return coins.withColumns(counts | means).withColumns(
        {f"momentum_rank_{hours}h": _momentum_rank(hours) for hours in (24, 168)}
    )


def _momentum_rank(hours: int) -> Column:
    """Share of the other coins with a return that is lower; null where the coin or all others have none."""
    move = F.col(f"_ratio_{hours}h")
    weakest_first = Window.partitionBy(*HOUR).orderBy(move.asc_nulls_last())
    others = F.col(f"n_coins_{hours}h") - F.lit(1)
    return F.when(move.isNotNull(), F.try_divide(F.rank().over(weakest_first) - F.lit(1), others))


def correlations_of_coins(correlations: DataFrame, reference_coin: str) -> DataFrame:
    """Turn pairs into coins: each coin's correlation with the reference coin, and the mean over all its pairs.

    Args:
        correlations: ``mart_correlations``, whole hours.
        reference_coin: Native symbol of the reference coin.

    Returns:
        One row per candle whose coin is part of a pair: ``corr_btc_24h`` (null for the reference coin itself),
        ``n_corr_btc_24h``, ``mean_corr_24h``, ``n_pairs_24h``.
    """
    sides = F.array(
        F.struct(F.col("base_coin").alias("coin"), F.col("related_coin").alias("other")),
        F.struct(F.col("related_coin").alias("coin"), F.col("base_coin").alias("other")),
    )
    is_reference = F.col("side.other") == reference_coin
    return (
        correlations.select(*HOUR, F.explode(sides).alias("side"), "corr_24h", "observations_24h")
        .groupBy("exchange", F.col("side.coin").alias("coin"), "open_timestamp")
        .agg(
            F.max(F.when(is_reference, F.col("corr_24h"))).alias("corr_btc_24h"),
            F.max(F.when(is_reference, F.col("observations_24h"))).alias("n_corr_btc_24h"),
            F.avg("corr_24h").alias("mean_corr_24h"),
            F.count("corr_24h").alias("n_pairs_24h"),
        )
    )


def breadth_of_hours(breadth: DataFrame) -> DataFrame:
    """Take from ``mart_market_breadth_1h`` what is the same for every coin of an hour."""
    return breadth.select(
        *HOUR,
        F.col("return_dispersion").alias("market_dispersion_1h"),
        F.try_divide("advancers", "coins_with_return").alias("market_advancers_1h"),
        F.col("share_above_vwap_24h").alias("market_above_vwap_24h"),
        F.col("coins_with_vwap").alias("n_coins_vwap_24h"),
        F.col("mean_corr_24h").alias("market_mean_corr_24h"),
        F.col("pairs_with_correlation").alias("n_market_pairs_24h"),
    )
