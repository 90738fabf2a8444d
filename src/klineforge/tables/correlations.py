"""``mart_correlations``: how each pair of coins moved together, by window functions."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from klineforge.contracts.marts import MART_CORRELATIONS
from klineforge.formulas.correlation import clipped, correlation_regime, is_breakdown, pearson
from klineforge.formulas.returns import simple_return
from klineforge.formulas.windows import OPENED, SERIES, exactly_hours_ago, trailing_hours, with_time_order
from klineforge.tables.conform import conform
from klineforge.tables.returns import with_previous_close

PAIR = ("exchange", "base_coin", "_base_listing", "related_coin", "_related_listing")


def correlations_1h(candles: DataFrame, min_observations: int) -> DataFrame:
    """Correlate the returns of every pair of coins over the trailing day (docs/definitions.md).

    Args:
        candles: ``fact_1h_klines`` or a range of it; one row per exchange, coin and open time. A row is right when the
            candles of the 25 hours before it are present.
        min_observations: Hours with both returns below which a correlation is null, 2 to 24.

    Returns:
        ``mart_correlations``, one row per hour and pair of which both coins have a candle.
    """
    last_day = trailing_hours(24, *PAIR)
    correlation = F.col("corr_24h")
    moments = F.col("_covariance"), F.col("_base_spread"), F.col("_related_spread")
    is_enough = F.col("observations_24h") >= min_observations
    return (
        candles.transform(_pair_returns)
        .withColumn("observations_24h", F.count("base_return").over(last_day))
        .withColumn("_covariance", F.covar_pop("base_return", "related_return").over(last_day))
        .withColumn("_base_spread", F.stddev_pop("base_return").over(last_day))
        .withColumn("_related_spread", F.stddev_pop("related_return").over(last_day))
        .withColumn("_correlation", pearson(*moments))
        .withColumn("corr_24h", F.when(is_enough, clipped(F.col("_correlation"))))
        .withColumn("_corr_hour_before", F.max(correlation).over(exactly_hours_ago(1, *PAIR)))
        .withColumn("correlation_regime", correlation_regime(correlation))
        .withColumn("corr_breakdown_alerts", is_breakdown(correlation, F.col("_corr_hour_before")))
        .transform(conform(MART_CORRELATIONS))
    )


def _pair_returns(candles: DataFrame) -> DataFrame:
    """One row per hour and pair; both returns are null where either is, so that both count the same hours."""
    returns = (
        candles.select(*SERIES, "open_timestamp", "close_price")
        .transform(with_time_order)
        .transform(with_previous_close)
        .withColumn("return_pct", simple_return(F.col("close_price"), F.col("prev_close")))
    )
    hour = ["exchange", "open_timestamp", OPENED]
    base, related = (
        returns.select(
            *hour,
            F.col("coin").alias(f"{side}_coin"),
            F.col("listing_seq").alias(f"_{side}_listing"),
            F.col("return_pct").alias(f"_{side}"),
        )
        for side in ("base", "related")
    )
    both = F.col("_base").isNotNull() & F.col("_related").isNotNull()
    return (
        base.join(related, on=hour, how="inner")
        .where(F.col("base_coin") < F.col("related_coin"))
        .select(
            *PAIR,
            "open_timestamp",
            OPENED,
            F.when(both, F.col("_base")).alias("base_return"),
            F.when(both, F.col("_related")).alias("related_return"),
        )
    )
