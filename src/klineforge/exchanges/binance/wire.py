"""The kline record in wire order and wire types, and the Arrow schemas of the bronze tables built from it."""

from __future__ import annotations

import pyarrow as pa

from klineforge.contracts.bronze import (
    BINANCE_EXCHANGE_INFO,
    BINANCE_INGESTION_CHECKPOINTS,
    BINANCE_KLINES_DAILY,
    KLINE_FIELDS,
)
from klineforge.lake.arrow import arrow_schema

INTEGER_FIELDS = frozenset({"open_time", "close_time", "count"})
FIELD_TYPES: dict[str, pa.DataType] = {
    name: pa.int64() if name in INTEGER_FIELDS else pa.string() for name in KLINE_FIELDS
}
RECORD_SCHEMA = pa.schema(
    [
        *((name, data_type) for name, data_type in FIELD_TYPES.items()),
        pa.field("source_row", pa.int32(), nullable=False),
        ("malformed_record", pa.string()),
    ]
)

KLINES_SCHEMA = arrow_schema(BINANCE_KLINES_DAILY)
CHECKPOINTS_SCHEMA = arrow_schema(BINANCE_INGESTION_CHECKPOINTS)
EXCHANGE_INFO_SCHEMA = arrow_schema(BINANCE_EXCHANGE_INFO)
