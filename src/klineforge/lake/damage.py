"""What is wrong with a table on this machine: its log, its checkpoints, its data files. Changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from klineforge.lake.log_files import LOG_FOLDER, LogFiles, read_log_files

Kind = Literal["pointer", "checkpoint", "commit", "forgotten", "log", "files"]

_POINTER = "_last_checkpoint"
_NOT_PARQUET = (pa.ArrowException, OSError)
_SHOWN = 3


@dataclass(frozen=True)
class Damage:
    """One thing that is wrong with a table.

    Args:
        kind: ``pointer`` and ``checkpoint`` are aids that the commits replace; ``commit`` is the newest ones, torn;
            ``forgotten`` is an old commit that a checkpoint has made superfluous; ``log`` is one that no version can be
            read without; ``files`` are data files of the newest version.
        text: What is wrong, in words.
        files: The files concerned, relative to the table.
        rest: For ``commit``, the version that is the newest without them.
    """

    kind: Kind
    text: str
    files: tuple[str, ...] = ()
    rest: int | None = None


def find_damage(path: Path, *, thorough: bool = True) -> tuple[Damage, ...]:
    """Look for what is wrong with a table.

    Args:
        path: Its folder; one that does not exist is as well as can be.
        thorough: Read the footer of every data file; otherwise only whether it is there in its size.

    Returns:
        Nothing when all is well. Data files are judged only where the log can be read.
    """
    in_log = find_log_damage(path)
    if in_log or not (path / LOG_FOLDER).is_dir():
        return in_log
    try:
        table = DeltaTable(path)
        table.version()
    except (DeltaError, OSError, ValueError) as error:
        if not read_log_files(path).by_version:
            return ()
        return (Damage("log", f"its log cannot be read: {_first_line(error)}"),)
    return find_file_damage(path, table, thorough=thorough)


def find_log_damage(path: Path) -> tuple[Damage, ...]:
    """What is wrong with a table's log.

    Args:
        path: Folder of the table.
    """
    if not (path / LOG_FOLDER).is_dir():
        return (Damage("log", f"its {LOG_FOLDER} is missing"),) if any(path.glob("**/*.parquet")) else ()
    log = read_log_files(path)
    if not log.by_version:
        return ()
    bad = {version: how for version, file in log.commits.items() if (how := wrong_with_commit(file))}
    base = max(log.checkpoints, default=-1)
    found = [*_pointer(path, log), *_checkpoints(path, log)]
    newest = max(log.newest, base)
    gone = [version for version in range(base + 1, newest + 1) if version in bad or version not in log.commits]
    if gone:
        found.append(_commits(log, bad, gone, newest))
    old = tuple(_relative(path, log.commits[version]) for version in sorted(bad) if version <= base)
    if old:
        found.append(Damage("forgotten", f"{_named(old)} cannot be read; a checkpoint holds what it said", old))
    return tuple(found)


def find_file_damage(path: Path, table: DeltaTable, *, thorough: bool = True) -> tuple[Damage, ...]:
    """Data files of the newest version that are missing, cut off or not what the log says.

    Args:
        path: Folder of the table.
        table: The table, opened.
        thorough: Read the footer of every file.
    """
    wrong = wrong_files(path, table, thorough=thorough)
    if not wrong:
        return ()
    how = [f"data file {name} {problem}" for name, problem in wrong.items()]
    more = f" and {len(how) - _SHOWN:,} more" if len(how) > _SHOWN else ""
    return (Damage("files", "; ".join(how[:_SHOWN]) + more, tuple(wrong)),)


def wrong_files(path: Path, table: DeltaTable, *, thorough: bool = True) -> dict[str, str]:
    """What is wrong with data files of the newest version, by their name in the log; sound ones are left out.

    Args:
        path: Folder of the table.
        table: The table, opened.
        thorough: Read the footer of every file.
    """
    files = pl.DataFrame(table.get_add_actions(flatten=True))
    known = files.get_column("num_records") if "num_records" in files.columns else [None] * files.height
    problems = {
        name: _wrong_with_data(path / unquote(name), size, rows if thorough else None, thorough=thorough)
        for name, size, rows in zip(files["path"], files["size_bytes"], known, strict=True)
    }
    return {name: problem for name, problem in problems.items() if problem}


def _pointer(path: Path, log: LogFiles) -> Iterator[Damage]:
    file = path / LOG_FOLDER / _POINTER
    if not file.is_file():
        return
    try:
        version = int(json.loads(file.read_bytes())["version"])
    except (ValueError, KeyError, TypeError, RecursionError):
        yield Damage("pointer", f"{_POINTER} cannot be read", (_relative(path, file),))
        return
    if version not in log.checkpoints:
        text = f"{_POINTER} names checkpoint {version}, which is not there or not whole"
        yield Damage("pointer", text, (_relative(path, file),))


def _checkpoints(path: Path, log: LogFiles) -> Iterator[Damage]:
    for version, files in log.by_version.items():
        for file in files:
            if file.name == f"{version:020d}.checkpoint.parquet" and version not in log.checkpoints:
                yield Damage("checkpoint", f"checkpoint {file.name} is not whole", (_relative(path, file),))


def _commits(log: LogFiles, bad: dict[int, str], gone: list[int], newest: int) -> Damage:
    """Commits that the newest version needs: torn ones at the end can go, a gap cannot be bridged."""
    first = gone[0]
    wrong = bad.get(first, "is missing")
    name = f"{first:020d}.json"
    if gone != list(range(first, newest + 1)) or first == 0:
        return Damage("log", f"commit {name} {wrong}, and no checkpoint after it says what it held")
    after = tuple(f"{LOG_FOLDER}/{file.name}" for version in gone for file in log.by_version.get(version, ()))
    # Checkpoints of these versions are not whole, or they would not be needed.
    return Damage("commit", f"its newest commit {name} {wrong}", after, rest=first - 1)


def wrong_with_commit(commit: Path) -> str:
    """Why a commit cannot be taken for what was written; an empty text when it can.

    Args:
        commit: Its file.
    """
    content = commit.read_bytes()
    if not content.strip():
        return "is empty"
    try:
        actions = [json.loads(line) for line in content.splitlines() if line.strip()]
        written = max((_files_written(action.get("commitInfo") or {}) for action in actions), default=0)
        added = sum("add" in action for action in actions)
    except (ValueError, AttributeError, TypeError, RecursionError):
        return "is cut off or not JSON"
    return "is cut off: files that it speaks of are not in it" if added < written else ""


def _files_written(info: dict[str, Any]) -> int:
    """How many files a plain write says that it added; other operations count in their own ways."""
    metrics = info.get("operationMetrics") or {}
    if info.get("operation") != "WRITE":
        return 0
    return 1 if int(metrics.get("num_added_files", metrics.get("numFiles", 0))) else 0


def _wrong_with_data(file: Path, size: int, rows: int | None, *, thorough: bool) -> str:
    try:
        found = file.stat().st_size
        if found != size:
            return f"has {found:,} bytes instead of {size:,}"
        held = pq.read_metadata(file).num_rows if thorough else None
    except FileNotFoundError:
        return "is missing"
    except _NOT_PARQUET as error:
        return f"cannot be read: {_first_line(error)}"
    return "" if None in {held, rows} or held == rows else f"holds {held:,} rows, the log says {rows:,}"


def _relative(path: Path, file: Path) -> str:
    return file.relative_to(path).as_posix()


def _named(files: tuple[str, ...]) -> str:
    names = [name.rpartition("/")[2] for name in files]
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else "")


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
