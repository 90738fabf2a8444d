"""How a table is made as its contract describes it: by SQL in a catalog, by delta-rs on this machine."""

from __future__ import annotations

import zlib

from deltalake import DeltaTable, Field, Schema

from klineforge.domain.contract import Column, TableContract
from klineforge.lake.arrow import arrow_schema
from klineforge.lake.location import TableLocation

# Readers outside Spark (polars, pyarrow, delta-rs) cannot read all of what newer Delta features write.
_PROPERTIES = {
    "delta.enableChangeDataFeed": "true",
    "delta.enableDeletionVectors": "false",
    "delta.columnMapping.mode": "none",
    "delta.checkpointPolicy": "classic",
    # A reader that is behind needs the log it has not read yet; maintenance knows which that is, Delta does not.
    "delta.enableExpiredLogCleanup": "false",
}
# Parquet statistics of every column cost eight times those of the one column that readers filter by.
_STATISTICS = "delta.dataSkippingStatsColumns"


def create_table(contract: TableContract, location: TableLocation, *, replace: bool = False) -> str:
    """``CREATE TABLE`` with comments, NOT NULL and CHECK constraints, partitioning and table properties.

    Args:
        contract: What the table promises.
        location: Where it is to be.
        replace: Put it in the place of one that is there.
    """
    lines = [_column(column) for column in contract.all_columns]
    if location.declares_keys and contract.is_time_series:
        lines.append(_time_series_key(contract))
    columns = ",\n  ".join(lines)
    properties = ",\n  ".join(f"'{key}' = '{_quoted(value)}'" for key, value in table_properties(contract).items())
    partitioning = f"\nPARTITIONED BY ({', '.join(contract.partition_columns)})" if contract.partition_columns else ""
    verb = "CREATE OR REPLACE TABLE" if replace else "CREATE TABLE IF NOT EXISTS"
    return (
        f"{verb} {location.sql} (\n  {columns}\n)\nUSING DELTA{partitioning}\n"
        f"COMMENT '{_quoted(contract.description)}'\nTBLPROPERTIES (\n  {properties}\n)"
    )


def create_local_table(contract: TableContract, location: TableLocation, *, replace: bool = False) -> None:
    """Make a table in a local folder, with what ``create_table`` says, without a JVM.

    Args:
        contract: What the table promises.
        location: Its folder.
        replace: Put it in the place of one that is there.
    """
    comments = {column.name: _comment(column) for column in contract.all_columns}
    kinds = Schema.from_arrow(arrow_schema(contract, stored=True)).fields
    DeltaTable.create(
        str(location.path),
        Schema(
            [
                Field(kind.name, kind.type, nullable=kind.nullable, metadata={"comment": comments[kind.name]})
                for kind in kinds
            ]
        ),
        mode="overwrite" if replace else "ignore",
        partition_by=list(contract.partition_columns),
        description=contract.description,
        configuration=table_properties(contract),
        # Constraints are properties with names of our own.
        raise_if_key_not_exists=False,
    )


def table_properties(contract: TableContract) -> dict[str, str]:
    """Delta table properties of a contract, constraints included."""
    constraints = {f"delta.constraints.{name}": check for name, check in contract.constraints.items()}
    statistics = ",".join(dict.fromkeys(filter(None, [contract.scan_time, *contract.subject])))
    return {
        **_PROPERTIES,
        "delta.checkpointInterval": str(_checkpoint_interval(contract.name)),
        **({_STATISTICS: statistics} if statistics else {}),
        **constraints,
    }


def _checkpoint_interval(name: str) -> int:
    """Spread tables over intervals of 11 to 19 commits, so that one run seldom checkpoints them all."""
    return 11 + zlib.crc32(name.encode()) % 9


def _column(column: Column) -> str:
    null = "" if column.nullable else " NOT NULL"
    return f"`{column.name}` {column.type}{null} COMMENT '{_quoted(_comment(column))}'"


def _time_series_key(contract: TableContract) -> str:
    """What makes a table of Unity Catalog a time-series feature table: its key, with the instant a row is known."""
    keys = (f"`{name}`{' TIMESERIES' if name == contract.time_column else ''}" for name in contract.grain)
    return f"CONSTRAINT `{contract.name}_key` PRIMARY KEY ({', '.join(keys)})"


def _comment(column: Column) -> str:
    comment = column.comment if column.unit is None else f"{column.comment} Unit: {column.unit}."
    return comment if column.null_means is None else f"{comment} Null: {column.null_means}."


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
