"""What of a table may go: data files and log entries that no version within the retention and no reader needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from klineforge.errors import ConfigurationError
from klineforge.lake.log_files import LogFiles, committed_at, paths_in_use

_CHANGE_DATA = "_change_data"
_INTERVAL = re.compile(r"(?:interval\s+)?(\d+)\s+(second|minute|hour|day|week)s?", re.IGNORECASE)


@dataclass(frozen=True)
class Retention:
    """How long things stay.

    Args:
        files: A data file after the last version that held it: a reader may take that long, and time travel reaches
            back that far.
        logs: A log entry; never shorter than ``files``.

    Raises:
        ConfigurationError: When log entries would go before the files they tell of.
    """

    files: timedelta = timedelta(days=7)
    logs: timedelta = timedelta(days=30)

    def __post_init__(self) -> None:
        if self.logs < self.files:
            raise ConfigurationError(
                f"log entries must stay at least as long as the files they tell of: got {self.logs} for the log and "
                f"{self.files} for files"
            )

    def at_least(self, properties: Mapping[str, str | None]) -> Retention:
        """The retention of a table whose own properties may ask for more.

        Raises:
            ConfigurationError: When a property is no interval of time.
        """
        files = max(self.files, _interval(properties, "delta.deletedFileRetentionDuration"))
        logs = max(self.logs, files, _interval(properties, "delta.logRetentionDuration"))
        return replace(self, files=files, logs=logs)


def _interval(properties: Mapping[str, str | None], name: str) -> timedelta:
    text = properties.get(name)
    if text is None:
        return timedelta(0)
    found = _INTERVAL.fullmatch(text.strip())
    if found is None:
        raise ConfigurationError(f"table property {name} is {text!r}, expected for example 'interval 30 days'")
    return timedelta(**{f"{found[2].lower()}s": int(found[1])})


@dataclass(frozen=True)
class Leftovers:
    """Files of a table that nobody needs.

    Args:
        files: Data files and change data, each after the checksum that Hadoop keeps beside it.
        entries: Files of the log, oldest first.
        waiting: How many data files would be among them if every reader had read all there is.
        unknown: Whether data files stay because the log does not tell of the whole retention.
    """

    files: tuple[Path, ...]
    entries: tuple[Path, ...]
    waiting: int
    unknown: bool


def find_leftovers(
    path: Path,
    log: LogFiles,
    live: set[str],
    *,
    read_to: int,
    noted: int,
    retention: Retention,
    now: datetime,
) -> Leftovers:
    """Look for what may go.

    Args:
        path: Folder of the table.
        log: Its log.
        live: Paths of the newest version's data files.
        read_to: The version up to which every reader has read the changes.
        noted: The version of the newest note, which must stay.
        retention: How long things stay.
        now: Aware UTC instant.
    """
    since = now - retention.files
    needed = _oldest_needed(log, read_to=read_to, noted=noted, since=now - retention.logs)
    entries = tuple(log.before(needed))
    if not log.reaches(since):
        return Leftovers((), entries, 0, unknown=True)
    used = live | set(paths_in_use(log, unread_after=read_to, since=since))
    read_by_all = paths_in_use(log, unread_after=log.newest, since=since) if read_to < log.newest else used
    old = {file.relative_to(path).as_posix(): file for file in data_files(path) if _age(file) < since.timestamp()}
    dead = [part for name, file in old.items() if name not in used for part in _with_checksum(file)]
    return Leftovers(tuple(dead), entries, len((used - live - set(read_by_all)) & set(old)), unknown=False)


def _oldest_needed(log: LogFiles, *, read_to: int, noted: int, since: datetime) -> int:
    """The newest checkpoint from which everything that is needed can be read; 0 when there is none."""
    young = next((version for version, commit in log.commits.items() if committed_at(commit) >= since), log.newest)
    first = min(young, read_to + 1, noted)
    return max((version for version in log.checkpoints if version <= first), default=0)


def data_files(path: Path) -> list[Path]:
    """Parquet files of a table outside hidden folders, the change data among them."""
    found = []
    for file in sorted(path.rglob("*.parquet")):
        parts = file.relative_to(path).parts
        inside = parts[1:] if parts[0] == _CHANGE_DATA else parts
        if not any(part.startswith(("_", ".")) for part in inside):
            found.append(file)
    return found


def _with_checksum(file: Path) -> list[Path]:
    checksum = file.with_name(f".{file.name}.crc")
    return [checksum, file] if checksum.is_file() else [file]


def _age(file: Path) -> float:
    return file.stat().st_mtime
