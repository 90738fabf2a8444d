"""``mart_volume_metrics_1h``: volume against its recent mean."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from klineforge.contracts.marts import MART_VOLUME_METRICS_1H
from klineforge.formulas.volume import is_spike, spike_ratio, volume_weighted_price
from klineforge.formulas.windows import SERIES, trailing_hours, with_time_order
from klineforge.tables.conform import conform


def volume_metrics_1h(candles: DataFrame) -> DataFrame:
    """Compute rolling volume, spikes and the volume-weighted price (docs/definitions.md).

    Args:
        candles: ``fact_1h_klines`` or a range of it; one row per exchange, coin and open time. A row is right when the
            candles of the 23 hours before it are present.

    Returns:
        ``mart_volume_metrics_1h``, one row per candle.
    """
    last_day = trailing_hours(24, *SERIES)
    volume, average = F.col("volume"), F.col("avg_volume_24h")
    return (
        candles.select(*SERIES, "open_timestamp", "close_price", "volume", "quote_volume")
        .transform(with_time_order)
        .withColumn("rolling_volume_24h", F.sum("volume").over(last_day))
        .withColumn("avg_volume_24h", F.avg("volume").over(last_day))
        .withColumn("observations_24h", F.count("volume").over(last_day))
        .withColumn("rolling_quote_volume_24h", F.sum("quote_volume").over(last_day))
        .withColumn("volume_spike_ratio", spike_ratio(volume, average))
        .withColumn("is_volume_spike", is_spike(volume, average))
        .withColumn("vwap_24h", volume_weighted_price(F.col("rolling_quote_volume_24h"), F.col("rolling_volume_24h")))
        .transform(conform(MART_VOLUME_METRICS_1H))
    )
