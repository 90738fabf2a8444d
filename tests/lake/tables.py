"""A small partitioned table with notes and a change feed, written by delta-rs, and what it holds."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, write_deltalake

from klineforge.domain.contract import Column, TableContract
from klineforge.lake.note import CommitNote, InputVersion

START = datetime(2024, 12, 31, 12, tzinfo=UTC)
COINS = ("BUSDT", "AUSDT")

PRICES = TableContract(
    name="prices",
    layer="silver",
    description="Prices.",
    grain=("coin", "open_timestamp"),
    time_column="open_timestamp",
    partitioned=True,
    sort_by=("coin", "open_timestamp"),
    subject=("coin",),
    columns=(
        Column("coin", "STRING", "Coin."),
        Column("open_timestamp", "TIMESTAMP", "Hour."),
        Column("price", "DOUBLE", "Price.", None, "unknown"),
        Column("reasons", "ARRAY<STRING>", "Reasons.", None, "none"),
    ),
)
SCHEMA = pa.schema(
    [
        pa.field("coin", pa.string(), nullable=False),
        pa.field("open_timestamp", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("price", pa.float64()),
        pa.field("reasons", pa.list_(pa.string())),
        pa.field("year", pa.int32(), nullable=False),
    ]
)


def hours(first: int, last: int, price: float | None = 1.0) -> pa.Table:
    """Rows of both coins for the hours ``[first, last)`` after noon of New Year's Eve."""
    rows = [
        {"coin": coin, "open_timestamp": START + timedelta(hours=hour), "price": price, "reasons": ["a", None]}
        for hour in range(first, last)
        for coin in COINS
    ]
    return pa.Table.from_pylist([{**row, "year": row["open_timestamp"].year} for row in rows], schema=SCHEMA)


def note(action: str = "append", consumed: int | None = None, source: DeltaTable | None = None) -> CommitProperties:
    """The note of a commit of ``prices``, which may have read another table."""
    read = {"source": InputVersion(str(source.metadata().id), consumed)} if source and consumed is not None else {}
    written = CommitNote("prices", action, read, "v7")  # type: ignore[arg-type]
    return CommitProperties(custom_metadata={"userMetadata": written.to_json()})


def make_table(path: Path, appends: int = 0, *, properties: dict[str, str] | None = None) -> Path:
    """A table to which hours 0, 1, 2 and so on were appended, a file and a commit each."""
    feed = {"delta.enableChangeDataFeed": "true", "delta.dataSkippingStatsColumns": "open_timestamp,coin"}
    # Checkpoints are made, and logs cleaned up, where a test says so.
    quiet = {"delta.checkpointInterval": "1000", "delta.enableExpiredLogCleanup": "false"}
    configuration = {**feed, **quiet, **(properties or {})}
    schema = Schema.from_arrow(SCHEMA)
    DeltaTable.create(path, schema, partition_by=["year"], configuration=configuration, commit_properties=note())
    append(path, *range(appends))
    return path


def append(path: Path, *which: int) -> None:
    """Append hours, a commit each."""
    for hour in which:
        write_deltalake(path, hours(hour, hour + 1), mode="append", commit_properties=note())


def correct(path: Path, hour: int, price: float) -> None:
    """Change the price of one hour, which leaves a file and change data behind."""
    merged = DeltaTable(path).merge(
        hours(hour, hour + 1, price),
        "t.coin = s.coin AND t.open_timestamp = s.open_timestamp",
        source_alias="s",
        target_alias="t",
        commit_properties=note("merge"),
    )
    merged.when_matched_update_all().execute()


def read(path: Path, version: int | None = None) -> pl.DataFrame:
    """The rows of a version in the order of their key."""
    return pl.read_delta(str(path), version=version).sort(PRICES.grain)


def feed(path: Path, after: int, upto: int | None = None) -> pl.DataFrame:
    """The changes after a version, in a fixed order."""
    changes = DeltaTable(path).load_cdf(starting_version=after + 1, ending_version=upto).read_all()
    frame = pl.DataFrame(changes).drop("_commit_timestamp")
    return frame.sort("_commit_version", "_change_type", *PRICES.grain)


def contents(path: Path) -> dict[str, tuple[int, int]]:
    """Size and age of every file below a folder."""
    files = (file for file in path.rglob("*") if file.is_file())
    return {str(file.relative_to(path)): (file.stat().st_size, file.stat().st_mtime_ns) for file in files}


def aged(path: Path, days: float, which: Iterable[str] = ("*",)) -> None:
    """Set the clock of files back, as Delta's own cleanup sees them."""
    past = datetime.now(UTC).timestamp() - days * 86_400
    for pattern in which:
        for file in path.rglob(pattern):
            os.utime(file, (past, past))
