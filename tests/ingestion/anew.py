"""Files published anew, and what bronze then says about them."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
from ingestion.fakes import csv_of, kline, millis, utc, zipped
from ingestion.lake import Lake

from klineforge.contracts.bronze import SOURCE_RANKS


def file_of(closes: dict[datetime, str], name: str) -> bytes:
    """An archive file with these closing prices."""
    return zipped(
        name.replace(".zip", ".csv"), csv_of(kline(opened, close) for opened, close in sorted(closes.items()))
    )


def believed(lake: Lake, coin: str = "BTCUSDT") -> dict[datetime, str]:
    """The closing price that silver would take of each hour: best source, then latest, then the total tie-break."""
    rows = lake.table("klines").filter((pl.col("coin") == coin) & pl.col("open_time").is_not_null())
    ranked = rows.with_columns(rank=pl.col("source_kind").replace_strict(SOURCE_RANKS, return_dtype=pl.Int32)).sort(
        "rank", "ingestion_ts", "sha256", "source_row", descending=[False, False, True, False]
    )
    return {utc("1970-01-01") + timedelta(milliseconds=row["open_time"]): row["close"] for row in ranked.to_dicts()}


def revisions(lake: Lake, opened: datetime) -> list[tuple[str, str]]:
    """Source and closing price of every revision of an hour, in the order they came."""
    rows = lake.table("klines").filter(pl.col("open_time") == millis(opened)).sort("ingestion_ts")
    return rows.select("source_kind", "close").rows()


def checkpoints(lake: Lake, name: str) -> list[dict[str, object]]:
    """What ingestion has noted about a file, in the order of its downloads."""
    rows = lake.table("checkpoints").filter(pl.col("source_uri").str.ends_with(name)).sort("ingestion_ts")
    return rows.select("status", "row_count", "message", "sha256", "batch_id").to_dicts()
