"""Bronze records for tests: made by hand, or read from the exchange's own archive files."""

from __future__ import annotations

import hashlib
import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from klineforge.contracts import contract_of

WIRE_FIELDS = (
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "count",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
)
_WHOLE = {"open_time", "close_time", "count"}
_ARROW = {
    "STRING": pa.string(),
    "BIGINT": pa.int64(),
    "INT": pa.int32(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
    "DOUBLE": pa.float64(),
}
NEW_YEAR_2021 = 1_609_459_200_000


def record(row: int = 0, **changes: Any) -> dict[str, Any]:
    """A good record of BTCUSDT, 2021-01-01 00:00 UTC, downloaded a day later, with some fields changed.

    Args:
        row: Position in the source; tells records of one test apart.
        changes: Fields by the name of bronze.
    """
    opened = changes.get("open_time", NEW_YEAR_2021)
    good: dict[str, Any] = {
        "open_time": opened,
        "open": "100.0",
        "high": "120.0",
        "low": "90.0",
        "close": "110.0",
        "volume": "5.0",
        "close_time": NEW_YEAR_2021 + 3_599_999,
        "quote_volume": "525.0",
        "count": 7,
        "taker_buy_volume": "2.0",
        "taker_buy_quote_volume": "210.0",
        "ignore": "0",
        "coin": "BTCUSDT",
        "interval": "1h",
        "ingestion_ts": datetime(2021, 1, 2, tzinfo=UTC),
        "source_kind": "monthly_archive",
        "source_uri": "test://record",
        "sha256": "aa",
        "source_row": row,
        "batch_id": "batch",
        "malformed_record": None,
    }
    assert changes.keys() <= good.keys()
    return good | changes


def bronze(spark: SparkSession, records: list[dict[str, Any]]) -> DataFrame:
    """A frame with the columns and types of ``binance_klines_daily``."""
    columns = contract_of("binance_klines_daily").columns
    schema = pa.schema([(column.name, _ARROW[column.type]) for column in columns])
    return spark.createDataFrame(pa.Table.from_pylist(records, schema=schema))


def archive_records(shared_data: Path, pattern: str, ingestion_ts: datetime) -> list[dict[str, Any]]:
    """Records of the exchange's archive files as ingestion would hand them over.

    Args:
        shared_data: Folder that holds ``vision``.
        pattern: Glob below ``vision/data/spot``, for example ``monthly/klines/*/1h/*-2020-12.zip``.
        ingestion_ts: When they were downloaded.
    """
    records = []
    for path in sorted((shared_data / "vision" / "data" / "spot").glob(pattern)):
        content = path.read_bytes()
        provenance = {
            "coin": path.name.split("-")[0],
            "interval": "1h",
            "ingestion_ts": ingestion_ts,
            "source_kind": f"{path.relative_to(shared_data / 'vision' / 'data' / 'spot').parts[0]}_archive",
            "source_uri": path.name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "batch_id": "batch",
            "malformed_record": None,
        }
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            lines = archive.read(archive.namelist()[0]).decode().splitlines()
        for row, line in enumerate(lines):
            fields = dict(zip(WIRE_FIELDS, line.split(","), strict=True))
            typed = {name: int(value) if name in _WHOLE else value for name, value in fields.items()}
            records.append({**typed, **provenance, "source_row": row})
    return records
