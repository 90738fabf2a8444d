"""``stage_binance_klines``: raw records typed and renamed, the best revision of each."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from klineforge.contracts.silver import STAGE_BINANCE_KLINES
from klineforge.formulas.epochs import epoch_to_timestamp
from klineforge.formulas.revisions import best_revision_first
from klineforge.tables.conform import conform

INTERVAL = "1h"

_NUMBERS = {
    "open_price": "open",
    "high_price": "high",
    "low_price": "low",
    "close_price": "close",
    "volume": "volume",
    "quote_volume": "quote_volume",
    "taker_buy_volume": "taker_buy_volume",
    "taker_buy_quote_volume": "taker_buy_quote_volume",
}


def stage_binance_klines(klines: DataFrame) -> DataFrame:
    """Type Binance's raw klines and keep the best revision of each coin and open time.

    Args:
        klines: ``binance_klines_daily``: records as received, in any order, with all their revisions.

    Returns:
        ``stage_binance_klines``. Records without a readable open time have no key and are left to quarantine.
    """
    typed = klines.where(is_readable()).select(_typed())
    return typed.transform(best_revisions).transform(conform(STAGE_BINANCE_KLINES))


def is_readable() -> Column:
    """The record is an hourly kline in the exchange's 12 fields whose open time has a known unit."""
    decoded = epoch_to_timestamp(F.col("open_time"))
    return F.col("malformed_record").isNull() & (F.col("interval") == INTERVAL) & decoded.isNotNull()


def best_revisions(typed: DataFrame) -> DataFrame:
    """Keep one row per coin and open time: the best source rank, then the latest, then a total tie-break."""
    order = best_revision_first(
        F.col("source_kind"), F.col("ingestion_ts"), F.col("source_sha256"), F.col("source_row")
    )
    revisions = Window.partitionBy("coin", "open_timestamp").orderBy(*order)
    return typed.withColumn("revision", F.row_number().over(revisions)).where(F.col("revision") == 1)


def _typed() -> list[Column]:
    numbers = [F.col(raw).try_cast("double").alias(name) for name, raw in _NUMBERS.items()]
    return [
        F.col("coin"),
        epoch_to_timestamp(F.col("open_time")).alias("open_timestamp"),
        epoch_to_timestamp(F.col("close_time")).alias("close_timestamp"),
        *numbers,
        F.col("count").alias("trade_count"),
        F.col("source_kind"),
        F.col("source_uri"),
        F.col("sha256").alias("source_sha256"),
        F.col("source_row"),
        F.col("ingestion_ts"),
    ]
