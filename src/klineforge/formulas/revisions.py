"""Which of several revisions of one candle is believed."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from klineforge.contracts.bronze import SOURCE_RANKS


def source_rank(source_kind: Column) -> Column:
    """How much a source is believed: REST and daily archive agree where the monthly one differs (§1.7, BPD#475).

    Args:
        source_kind: Kind of source as bronze names it.

    Returns:
        INT, higher is better; 0 for a kind without a rank.

    Examples:
        >>> spark.sql("SELECT 1").select(source_rank(F.lit("rest")) > source_rank(F.lit("monthly_archive"))).first()[0]
        True
    """
    rank = F.lit(0)
    for kind, value in SOURCE_RANKS.items():
        rank = F.when(source_kind == kind, F.lit(value)).otherwise(rank)
    return rank


def best_revision_first(
    source_kind: Column, ingestion_ts: Column, sha256: Column, source_row: Column
) -> tuple[Column, ...]:
    """Sort keys that put the revision to keep first: source rank, latest ingestion, then a total tie-break."""
    return source_rank(source_kind).desc(), ingestion_ts.desc(), sha256.asc(), source_row.desc()
