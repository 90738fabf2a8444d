"""``kline_runs``: a coin's candles as unbroken runs of hours, so that few rows tell where there are candles."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from klineforge.contracts.silver import KLINE_RUNS
from klineforge.formulas.windows import MICROSECONDS_PER_HOUR, OPENED, SERIES, in_time_order, with_time_order
from klineforge.tables.conform import conform

_MONTH = (*SERIES, "_month")


def unbroken_runs(fact: DataFrame) -> DataFrame:
    """Join candles of one listing that follow each other hour by hour within a calendar month.

    Args:
        fact: ``fact_1h_klines``, whole months.

    Returns:
        ``kline_runs``; a run that crosses midnight of the first of a month is two rows.
    """
    number = F.row_number().over(in_time_order(*_MONTH))
    hour = F.col(OPENED) / F.lit(MICROSECONDS_PER_HOUR)
    return (
        fact.select(*SERIES, "open_timestamp")
        .withColumn("_month", F.date_trunc("MONTH", "open_timestamp"))
        .transform(with_time_order)
        # Within a run the hours and the row numbers grow alike.
        .withColumn("_run", hour.cast("bigint") - number)
        .groupBy(*_MONTH, "_run")
        .agg(
            F.min("open_timestamp").alias("first_hour"),
            F.max("open_timestamp").alias("last_hour"),
            F.count("*").alias("candles"),
        )
        .transform(conform(KLINE_RUNS))
    )
