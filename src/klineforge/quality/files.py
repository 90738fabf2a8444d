"""A table's log and files: whether what the log promises is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from pyarrow import ArrowException

from klineforge.domain.contract import TableContract
from klineforge.lake.damage import wrong_files
from klineforge.lake.location import TableLocation
from klineforge.lake.log import HARMLESS_OPERATIONS, LocalTableLog
from klineforge.lake.note import CommitNote
from klineforge.lake.writing import column_differences
from klineforge.quality.finding import SAMPLES, Finding, Severity

FILES_WHOLE = "files_whole"
LOG_READABLE = "log_readable"
COLUMNS_AS_PROMISED = "columns_as_promised"
COMMITS_OURS = "commits_ours"
CHECKPOINTS_READABLE = "checkpoints_readable"

_NEVER_MADE_ANEW = ("bronze", "operations")


def log_and_files(path: Path, contract: TableContract) -> Iterator[Finding]:
    """Ask a table on this machine whether its log can be replayed and its files are those the log speaks of.

    Args:
        path: The table's folder.
        contract: Its contract.

    Yields:
        ``log_readable`` first; nothing else when it is broken.
    """
    try:
        table = DeltaTable(path)
        promised = table.get_add_actions().num_rows
    except (DeltaError, OSError, ValueError) as error:
        problem = str(error).strip().partition("\n")[0]
        repair = f"{problem}. Look at it with: kedro klineforge repair --dry-run"
        yield Finding(contract.name, LOG_READABLE, "error", 1, 1, ({"path": str(path)},), repair)
        return
    version = table.version()
    yield Finding(contract.name, LOG_READABLE, "error", version + 1, 0, version=version)
    yield _columns(path, contract, version)
    yield _files(path, contract, table, promised)
    yield _checkpoints(path, contract, version)
    yield _foreign_commits(table, contract, version)


def _columns(path: Path, contract: TableContract, version: int) -> Finding:
    held = LocalTableLog(TableLocation(str(path))).columns()
    differences = column_differences(held, contract)
    sample = tuple({"column": difference} for difference in differences[:SAMPLES])
    way_out = _other_columns(contract) if differences else ""
    return Finding(contract.name, COLUMNS_AS_PROMISED, "error", len(held), len(differences), sample, way_out, version)


def _files(path: Path, contract: TableContract, table: DeltaTable, promised: int) -> Finding:
    problems = [{"file": name, "problem": problem} for name, problem in wrong_files(path, table).items()]
    way_out = "Mend it with: kedro klineforge repair" if problems else ""
    sample = tuple(problems[:SAMPLES])
    return Finding(contract.name, FILES_WHOLE, "error", promised, len(problems), sample, way_out, table.version())


def _checkpoints(path: Path, contract: TableContract, version: int) -> Finding:
    """Checkpoints are only shortcuts to old commits, but once those are cleaned up nothing else leads there."""
    shortcuts = sorted((path / "_delta_log").glob("*.checkpoint*.parquet"))
    broken = [file.name for file in shortcuts if not _is_parquet(file)]
    sample = tuple({"file": name} for name in broken[:SAMPLES])
    way_out = "Mend it with: kedro klineforge repair" if broken else ""
    return Finding(contract.name, CHECKPOINTS_READABLE, "error", len(shortcuts), len(broken), sample, way_out, version)


def _is_parquet(file: Path) -> bool:
    try:
        pq.read_metadata(file)
    except (ArrowException, OSError):
        return False
    return True


def _foreign_commits(table: DeltaTable, contract: TableContract, version: int) -> Finding:
    try:
        history = table.history()
    except DeltaError as error:
        # A commit behind a checkpoint: readers do without it, but it cannot tell who wrote it.
        told = f"{str(error).partition(chr(10))[0]}. Set it aside with: kedro klineforge repair"
        return Finding(contract.name, COMMITS_OURS, "warning", version + 1, 1, (), told, version)
    foreign = [entry for entry in takewhile(_is_not_made_anew, _still_effective(history)) if _is_foreign(entry)]
    sample = tuple(
        {"version": entry.get("version"), "operation": entry.get("operation")} for entry in foreign[:SAMPLES]
    )
    told = "Something else than KlineForge wrote to this table."
    way_out = f"{told} {_undo(contract)}" if foreign else ""
    severity: Severity = "error" if contract.layer == "bronze" else "warning"
    return Finding(contract.name, COMMITS_OURS, severity, len(history), len(foreign), sample, way_out, version)


def _other_columns(contract: TableContract) -> str:
    if contract.layer in _NEVER_MADE_ANEW:
        return "It cannot be made anew: use the version of KlineForge that wrote it, or another lake"
    return f"Make it anew with: kedro klineforge rebuild {contract.name}"


def _undo(contract: TableContract) -> str:
    if contract.layer == "bronze":
        return "Bronze cannot be made anew; docs/repair.md says how to go back to the version before"
    if contract.layer == "operations":
        return "Its rows cannot be made anew; find out what else writes to this lake"
    return f"The next run makes it anew, or: kedro klineforge rebuild {contract.name}"


def _still_effective(history: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The commits that made the newest rows, newest first: what a RESTORE undid is left out, and so is the RESTORE."""
    newest: int | None = None
    for entry in history:
        if newest is not None and int(entry["version"]) > newest:
            continue
        parameters = entry.get("operationParameters") or {}
        if entry.get("operation") == "RESTORE" and str(parameters.get("version") or "").isdecimal():
            newest = int(parameters["version"])
            continue
        yield entry


def _is_not_made_anew(entry: dict[str, Any]) -> bool:
    """Whether what older commits did may still show in the rows."""
    note = CommitNote.from_json(entry.get("userMetadata"))
    return note is None or (note.action != "rebuild" and "repair" not in note.extra)


def _is_foreign(entry: dict[str, Any]) -> bool:
    is_ours = CommitNote.from_json(entry.get("userMetadata")) is not None
    return not is_ours and entry.get("operation") not in HARMLESS_OPERATIONS
