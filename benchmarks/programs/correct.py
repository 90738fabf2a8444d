"""Append a corrected candle to bronze: ``correct LAKE COIN HOUR``; the close is a thousandth higher than before."""

from __future__ import annotations

import hashlib
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from klineforge.contracts.bronze import KLINE_FIELDS
from klineforge.datasets.delta_table import Append, DeltaTableDataset
from klineforge.exchanges.binance.wire import KLINES_SCHEMA
from klineforge.pipelines.bronze.layout import KLINE_LAYOUT

FACTOR = 1.001


def main(lake: str, coin: str, hour: str) -> None:
    """Find the candle, raise its close, append it as a revision of REST."""
    path = Path(lake, "bronze", "binance_klines_daily")
    opened = datetime.fromisoformat(hour)
    found = pl.scan_delta(str(path)).filter(pl.col("candle_hour") == opened, pl.col("coin") == coin).collect()
    record = found.sort("ingestion_ts").row(-1, named=True)
    record["close"] = f"{float(record['close']) * FACTOR:.8f}"
    record["high"] = f"{max(float(record['high']), float(record['close'])):.8f}"
    text = ",".join(str(record[name]) for name in KLINE_FIELDS)
    record.update(
        ingestion_ts=datetime.now(UTC),
        source_kind="rest",
        source_uri="http://127.0.0.1/",
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        source_row=0,
        batch_id=f"correction-{coin}-{hour}",
    )
    rows = pl.DataFrame([record], schema=found.schema).select(KLINES_SCHEMA.names).to_arrow().cast(KLINES_SCHEMA)
    dataset = DeltaTableDataset(contract="binance_klines_daily", path=str(path))
    dataset.save(Append(rows, record["batch_id"], {}, KLINE_LAYOUT))


if __name__ == "__main__":
    main(*sys.argv[1:])
