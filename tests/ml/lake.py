"""A lake with features and labels of a few coins: shaped by the contracts, values invented. No Spark."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from deltalake import write_deltalake
from ml.panels import HOUR, START

from klineforge.contracts.features import FEATURES_1H, LABELS_1H
from klineforge.contracts.label_catalogue import LABELS
from klineforge.domain.contract import TableContract
from klineforge.lake.arrow import conformed

COINS = ("ADAUSDT", "BTCUSDT", "ETHUSDT")
# From December on, so that there are two partitions.
FIRST = START - timedelta(hours=60)
HOURS = 200


def write_lake(root: Path, hours: int = HOURS, first_hour: int = 0) -> Path:
    """Append hours to both tables; the newest labels are not decided yet."""
    write(root, FEATURES_1H, features(first_hour, hours))
    write(root, LABELS_1H, labels(first_hour, hours))
    return root


def write(root: Path, contract: TableContract, rows: pl.DataFrame, mode: str = "append") -> None:
    """Write rows to a table as its contract has them."""
    rows = rows.with_columns(pl.col("available_at").dt.year().alias("year"))
    path = root / contract.layer / contract.name
    table = conformed(rows.sort(contract.sort_by).to_arrow(), contract)
    write_deltalake(path, table, mode=mode, partition_by=["year"])  # type: ignore[call-overload]


def features(first_hour: int, hours: int) -> pl.DataFrame:
    """Random numbers in every column, null now and then where the contract allows it."""
    random = np.random.default_rng(first_hour)
    return _keys(first_hour, hours).with_columns(
        *(_random(column.name, column.type, hours * len(COINS), random) for column in FEATURES_1H.columns[5:])
    )


def labels(first_hour: int, hours: int) -> pl.DataFrame:
    """Random labels that end after their horizon; null in the last hours, where they are not known yet."""
    rows = _keys(first_hour, hours)
    random = np.random.default_rng(first_hour + 1)
    columns = []
    for spec in LABELS:
        is_known = pl.col("open_timestamp") + (spec.horizon_hours or 0) * HOUR < FIRST + (first_hour + hours) * HOUR
        if spec.role == "label_end":
            value = pl.col("available_at") + spec.horizon_hours * HOUR
        elif spec.dtype == "INT":
            value = pl.lit(pl.Series(random.integers(-1, 2, rows.height), dtype=pl.Int32))
        else:
            value = pl.lit(pl.Series(random.normal(size=rows.height)))
        columns.append(pl.when(is_known).then(value).alias(spec.name))
    return rows.with_columns(columns)


def _keys(first_hour: int, hours: int) -> pl.DataFrame:
    opened = [FIRST + (first_hour + hour) * HOUR for hour in range(hours)]
    return pl.concat(
        pl.DataFrame({"exchange": "binance", "coin": coin, "open_timestamp": opened, "listing_seq": 1})
        for coin in COINS
    ).with_columns(
        pl.col("open_timestamp").cast(pl.Datetime("us", "UTC")),
        (pl.col("open_timestamp").cast(pl.Datetime("us", "UTC")) + HOUR).alias("available_at"),
        pl.col("listing_seq").cast(pl.Int32),
    )


def _random(name: str, kind: str, rows: int, random: np.random.Generator) -> pl.Series:
    values: Any = {
        "DOUBLE": lambda: pl.Series(name, random.normal(size=rows)),
        "INT": lambda: pl.Series(name, random.integers(0, 5, rows), dtype=pl.Int32),
        "BOOLEAN": lambda: pl.Series(name, random.random(rows) > 0.5),
    }
    series: pl.Series = values[kind]()
    is_null = pl.Series(random.random(rows) < 0.1)
    if kind != "DOUBLE" or name == "drawdown":
        return series
    return pl.select(pl.when(~is_null).then(series).alias(name)).to_series()
