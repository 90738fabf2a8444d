"""Candles in and tables out of Spark, as pandas frames."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

EXCHANGE = "binance"
START = datetime(2021, 3, 1, tzinfo=UTC)


def hour(number: int) -> datetime:
    """The start of an hour of the tests' calendar, counted from 2021-03-01 00:00 UTC."""
    return START + timedelta(hours=number)


def candles(closes: dict[str, dict[int, float]], volumes: dict[str, dict[int, float]] | None = None) -> pd.DataFrame:
    """Candles from closes per coin and hour number; volume 1 and a price of the close where nothing else is said."""
    rows = [
        {
            "exchange": EXCHANGE,
            "coin": coin,
            "listing_seq": 1,
            "open_timestamp": hour(number),
            "close_price": float(close),
            "volume": float((volumes or {}).get(coin, {}).get(number, 1.0)),
        }
        for coin, by_hour in closes.items()
        for number, close in by_hour.items()
    ]
    frame = pd.DataFrame(rows)
    frame["quote_volume"] = frame["volume"] * frame["close_price"]
    return with_utc_microseconds(frame)


def real_candles(shared_data: Path, coins: tuple[str, ...], start: datetime, end: datetime) -> pd.DataFrame:
    """Real candles of ``[start, end)`` under the fact's names.

    Args:
        shared_data: Folder that holds ``spot_1h``.
        coins: Native symbols.
        start: First open time, UTC.
        end: First open time that is left out, UTC.
    """
    frames = []
    for coin in coins:
        frame = pd.read_parquet(shared_data / "spot_1h" / f"{coin}-1h.parquet")
        frame.insert(0, "coin", coin)
        frames.append(frame)
    frame = pd.concat(frames, ignore_index=True)
    frame.insert(0, "exchange", EXCHANGE)
    frame["listing_seq"] = 1
    frame["open_timestamp"] = pd.to_datetime(frame.pop("open_time"), unit="ms", utc=True)
    frame = frame.rename(columns={name: f"{name}_price" for name in ("open", "high", "low", "close")})
    inside = (frame["open_timestamp"] >= start) & (frame["open_timestamp"] < end)
    return with_utc_microseconds(frame[inside].reset_index(drop=True))


def with_utc_microseconds(frame: pd.DataFrame) -> pd.DataFrame:
    """The same frame with Spark's resolution of time, so that comparisons are of like with like."""
    return frame.astype({"open_timestamp": "datetime64[us, UTC]"})


def to_spark(spark: SparkSession, frame: pd.DataFrame) -> DataFrame:
    """A Spark frame with the same columns."""
    return spark.createDataFrame(pa.Table.from_pandas(frame, preserve_index=False))


def to_pandas(frame: DataFrame) -> pd.DataFrame:
    """All rows of a Spark frame."""
    return frame.toArrow().to_pandas()
