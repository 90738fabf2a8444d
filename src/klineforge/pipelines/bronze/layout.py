"""SQL expressions of the columns that bronze adds for skipping files."""

from __future__ import annotations

from collections.abc import Mapping

# Epochs of 16 digits are microseconds, of 13 milliseconds; what is neither files under the download hour.
KLINE_LAYOUT: Mapping[str, str] = {
    "candle_hour": (
        "date_trunc('HOUR', coalesce("
        "CASE WHEN open_time BETWEEN 1000000000000 AND 9999999999999 THEN timestamp_millis(open_time) "
        "WHEN open_time BETWEEN 1000000000000000 AND 9999999999999999 THEN timestamp_micros(open_time) END, "
        "ingestion_ts))"
    )
}
