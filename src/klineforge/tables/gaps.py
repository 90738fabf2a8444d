"""``kline_gaps``: the hours that are missing between a coin's candles."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from klineforge.contracts.silver import KLINE_GAPS
from klineforge.formulas.epochs import HOUR, hours_later, whole_hours_between
from klineforge.tables.conform import conform

_HOUR_OF_EXCHANGE = ("exchange", "open_timestamp")
COINS_OF_AN_OUTAGE = 2


def missing_hours(runs: DataFrame) -> DataFrame:
    """List every hour between a coin's first and last candle without a candle, and say why as far as is known.

    An hour no listed coin has a candle for is an outage of the exchange, when at least two coins lack it. A coin counts
    as listed between its first and its last candle, so those that lack an hour without any candle are all there are.

    Args:
        runs: ``kline_runs``, whole histories.

    Returns:
        ``kline_gaps``, one row per exchange, coin and missing hour.
    """
    missing = runs.transform(_hours_between_neighbours)
    coins_lacking = F.count("coin").over(Window.partitionBy(*_HOUR_OF_EXCHANGE))
    is_outage = F.col("_anyone_traded").isNull() & (F.col("_coins_lacking") >= COINS_OF_AN_OUTAGE)
    return (
        missing.withColumn("_coins_lacking", coins_lacking)
        .join(_hours_anyone_traded(missing, runs), on=list(_HOUR_OF_EXCHANGE), how="left")
        .withColumn("kind", F.when(is_outage, "exchange_outage").otherwise("unexplained"))
        .transform(conform(KLINE_GAPS))
    )


def _hours_anyone_traded(missing: DataFrame, runs: DataFrame) -> DataFrame:
    """Those of the missing hours that lie in some coin's run; runs end with their month, so months can be joined."""
    month = F.date_trunc("MONTH", "open_timestamp")
    hours = missing.select(*_HOUR_OF_EXCHANGE).distinct().withColumn("_month", month)
    covering = runs.select("exchange", "first_hour", "last_hour", F.date_trunc("MONTH", "first_hour").alias("_month"))
    return (
        hours.join(covering, on=["exchange", "_month"], how="inner")
        .where(F.col("open_timestamp").between(F.col("first_hour"), F.col("last_hour")))
        .select(*_HOUR_OF_EXCHANGE, F.lit(True).alias("_anyone_traded"))
        .distinct()
    )


def _hours_between_neighbours(runs: DataFrame) -> DataFrame:
    in_order = Window.partitionBy("exchange", "coin").orderBy("first_hour")
    last, following = F.col("last_hour"), F.col("_following")
    missing = F.sequence(hours_later(last, 1), hours_later(following, -1), F.lit(HOUR))
    return (
        runs.withColumn("_following", F.lead("first_hour").over(in_order))
        .withColumn("gap_hours", whole_hours_between(last, following) - 1)
        .where(F.col("gap_hours") > 0)
        .select("exchange", "coin", hours_later(last, 1).alias("gap_start"), "gap_hours", missing.alias("_missing"))
        .select("exchange", "coin", "gap_start", "gap_hours", F.explode("_missing").alias("open_timestamp"))
    )
