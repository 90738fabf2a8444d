"""``fact_1h_klines``: the candles that break no rule."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from klineforge.contracts.silver import FACT_1H_KLINES
from klineforge.formulas.acceptance import broken_rules, is_irregular_close
from klineforge.formulas.epochs import last_millisecond_of_hour
from klineforge.formulas.listings import listing_number
from klineforge.reference.listings import Listing
from klineforge.tables.conform import conform

EXCHANGE = "binance"


def accepted_candles(stage: DataFrame, listings: Sequence[Listing]) -> DataFrame:
    """Keep the staged candles that break no rule, flag the odd ones, and fill in nothing.

    Args:
        stage: ``stage_binance_klines``, one row per coin and open time.
        listings: What is known of the coins' listings; an unknown coin is accepted.

    Returns:
        ``fact_1h_klines`` of Binance. ``close_timestamp`` is recomputed from the open time, because the one sent is
        wrong at outage edges (exchange-protocols §1.7).
    """
    opened = F.col("open_timestamp")
    return (
        stage.where(F.size(broken_rules(listings)) == 0)
        .withColumn("exchange", F.lit(EXCHANGE))
        .withColumn("listing_seq", listing_number(listings))
        .withColumn("is_irregular_close", is_irregular_close(opened, F.col("close_timestamp")))
        .withColumn("is_zero_volume", F.col("volume") == 0)
        .withColumn("close_timestamp", last_millisecond_of_hour(opened))
        .transform(conform(FACT_1H_KLINES))
    )
