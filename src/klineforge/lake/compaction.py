"""Join the small files of a table into few sorted ones, without changing what its rows say.

The new files take the place of the old ones in one commit whose actions are marked ``dataChange: false``: change feeds
do not show it, and a reader that opened the table before goes on with the files it knows, until they are vacuumed.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.transaction import AddAction, CommitProperties, PostCommitHookProperties, RemoveAction

from klineforge.domain.contract import TableContract
from klineforge.errors import IncrementalStateError

_STATISTICS = "delta.dataSkippingStatsColumns"
_ROWS_PER_GROUP = 131_072


@dataclass(frozen=True)
class Sizes:
    """When joining files is worth it, and how large a file it makes.

    Args:
        many: A partition with more small files than this is compacted; a reader opens this many in a few milliseconds.
        rows: Rows of a file made, which are sorted in memory; a file with half as many is not small.
        size_bytes: Compressed bytes that go into one file; a file with half as many is not small.
    """

    many: int = 32
    rows: int = 1_000_000
    size_bytes: int = 64 * 2**20


@dataclass(frozen=True)
class Bundle:
    """Small files of one partition that become one.

    Args:
        files: Path in the log and size in bytes of each.
        rows: Rows of all of them.
        partition: Partition values as the log holds them.
    """

    files: tuple[tuple[str, int], ...]
    rows: int
    partition: Mapping[str, str | None]


def plan_compaction(table: DeltaTable, contract: TableContract, sizes: Sizes) -> tuple[Bundle, ...]:
    """Which files of a table's newest version to join.

    Args:
        table: The table.
        contract: Its contract; files that follow each other in time are joined, so that time still tells files apart.
        sizes: What counts as small and as many.

    Returns:
        Bundles of two files or more; none where there is nothing to gain.
    """
    files = pl.DataFrame(table.get_add_actions(flatten=True))
    if "num_records" not in files.columns:
        return ()
    partitions = [f"partition.{name}" for name in table.metadata().partition_columns]
    small = files.filter((pl.col("num_records") < sizes.rows // 2) & (pl.col("size_bytes") < sizes.size_bytes // 2))
    begin = f"min.{contract.scan_time}"
    order = [name for name in (begin, "path") if name in files.columns]
    groups = small.sort(order).partition_by(partitions, maintain_order=True) if partitions else [small.sort(order)]
    crowded = (group for group in groups if group.height > sizes.many)
    return tuple(bundle for group in crowded for bundle in _bundles(group, partitions, sizes) if len(bundle.files) > 1)


def _bundles(group: pl.DataFrame, partitions: list[str], sizes: Sizes) -> Iterator[Bundle]:
    first = group.row(0, named=True)
    partition = {name.removeprefix("partition."): _partition_value(first[name]) for name in partitions}
    files: list[tuple[str, int]] = []
    rows = size = 0
    for path, size_bytes, records in group.select("path", "size_bytes", "num_records").iter_rows():
        if files and (rows + records > sizes.rows or size + size_bytes > sizes.size_bytes):
            yield Bundle(tuple(files), rows, partition)
            files, rows, size = [], 0, 0
        files.append((path, size_bytes))
        rows, size = rows + records, size + size_bytes
    yield Bundle(tuple(files), rows, partition)


def _partition_value(value: object) -> str | None:
    return None if value is None else str(value)


def compact(path: Path, contract: TableContract, bundles: Iterable[Bundle], metadata: str, *, now: datetime) -> None:
    """Write one file per bundle and put all of them in the place of the old ones, in one commit.

    Args:
        path: Folder of the table.
        contract: Its contract; rows are sorted as it says.
        bundles: What to join, planned on the newest version.
        metadata: The commit's ``userMetadata``.
        now: Aware UTC instant from which on the old files are not part of the table.

    Raises:
        IncrementalStateError: When a file does not hold the rows the log or the writer says; nothing is committed.
    """
    table, instant = DeltaTable(path), int(now.timestamp() * 1000)
    schema = _stored_schema(table)
    actions: list[AddAction | RemoveAction] = []
    for bundle in bundles:
        name, stats = _join(path, schema, contract, bundle, _statistics_columns(table, schema))
        partition, made = dict(bundle.partition), (path / name).stat().st_size
        actions.append(AddAction(name, made, partition, instant, data_change=False, stats=stats))
        actions += [
            RemoveAction(file, data_change=False, deletion_timestamp=instant, size=size, partition_values=partition)
            for file, size in bundle.files
        ]
    table.create_write_transaction(
        actions,
        mode="append",
        schema=table.schema(),
        partition_by=table.metadata().partition_columns,
        commit_properties=CommitProperties(custom_metadata={"userMetadata": metadata}),
        post_commithook_properties=PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False),
    )


def _stored_schema(table: DeltaTable) -> pa.Schema:
    """Columns as they stand in data files, without the partition's and without comments."""
    partitions = set(table.metadata().partition_columns)
    fields = pa.schema(table.schema().to_arrow())
    return pa.schema([field.remove_metadata() for field in fields if field.name not in partitions])


