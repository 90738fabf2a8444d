"""Ways in which the files of a table come to harm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from deltalake import DeltaTable

Damage = Callable[[Path], None]


def commit_file(table: Path, version: int) -> Path:
    """The file of a commit."""
    return table / "_delta_log" / f"{version:020d}.json"


def newest_commit(table: Path) -> Path:
    """The file of the newest commit."""
    return max((table / "_delta_log").glob("*.json"))


def live_file(table: Path, number: int = -1) -> Path:
    """A data file of the newest version, in the order of their ages."""
    files = sorted((table / name for name in DeltaTable(table).file_uris()), key=lambda file: file.stat().st_mtime_ns)
    return files[number]


def commit_cut_in_a_line(table: Path) -> None:
    newest = newest_commit(table)
    newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])


def commit_cut_between_lines(table: Path) -> None:
    newest = newest_commit(table)
    newest.write_bytes(newest.read_bytes().splitlines(keepends=True)[0])


def commit_empty(table: Path) -> None:
    newest_commit(table).write_bytes(b"")


def commit_of_zeros(table: Path) -> None:
    newest_commit(table).write_bytes(bytes(512))


def middle_commit_missing(table: Path) -> None:
    versions = len(list((table / "_delta_log").glob("*.json")))
    commit_file(table, (versions - 1) // 2).unlink()


def first_commit_garbage(table: Path) -> None:
    commit_file(table, 0).write_bytes(b'{"commitInfo":{"time')


def checkpoint_cut(table: Path) -> None:
    DeltaTable(table).create_checkpoint()
    checkpoint = max((table / "_delta_log").glob("*.checkpoint.parquet"))
    checkpoint.write_bytes(checkpoint.read_bytes()[:200])


def pointer_to_nothing(table: Path) -> None:
    (table / "_delta_log" / "_last_checkpoint").write_text('{"version":99,"size":12}')


def pointer_garbage(table: Path) -> None:
    (table / "_delta_log" / "_last_checkpoint").write_bytes(b"\x00\x00")


def data_file_missing(table: Path) -> None:
    live_file(table).unlink()


def data_file_cut(table: Path) -> None:
    file = live_file(table)
    file.write_bytes(file.read_bytes()[:-100])


def older_data_file_missing(table: Path) -> None:
    live_file(table, 0).unlink()


def log_folder_missing(table: Path) -> None:
    (table / "_delta_log").rename(table.parents[1] / f"lost-log-of-{table.name}")


TORN = (commit_cut_in_a_line, commit_cut_between_lines, commit_empty, commit_of_zeros)
AIDS = (checkpoint_cut, pointer_to_nothing)
LOG = (middle_commit_missing, first_commit_garbage, log_folder_missing)
FILES = (data_file_missing, data_file_cut, older_data_file_missing)
# For tables that are small and alike, one of each sort is enough.
ONE_OF_EACH = (commit_of_zeros, checkpoint_cut, middle_commit_missing, older_data_file_missing)
# Delta reads over this one, so that a run need not be told; the repair tidies it up.
SILENT = (pointer_garbage,)
