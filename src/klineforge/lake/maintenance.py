"""Keep the files and the log of a table bounded without taking anything from those who still read them.

In this order: small files are joined, the log gets a checkpoint, then what nobody needs is removed. Every step leaves a
valid table behind, so a maintenance that was killed is simply run again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from deltalake import DeltaTable
from deltalake.transaction import CommitProperties, PostCommitHookProperties

from klineforge.domain.contract import TableContract
from klineforge.lake.compaction import Bundle, Sizes, compact, plan_compaction
from klineforge.lake.leftovers import Leftovers, Retention, find_leftovers
from klineforge.lake.location import TableLocation
from klineforge.lake.log import LocalTableLog
from klineforge.lake.log_files import read_log_files
from klineforge.lake.memory import Reader, newest_note
from klineforge.lake.note import CommitNote, Counts

# Delta itself removes log entries after 30 days, at any commit and whoever still needs them. A table that is maintained
# leaves that to maintenance, which knows its readers.
_OUR_CLEANUP = {"delta.enableExpiredLogCleanup": "false"}
_UNKNOWN_FEATURES = "left alone: it uses Delta features that KlineForge does not know"


@dataclass(frozen=True)
class Policy:
    """What is kept, and what is worth doing.

    Args:
        retention: How long things stay.
        sizes: When files are joined.
        commits: A log with more commits than this after its last checkpoint gets one.
    """

    retention: Retention = field(default_factory=Retention)
    sizes: Sizes = field(default_factory=Sizes)
    commits: int = 20


@dataclass(frozen=True)
class Extent:
    """How large a table is.

    Args:
        files: Data files of the newest version.
        size_bytes: Everything in its folder.
        log_entries: Commits its log still tells of.
    """

    files: int
    size_bytes: int
    log_entries: int


@dataclass(frozen=True)
class Upkeep:
    """What was done to a table, or would be.

    Args:
        table: Its name.
        before: As it was found.
        after: As it was left; in a dry run an estimate that does not know the size of joined files.
        reclaimed: Bytes of the files that were removed.
        remarks: What was left alone and why, one sentence each.
    """

    table: str
    before: Extent
    after: Extent
    reclaimed: int
    remarks: tuple[str, ...] = ()


def maintain(
    path: Path,
    contract: TableContract,
    readers: tuple[Reader, ...],
    *,
    now: datetime,
    policy: Policy | None = None,
    dry_run: bool = False,
) -> Upkeep:
    """Join small files, then remove what neither a version within the retention nor a reader needs.

    Args:
        path: Folder of the table; the caller holds the lake's lock.
        contract: The table's contract.
        readers: Derived tables that read its changes.
        now: Aware UTC instant that ages are measured against.
        policy: What to keep; the defaults where it is None. Properties of the table that ask for more win.
        dry_run: Change nothing, only say what would be done.

    Raises:
        ConfigurationError: When the table has a property that cannot be understood.
        IncrementalStateError: When a data file does not hold what the log says.
        DeltaError: When the table cannot be read.
    """
    table, before = DeltaTable(path), extent(path)
    if table.protocol().min_reader_version > 1:
        return Upkeep(contract.name, before, before, 0, (_UNKNOWN_FEATURES,))
    chosen = policy or Policy()
    retention = chosen.retention.at_least(table.metadata().configuration)
    noted, doubt = newest_note(LocalTableLog(TableLocation(path=str(path))), contract.name)
    # A commit of ours on top of somebody else's would make that one look trusted.
    bundles = () if noted is None else plan_compaction(table, contract, chosen.sizes)
    takes_over = noted is not None and _can_take_over(table)
    if not dry_run:
        if noted is not None and takes_over:
            _take_over(path, noted.note)
        if noted is not None and bundles:
            compact(path, contract, bundles, _carried(noted.note, "files").to_json(), now=now)
        _checkpoint(path, always=bool(bundles), most=chosen.commits)
    read_to = min((reader.version for reader in readers), default=DeltaTable(path).version())
    leftovers = _leftovers(path, contract, read_to, retention, now)
    reclaimed = _remove((*leftovers.files, *leftovers.entries), dry_run=dry_run)
    commits = bool(bundles) + takes_over
    after = _expected(before, bundles, leftovers, commits, reclaimed) if dry_run else extent(path)
    remarks = [f"files are not joined: {doubt}"] if doubt else []
    return Upkeep(contract.name, before, after, reclaimed, (*remarks, *_left(leftovers, readers, read_to, table)))


def extent(path: Path) -> Extent:
    """How large a table is.

    Raises:
        DeltaError: When there is no readable table.
    """
    files = DeltaTable(path).get_add_actions(flatten=True).num_rows
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return Extent(files, size, len(read_log_files(path).commits))


def _can_take_over(table: DeltaTable) -> bool:
    """Whether Delta's own cleanup is on and can be switched off without Spark.

    For a table that lists its features one by one, as Spark makes it, delta-rs would raise the reader's protocol.
    """
    properties = table.metadata().configuration
    ours = all(properties.get(name) == value for name, value in _OUR_CLEANUP.items())
    return not ours and table.protocol().writer_features is None


def _take_over(path: Path, note: CommitNote) -> None:
    DeltaTable(path).alter.set_table_properties(
        _OUR_CLEANUP,
        commit_properties=CommitProperties(custom_metadata={"userMetadata": _carried(note, "log").to_json()}),
        post_commithook_properties=PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False),
    )


def _carried(note: CommitNote, what: str) -> CommitNote:
    """The note for a commit that changes no rows: it travels on, so that the log may forget the one it came from."""
    return replace(note, action="acknowledge", counts=Counts(), run_id="", extra={"maintenance": what})


def _checkpoint(path: Path, *, always: bool, most: int) -> None:
    log = read_log_files(path)
    since = log.newest - max(log.checkpoints, default=-1)
    if since > (0 if always else most):
        DeltaTable(path).create_checkpoint()


def _leftovers(path: Path, contract: TableContract, read_to: int, retention: Retention, now: datetime) -> Leftovers:
    log = read_log_files(path)
    noted, _ = newest_note(LocalTableLog(TableLocation(path=str(path))), contract.name)
    return find_leftovers(
        path,
        log,
        set(DeltaTable(path).get_add_actions(flatten=True)["path"].to_pylist()),
        read_to=read_to,
        noted=log.newest if noted is None else noted.version,
        retention=retention,
        now=now,
    )


def _remove(files: Iterable[Path], *, dry_run: bool) -> int:
    size = 0
    for file in files:
        size += file.stat().st_size
        if not dry_run:
            file.unlink()
    return size


def _expected(before: Extent, bundles: tuple[Bundle, ...], left: Leftovers, commits: int, reclaimed: int) -> Extent:
    joined = sum(len(bundle.files) - 1 for bundle in bundles)
    entries = sum(file.suffix == ".json" for file in left.entries)
    return Extent(before.files - joined, before.size_bytes - reclaimed, before.log_entries + commits - entries)


def _left(left: Leftovers, readers: tuple[Reader, ...], read_to: int, table: DeltaTable) -> list[str]:
    remarks = ["no data files are removed: its log does not reach back far enough"] if left.unknown else []
    if left.waiting:
        late = ", ".join(reader.table for reader in readers if reader.version == read_to)
        remarks.append(
            f"{left.waiting:,} old files wait for {late}: read up to version {read_to} of {table.version()}; kedro run "
            "brings it up to date"
        )
    return remarks
