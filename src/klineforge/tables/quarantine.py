"""``quarantine_klines``: everything that did not become a candle, with the reasons."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from klineforge.contracts.bronze import KLINE_FIELDS
from klineforge.contracts.silver import QUARANTINE_KLINES, STAGE_BINANCE_KLINES
from klineforge.formulas.acceptance import broken_rules
from klineforge.reference.listings import Listing
from klineforge.tables.conform import conform
from klineforge.tables.fact import EXCHANGE
from klineforge.tables.stage import INTERVAL, is_readable

MALFORMED_RECORD = "malformed_record"
UNREADABLE_OPEN_TIME = "unreadable_open_time"

_PROVENANCE = ("source_kind", "source_uri", "source_sha256", "source_row", "ingestion_ts")


def quarantined_records(stage: DataFrame, klines: DataFrame, listings: Sequence[Listing]) -> DataFrame:
    """Collect staged candles that break a rule and bronze records that could not be staged.

    Args:
        stage: ``stage_binance_klines``; only the best revision of a candle is judged.
        klines: ``binance_klines_daily``, for the records that have no readable open time.
        listings: What is known of the coins' listings.

    Returns:
        ``quarantine_klines`` of Binance. ``record`` holds the typed values as JSON, the fields as sent where the open
        time is unreadable, or the raw text of a malformed record; the source names lead back to bronze.
    """
    rejected = _rejected_candles(stage, listings)
    return rejected.unionByName(_unstaged_records(klines)).transform(conform(QUARANTINE_KLINES))


def _rejected_candles(stage: DataFrame, listings: Sequence[Listing]) -> DataFrame:
    values = [name for name in STAGE_BINANCE_KLINES.column_names if name not in (*_PROVENANCE, "coin", "year")]
    return (
        stage.withColumn("reasons", broken_rules(listings))
        .where(F.size("reasons") > 0)
        .select(
            F.lit(EXCHANGE).alias("exchange"),
            "coin",
            F.col("open_timestamp").alias("reported_at"),
            "open_timestamp",
            "reasons",
            _as_json(*values).alias("record"),
            *_PROVENANCE,
        )
    )


def _unstaged_records(klines: DataFrame) -> DataFrame:
    is_malformed = F.col("malformed_record").isNotNull()
    return klines.where((F.col("interval") == INTERVAL) & ~is_readable()).select(
        F.lit(EXCHANGE).alias("exchange"),
        "coin",
        F.col("ingestion_ts").alias("reported_at"),
        F.lit(None).cast("timestamp").alias("open_timestamp"),
        F.array(F.when(is_malformed, MALFORMED_RECORD).otherwise(UNREADABLE_OPEN_TIME)).alias("reasons"),
        F.when(is_malformed, F.col("malformed_record")).otherwise(_as_json(*KLINE_FIELDS)).alias("record"),
        "source_kind",
        "source_uri",
        F.col("sha256").alias("source_sha256"),
        "source_row",
        "ingestion_ts",
    )


def _as_json(*names: str) -> Column:
    return F.to_json(F.struct(*names), {"ignoreNullFields": "false"})
