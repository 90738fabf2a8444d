"""``kline_gaps``: the hours that are missing between a coin's candles."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from klineforge.contracts.silver import KLINE_GAPS
from klineforge.formulas.epochs import HOUR, hours_later, whole_hours_between
from klineforge.formulas.windows import in_time_order, with_time_order
from klineforge.tables.conform import conform

_HOUR_OF_EXCHANGE = ("exchange", "open_timestamp")
COINS_OF_AN_OUTAGE = 2


def missing_hours(fact: DataFrame) -> DataFrame:
    """List every hour between a coin's first and last candle without a candle, and say why as far as is known.

    An hour no listed coin has a candle for is an outage of the exchange, when at least two coins lack it. A coin counts
    as listed between its first and its last candle, so those that lack an hour without any candle are all there are.

    Args:
        fact: ``fact_1h_klines``, whole histories.

    Returns:
        ``kline_gaps``, one row per exchange, coin and missing hour.
    """
    candles = fact.select("exchange", "coin", "open_timestamp")
    hours_with_candles = candles.select(*_HOUR_OF_EXCHANGE).distinct().withColumn("_anyone_traded", F.lit(True))
    coins_lacking = F.count("coin").over(Window.partitionBy(*_HOUR_OF_EXCHANGE))
    is_outage = F.col("_anyone_traded").isNull() & (F.col("_coins_lacking") >= COINS_OF_AN_OUTAGE)
    return (
        candles.transform(with_time_order)
        .transform(_hours_between_neighbours)
        .withColumn("_coins_lacking", coins_lacking)
        .join(hours_with_candles, on=list(_HOUR_OF_EXCHANGE), how="left")
        .withColumn("kind", F.when(is_outage, "exchange_outage").otherwise("unexplained"))
        .transform(conform(KLINE_GAPS))
    )


def _hours_between_neighbours(candles: DataFrame) -> DataFrame:
    opened, following = F.col("open_timestamp"), F.col("_following")
    missing = F.sequence(hours_later(opened, 1), hours_later(following, -1), F.lit(HOUR))
    return (
        candles.withColumn("_following", F.lead("open_timestamp").over(in_time_order("exchange", "coin")))
        .withColumn("gap_hours", whole_hours_between(opened, following) - 1)
        .where(F.col("gap_hours") > 0)
        .select("exchange", "coin", hours_later(opened, 1).alias("gap_start"), "gap_hours", missing.alias("_missing"))
        .select("exchange", "coin", "gap_start", "gap_hours", F.explode("_missing").alias("open_timestamp"))
    )
