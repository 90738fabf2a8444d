"""A bronze table made anew from its own data files, where its log is beyond reading.

Bronze only ever appends, and its keys tell records apart: files that a killed run left, or that were joined into
others, bring nothing twice. What was appended under which identity is forgotten; coverage tells what is there.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, write_deltalake

from klineforge.domain.contract import TableContract
from klineforge.errors import DamagedTableError
from klineforge.lake.arrow import arrow_schema, conformed
from klineforge.lake.ddl import create_local_table
from klineforge.lake.leftovers import data_files
from klineforge.lake.location import TableLocation
from klineforge.lake.note import CommitNote

_LARGE_FILE = 64_000_000


def salvage(
    path: Path, contract: TableContract, made: Path, put_aside: Callable[[], Path]
) -> tuple[int, tuple[str, ...]]:
    """Make a table anew of its own data files.

    The table stays where it is until the new one is whole: who is killed meanwhile, or has no room, begins again.

    Args:
        path: Folder of the table.
        contract: The table's contract.
        made: Where the new one is made; must be in the same file system.
        put_aside: Moves the table and tells where it lies then.

    Returns:
        How many rows it has, and the names of the files that cannot be read.

    Raises:
        DamagedTableError: When there are files and none of them can be read; they are put aside.
    """
    schema = arrow_schema(contract, stored=True)
    files = data_files(path)
    good = [file for file in files if _is_readable(file, schema)]
    bad = [file for file in files if file not in good]
    if bad and not good:
        raise DamagedTableError(
            f"none of the {len(bad):,} data files of {contract.name} can be read; they are in {put_aside()}. What to "
            "do: restore the table's folder from a copy, or run again, which downloads everything anew"
        )
    if made.exists():
        # Half of a table, by a repair that was killed.
        shutil.rmtree(made)
    try:
        rows = _make(made, good, contract, schema)
    except Exception:
        # What has no room is not to take it from others.
        shutil.rmtree(made, ignore_errors=True)
        raise
    put_aside()
    made.rename(path)
    return rows, tuple(file.relative_to(path).as_posix() for file in bad)


def _make(new: Path, good: list[Path], contract: TableContract, schema: pa.Schema) -> int:
    create_local_table(contract, TableLocation(path=str(new)))
    if good:
        note = CommitNote(contract.name, "rebuild", extra={"repair": "made anew from its data files"})
        write_deltalake(
            DeltaTable(new),
            pa.RecordBatchReader.from_batches(schema, _rows(good, contract, schema)),
            mode="append",
            target_file_size=_LARGE_FILE,
            commit_properties=CommitProperties(custom_metadata={"userMetadata": note.to_json()}),
        )
    return int(pl.scan_delta(str(new)).select(pl.len()).collect().item())


def _is_readable(file: Path, schema: pa.Schema) -> bool:
    try:
        held = pq.read_schema(file)
        return set(schema.names) <= set(held.names) and pq.ParquetFile(file).read().num_rows >= 0
    except (pa.ArrowInvalid, OSError):
        return False


def _rows(files: list[Path], contract: TableContract, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows, each key once, one subject after the other so that memory is bounded."""
    scan = pl.scan_parquet(files, glob=False, hive_partitioning=False, extra_columns="ignore").select(schema.names)
    subject = contract.grain[0]
    for value in scan.select(pl.col(subject).unique()).collect().to_series().sort().to_list():
        rows = scan.filter(pl.col(subject) == value).unique(contract.grain, keep="any").sort(*contract.grain).collect()
        table = conformed(rows.to_arrow(), contract)
        order = [(name, "ascending") for name in contract.sort_by]
        yield from (table.sort_by(order) if order else table).to_batches()
