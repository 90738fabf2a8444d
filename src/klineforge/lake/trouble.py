"""Failures of the storage in words: a full disk, a folder that cannot be written, a table that is damaged."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from klineforge.errors import DamagedTableError, EnvironmentProblem, KlineForgeError, LakeBusyError
from klineforge.interruption import INTERRUPTION
from klineforge.lake.damage import Damage, find_damage, find_file_damage
from klineforge.lake.location import TableLocation
from klineforge.lake.log import LocalTableLog

_FULL = re.compile(r"No space left on device|Disk quota exceeded|File too large|os error (?:28|122|27)\b")
_FORBIDDEN = re.compile(r"Read-only file system|Permission denied|os error (?:13|30|1)\b|AccessDeniedException")
_CONFLICT = re.compile(
    r"Concurrent\w*(?:Exception|Modification|Transaction)|DELTA_CONCURRENT|conflicting (?:commit|concurrent)"
)
_FULL_NUMBERS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN_NUMBERS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_WAY_OUT = (
    "Nothing was changed. What to do: kedro klineforge repair --dry-run tells what can be mended, without --dry-run "
    "it does so, then run again (docs/repair.md)"
)


@contextmanager
def storage_trouble_in_words(folder: Path, tables: Iterable[Path] = ()) -> Iterator[None]:
    """Tell failures of the storage as messages; everything else passes.

    Args:
        folder: What is written, or read.
        tables: Folders of the Delta tables that take part; looked at when something fails.

    Raises:
        EnvironmentProblem: The disk is full, or the folder cannot be written.
        DamagedTableError: One of the tables is damaged.
        LakeBusyError: Something else has committed to the table meanwhile.
    """
    try:
        yield
    # polars panics on a file that is cut off, and a panic is no Exception.
    except BaseException as error:
        ours = isinstance(error, KlineForgeError) or INTERRUPTION.is_requested
        problem = None if ours else _problem(error, folder, tables)
        if problem is None:
            raise
        raise problem from error


def is_conflict(error: BaseException) -> bool:
    """Whether a commit was refused because something else had committed meanwhile.

    Args:
        error: What the writer raised.
    """
    return any(isinstance(cause, CommitFailedError) or _CONFLICT.search(str(cause)) for cause in _causes(error))


def require_whole(path: Path) -> None:
    """Refuse a table whose newest version has no readable log, or files that are missing or cut off.

    Args:
        path: Folder of the table; nothing there is fine.

    Raises:
        DamagedTableError: With what is wrong and what to do.
    """
    if LocalTableLog(TableLocation(path=str(path))).head() is None:
        return
    if found := find_file_damage(path, DeltaTable(path), thorough=False):
        raise damaged(path, found)


def damaged(path: Path, found: Iterable[Damage]) -> DamagedTableError:
    """What the user is told of a damaged table.

    Args:
        path: Folder of the table.
        found: What is wrong.
    """
    texts = "; ".join(damage.text for damage in found)
    return DamagedTableError(
        f"the table {path.name} at {path} is damaged: {texts}. A power failure, a full disk or a copy of half a lake "
        f"leaves that. {_WAY_OUT}"
    )


def _problem(error: BaseException, folder: Path, tables: Iterable[Path]) -> KlineForgeError | None:
    if not (isinstance(error, Exception) or type(error).__name__ == "PanicException"):
        return None
    if is_conflict(error):
        return LakeBusyError(
            f"{folder} was changed by another program while it was being written. What that did stays, what this run "
            "wanted to write was not written. What to do: end the other program, then run again"
        )
    text = "\n".join(str(cause) for cause in _causes(error))
    numbers = {cause.errno for cause in _causes(error) if isinstance(cause, OSError)}
    if _FULL.search(text) or numbers & _FULL_NUMBERS:
        return EnvironmentProblem(
            f"{folder} cannot be written: the disk is full, or a limit on the size of files is reached. Tables stay at "
            "the version they had. What to do: make room, then run again; what is half-written is removed by kedro "
            "klineforge maintain (docs/repair.md)"
        )
    if _FORBIDDEN.search(text) or numbers & _FORBIDDEN_NUMBERS:
        return EnvironmentProblem(
            f"{folder} cannot be written: it is read-only, or belongs to somebody else. Nothing was changed. What to "
            "do: change its permissions, or choose another folder with --params lake=FOLDER"
        )
    for table in tables:
        if found := find_damage(table):
            return damaged(table, found)
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__
