"""What correlations cannot go below: join the pairs' returns and write them: ``join_only LAKE FOLDER``.

The session, the columns and the layout of ``mart_correlations``, with the product of the returns in place of the
correlation and constants in place of the rest. Prints the seconds after Spark has started.
"""

from __future__ import annotations

import sys
import time

from pyspark.sql import functions as F

from klineforge.contracts.marts import MART_CORRELATIONS
from klineforge.spark.session import get_session


def main(lake: str, folder: str) -> None:
    """Join and write."""
    spark = get_session()
    started = time.monotonic()
    returns = spark.read.format("delta").load(f"{lake}/marts/mart_returns_1h")
    hour = ["exchange", "open_timestamp"]
    base = returns.select(*hour, F.col("coin").alias("base_coin"), F.col("return_pct").alias("one"))
    related = returns.select(*hour, F.col("coin").alias("related_coin"), F.col("return_pct").alias("other"))
    pairs = base.join(related, on=hour).where(F.col("base_coin") < F.col("related_coin"))
    table = pairs.select(
        "exchange",
        "base_coin",
        "related_coin",
        "open_timestamp",
        (F.col("one") * F.col("other")).alias("corr_24h"),
        F.lit(24).alias("observations_24h"),
        F.lit("High").alias("correlation_regime"),
        F.lit(False).alias("corr_breakdown_alerts"),
        F.year("open_timestamp").alias("year"),
    )
    writer = table.sortWithinPartitions("year", *MART_CORRELATIONS.sort_by).write.format("delta").partitionBy("year")
    writer.option("delta.dataSkippingStatsColumns", "open_timestamp,exchange").save(folder)
    print(f"seconds {time.monotonic() - started:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