def _statistics_columns(table: DeltaTable, schema: pa.Schema) -> list[str]:
    named = table.metadata().configuration.get(_STATISTICS)
    wanted = schema.names if named is None else [name.strip() for name in named.split(",")]
    return [name for name in wanted if name in schema.names and not pa.types.is_nested(schema.field(name).type)]


def _join(
    path: Path, schema: pa.Schema, contract: TableContract, bundle: Bundle, statistics: list[str]
) -> tuple[str, str]:
    """Write the rows of a bundle to one file; its name and its statistics."""
    types = pl.DataFrame(schema.empty_table()).schema
    files = [path / name for name, _ in bundle.files]
    # Files written by MERGE carry a column of the change feed that is not part of the table.
    rows = pl.scan_parquet(files, schema=types, glob=False, hive_partitioning=False, extra_columns="ignore").collect()
    if rows.height != bundle.rows:
        raise IncrementalStateError(
            f"table {contract.name}: {len(files)} files hold {rows.height:,} rows, the log says {bundle.rows:,}; "
            "nothing was changed. What to do: restore the table's folder from a copy, or make the table anew with "
            f"kedro klineforge rebuild {contract.name}"
        )
    rows = rows.sort([name for name in contract.sort_by if name in rows.columns], maintain_order=True)
    folder = PurePosixPath(bundle.files[0][0]).parent
    name = str(folder / f"part-00000-{uuid.uuid4()}-c000.zstd.parquet")
    _write(rows, schema, path / name)
    if not _same_rows(rows, path / name, types):
        raise IncrementalStateError(f"table {contract.name}: {name} was not written as it should; nothing was changed")
    return name, json.dumps(_statistics(rows.select(statistics), rows.height))


def _write(rows: pl.DataFrame, schema: pa.Schema, file: Path) -> None:
    pq.write_table(
        rows.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema),
        file,
        compression="zstd",
        # A dictionary of figures that hardly repeat costs time and space.
        use_dictionary=[field.name for field in schema if not pa.types.is_floating(field.type)],
        row_group_size=_ROWS_PER_GROUP,
        store_schema=False,
    )


def _same_rows(rows: pl.DataFrame, file: Path, types: pl.Schema) -> bool:
    return pl.scan_parquet(file, schema=types, glob=False, hive_partitioning=False).collect().equals(rows)


def _statistics(rows: pl.DataFrame, count: int) -> dict[str, Any]:
    lowest, highest = rows.min(), rows.max()
    return {
        "numRecords": count,
        "minValues": _known({name: lowest[name].item() for name in rows.columns}),
        "maxValues": _known({name: highest[name].item() for name in rows.columns}),
        "nullCount": {name: rows[name].null_count() for name in rows.columns},
    }


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values that statistics can hold, as JSON; what is left out only skips fewer files."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, datetime):
            found[name] = f"{value:%Y-%m-%dT%H:%M:%S.%fZ}"
        elif isinstance(value, date):
            found[name] = value.isoformat()
        elif isinstance(value, str) or (isinstance(value, int | float) and _is_number(value)):
            found[name] = value
    return found


def _is_number(value: float) -> bool:
    return not isinstance(value, bool) and math.isfinite(value)
