"""The machine of docs/alerts.md, step by step and per period, as slow and as plain as can be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import polars as pl

HOUR = timedelta(hours=1)
PERIOD = 672 * HOUR
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def period_of(hour: datetime) -> int:
    return (hour - EPOCH) // PERIOD


def fires(values: Mapping[datetime, float | None], above: float, rearm: float, cool_down: int) -> list[datetime]:
    """Hours at which the machine of their own period fires."""
    found = []
    for period in sorted({period_of(hour) for hour in values}):
        armed, silent_until = True, EPOCH
        for hour, value in sorted(values.items()):
            if value is None or not period - 1 <= period_of(hour) <= period:
                continue
            if value < rearm:
                armed = True
            elif value >= above and armed and hour >= silent_until:
                armed, silent_until = False, hour + cool_down * HOUR
                if period_of(hour) == period:
                    found.append(hour)
    return found


def figures(
    values: Mapping[datetime, float | None], above: float, rearm: float, cool_down: int, subject: str = "binance/A"
) -> pl.DataFrame:
    """Figures as ``rising_edges`` takes them."""
    rows = [("binance", subject, hour, value, above, rearm, cool_down) for hour, value in values.items()]
    schema = {
        "exchange": pl.String,
        "subject": pl.String,
        "hour": pl.Datetime("us", "UTC"),
        "value": pl.Float64,
        "above": pl.Float64,
        "rearm": pl.Float64,
        "cool_down_hours": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")
