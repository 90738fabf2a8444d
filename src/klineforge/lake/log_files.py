"""The files of a table's ``_delta_log``: commits, checkpoints, and what stands beside them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

LOG_FOLDER = "_delta_log"
# Hadoop keeps a checksum in a hidden file beside each one, Spark a digest of the version in NNN.crc.
_NAME = re.compile(r"\.?(?:\d{20}\.)?(?P<version>\d{20})\.(?P<kind>.+)")


@dataclass(frozen=True)
class LogFiles:
    """What a log folder holds.

    Args:
        commits: File of each commit by version, ascending.
        checkpoints: Versions with a classic checkpoint that can be read, ascending.
        by_version: Every file by the version it belongs to, ascending.
    """

    commits: Mapping[int, Path]
    checkpoints: tuple[int, ...]
    by_version: Mapping[int, tuple[Path, ...]]

    @property
    def newest(self) -> int:
        """The newest commit; -1 where there is none."""
        return max(self.commits, default=-1)

    def before(self, version: int) -> list[Path]:
        """Files of older versions, oldest first."""
        return [file for older, files in self.by_version.items() if older < version for file in files]

    def reaches(self, instant: datetime) -> bool:
        """Whether the log tells of every commit since an instant."""
        versions = list(self.commits)
        if not versions or versions != list(range(versions[0], versions[-1] + 1)):
            return False
        return versions[0] == 0 or committed_at(self.commits[versions[0]]) < instant


def read_log_files(table: Path) -> LogFiles:
    """List the log folder of a table.

    Raises:
        OSError: When there is none.
    """
    found: dict[int, list[Path]] = {}
    commits: dict[int, Path] = {}
    checkpoints = []
    for file in sorted((table / LOG_FOLDER).iterdir()):
        name = _NAME.fullmatch(file.name)
        if name is None or not file.is_file():
            continue
        version = int(name["version"])
        found.setdefault(version, []).append(file)
        if file.name == f"{version:020d}.json":
            commits[version] = file
        if file.name == f"{version:020d}.checkpoint.parquet" and _is_whole(file):
            checkpoints.append(version)
    return LogFiles(
        dict(sorted(commits.items())),
        tuple(sorted(checkpoints)),
        {version: tuple(files) for version, files in sorted(found.items())},
    )


def _is_whole(checkpoint: Path) -> bool:
    try:
        return bool(pq.read_metadata(checkpoint).num_rows)
    except (pa.ArrowInvalid, OSError):  # cut off by a crash: Delta looks for an older one, and so does the cleanup
        return False


def committed_at(commit: Path) -> datetime:
    """When a commit was made: what it says itself, or else the age of its file."""
    for kind, action in _actions(commit):
        if kind == "commitInfo" and isinstance(action.get("timestamp"), int):
            return datetime.fromtimestamp(action["timestamp"] / 1000, tz=UTC)
    return datetime.fromtimestamp(commit.stat().st_mtime, tz=UTC)


def paths_in_use(log: LogFiles, *, unread_after: int, since: datetime) -> Collection[str]:
    """Files that are not in the newest version and must stay all the same.

    Args:
        log: The table's log, which must reach back to ``since``.
        unread_after: Somebody has read the changes up to this version and will ask for those after it.
        since: Every version that was the newest at or after this instant must stay readable.

    Returns:
        Paths as they stand on disk, relative to the table.
    """
    kept_from = int(since.timestamp() * 1000)
    used = set()
    for version, commit in log.commits.items():
        for kind, action in _actions(commit):
            removed_lately = kind == "remove" and action.get("deletionTimestamp", kept_from) >= kept_from
            if removed_lately or (version > unread_after and _is_in_feed(kind, action)):
                used.add(unquote(str(action["path"])))
    return used


def _is_in_feed(kind: str, action: Mapping[str, Any]) -> bool:
    """Whether a change feed reads the file of an action."""
    return kind == "cdc" or (kind in {"add", "remove"} and action.get("dataChange", True))


def _actions(commit: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    with commit.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield from json.loads(line).items()


def bytes_added(table: Path, after: int, upto: int) -> int | None:
    """Size of the data files that the commits ``(after, upto]`` of a table added.

    Returns:
        Bytes; None when one of the commits cannot be read.
    """
    total = 0
    try:
        for version in range(after + 1, upto + 1):
            for line in (table / LOG_FOLDER / f"{version:020d}.json").read_text("utf-8").splitlines():
                total += int((json.loads(line).get("add") or {}).get("size", 0))
    except (OSError, ValueError, AttributeError):
        return None
    return total
