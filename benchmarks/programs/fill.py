"""Fill bronze directly, without archives and checkpoints: ``fill LAKE COINS HOURS``."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

import polars as pl
import pyarrow as pa

from benchmarks.market import Market
from benchmarks.wire import as_wire
from klineforge.datasets.delta_table import Append, DeltaTableDataset
from klineforge.exchanges.binance.wire import KLINES_SCHEMA
from klineforge.pipelines.bronze.layout import KLINE_LAYOUT

_ROWS_OF_AN_APPEND = 250_000


def main(lake: str, coins: str, hours: str) -> None:
    """Append the history of one coin after the other, in appends of the size that ingestion makes."""
    market = Market(int(coins), int(hours))
    dataset = DeltaTableDataset(contract="binance_klines_daily", path=f"{lake}/bronze/binance_klines_daily")
    for identity, rows in appends(market):
        dataset.save(Append(rows, identity, {}, KLINE_LAYOUT))


def appends(market: Market) -> Iterator[tuple[str, pa.Table]]:
    """Bronze rows of the history, some coins at a time, each with an identity."""
    coins_of_an_append = max(1, _ROWS_OF_AN_APPEND // market.hours)
    frames = (frame.filter(pl.col("hour") < market.end) for frame in market.by_coin())
    number = 0
    while some := list(islice(frames, coins_of_an_append)):
        identity = f"{market.label}-{number}"
        yield identity, bronze_rows(pl.concat(some), identity, "monthly_archive")
        number += 1


def bronze_rows(candles: pl.DataFrame, identity: str, source_kind: str) -> pa.Table:
    """Candles as rows of ``binance_klines_daily``; each coin is one source."""
    told: dict[str, pl.Expr | pl.Series] = {
        "coin": candles["coin"],
        "interval": pl.lit("1h"),
        "ingestion_ts": pl.lit(datetime(2026, 6, 1, tzinfo=UTC)),
        "source_kind": pl.lit(source_kind),
        "source_uri": pl.lit("http://127.0.0.1/"),
        "sha256": candles["coin"].map_elements(
            lambda coin: hashlib.sha256(f"{identity} {coin}".encode()).hexdigest(), pl.String
        ),
        "source_row": pl.int_range(pl.len(), dtype=pl.Int32).over(candles["coin"]),
        "batch_id": pl.lit(identity),
        "malformed_record": pl.lit(None, pl.String),
    }
    rows = as_wire(candles).with_columns(**told).select(KLINES_SCHEMA.names)
    return rows.to_arrow().cast(KLINES_SCHEMA)


if __name__ == "__main__":
    main(*sys.argv[1:])
