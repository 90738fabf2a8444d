"""What goes is what neither a version within the retention nor a reader needs; everything else stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable
from lake.tables import PRICES, aged, append, contents, correct, feed, make_table, read

from klineforge.contracts import CONTRACTS
from klineforge.errors import ConfigurationError
from klineforge.lake.compaction import Sizes
from klineforge.lake.ddl import create_local_table
from klineforge.lake.leftovers import Retention
from klineforge.lake.location import TableLocation
from klineforge.lake.log import LocalTableLog
from klineforge.lake.maintenance import Policy, Upkeep, maintain
from klineforge.lake.memory import Reader, newest_note
from klineforge.lake.note import CommitNote

POLICY = Policy(sizes=Sizes(many=3))


def kept_up(path: Path, days: float = 0, readers: tuple[Reader, ...] = (), policy: Policy = POLICY) -> Upkeep:
    """Maintain a table so many days from now; what a dry run foretells must come true."""
    now = datetime.now(UTC) + timedelta(days=days)
    expected = maintain(path, PRICES, readers, now=now, policy=policy, dry_run=True)
    done = maintain(path, PRICES, readers, now=now, policy=policy)
    assert (done.before, done.reclaimed, done.remarks) == (expected.before, expected.reclaimed, expected.remarks)
    assert done.after.log_entries == expected.after.log_entries
    return done


def parquet(path: Path) -> set[str]:
    return {name for name in contents(path) if name.endswith(".parquet") and not name.startswith("_delta_log")}


def versions(path: Path) -> list[int]:
    return [int(file.stem) for file in sorted((path / "_delta_log").glob("*.json"))]


def test_joined_files_stay_for_a_week_and_then_go(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 8)
    before = parquet(path)
    kept_up(path)

    assert kept_up(path, days=6.9).reclaimed == 0
    assert before < parquet(path)
    assert read(path, version=5).height == 10

    assert kept_up(path, days=7.1).reclaimed > 0
    assert len(parquet(path)) == 1
    assert read(path).height == 16


def test_files_a_maintenance_has_just_joined_stay_even_without_retention(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 8)
    policy = Policy(Retention(timedelta(0)), Sizes(many=3))

    assert maintain(path, PRICES, (), now=datetime.now(UTC), policy=policy).reclaimed == 0
    assert read(path, version=8).height == 16


def test_what_a_reader_has_not_read_yet_stays_for_as_long_as_it_takes(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 6)
    correct(path, 2, 2.0)
    append(path, 6)
    unread = feed(path, 5)
    kept_up(path)
    late = (Reader("prompt", 8), Reader("mart", 5))

    done = kept_up(path, days=300, readers=late)

    assert feed(path, 5).equals(unread)
    assert "wait for mart: read up to version 5 of 9" in done.remarks[-1]
    assert "prompt" not in done.remarks[-1]
    caught_up = kept_up(path, days=300, readers=(Reader("prompt", 8), Reader("mart", 9)))
    assert caught_up.remarks == ()
    assert not (path / "_change_data").exists() or not list((path / "_change_data").rglob("*.parquet"))
    assert len(parquet(path)) == 1


def test_file_that_a_killed_run_left_goes_when_it_is_old(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 1)
    orphan = path / "year=2024" / "part-00000-orphan.parquet"
    checksum = orphan.with_name(f".{orphan.name}.crc")
    orphan.write_bytes(b"half a file")
    checksum.write_bytes(b"crc")

    kept_up(path, days=6)
    assert orphan.exists()
    assert kept_up(path, days=8).reclaimed == len(b"half a file" + b"crc")
    assert not orphan.exists()
    assert not checksum.exists()


@pytest.mark.parametrize("name", ["_other/x.parquet", "year=2024/_x.parquet", ".hidden/x.parquet", "notes.txt"])
def test_files_that_are_not_the_tables_are_left_alone(tmp_path: Path, name: str) -> None:
    path = make_table(tmp_path / "prices", 1)
    foreign = path / name
    foreign.parent.mkdir(exist_ok=True)
    foreign.write_text("foreign")

    assert kept_up(path, days=300).reclaimed == 0
    assert foreign.exists()


def test_log_gets_a_checkpoint_when_many_commits_follow_the_last_one(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 2)
    policy = Policy(commits=3)
    kept_up(path, policy=policy)
    assert not list(path.rglob("*.checkpoint.parquet"))

    append(path, 2)
    kept_up(path, policy=policy)
    assert [file.name for file in path.rglob("*.checkpoint.parquet")] == [f"{3:020d}.checkpoint.parquet"]


def test_log_entries_before_a_checkpoint_go_after_a_month(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 8)
    kept_up(path)  # joins files, and makes a checkpoint of version 9
    append(path, 8)
    (path / "_delta_log" / f"{4:020d}.crc").write_text("{}")
    (path / "_delta_log" / f".{4:020d}.json.crc").write_text("{}")
    before = read(path)

    assert kept_up(path, days=29.9).after.log_entries == 11
    done = kept_up(path, days=30.1)

    assert (done.after.log_entries, versions(path)) == (2, [9, 10])
    assert not [name for name in contents(path / "_delta_log") if f"{4:020d}" in name]
    assert read(path).equals(before)
    assert read(path, version=9).height == 16


def test_log_without_a_checkpoint_keeps_everything(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 2)

    assert kept_up(path, days=300).after.log_entries == 3


def test_checkpoint_that_was_cut_off_does_not_count(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 4)
    DeltaTable(path, version=2).create_checkpoint()
    DeltaTable(path).create_checkpoint()
    (path / "_delta_log" / f"{3:020d}.checkpoint.parquet").write_bytes(b"PAR1")

    kept_up(path, days=300, readers=(Reader("mart", 2),), policy=Policy())

    assert versions(path) == [2, 3, 4]


def test_log_entries_a_reader_has_not_read_yet_stay(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 4)
    DeltaTable(path).create_checkpoint()
    append(path, 4, 5)
    DeltaTable(path).create_checkpoint()
    unread = feed(path, 4)

    kept_up(path, days=300, readers=(Reader("mart", 4),))

    assert versions(path) == [4, 5, 6, 7]
    assert feed(path, 4).equals(unread)


def test_newest_note_stays_however_old_it_is(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 6)
    DeltaTable(path).create_checkpoint()
    append(path, 6)
    for year in (2024, 2024):  # OPTIMIZE by hand, without a note, over and over
        DeltaTable(path).optimize.z_order(["coin"], partition_filters=[("year", "=", str(year))])
    DeltaTable(path).create_checkpoint()
    log = LocalTableLog(TableLocation(path=str(path)))
    assert next(iter(log.commits())).note is None

    kept_up(path, days=300, policy=Policy())

    assert versions(path) == [6, 7, 8, 9]
    memory, doubt = newest_note(log, "prices")
    assert (memory is not None, doubt) == (True, "")


def test_deltas_own_cleanup_does_not_take_the_note_of_a_table_that_was_maintained(tmp_path: Path) -> None:
    """Its newest change is older than a month, later commits are ours alone, and Delta has cleaned up the log."""
    path = make_table(tmp_path / "prices", 8)
    kept_up(path)
    aged(path / "_delta_log", 40)
    DeltaTable(path).cleanup_metadata()

    assert versions(path) == [9]
    memory, doubt = newest_note(LocalTableLog(TableLocation(path=str(path))), "prices")
    assert memory is not None, doubt
    assert memory.note.recipe_version == "v7"


OWN_CLEANUP = {"delta.enableExpiredLogCleanup": "true"}


def test_deltas_own_cleanup_knows_no_readers(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 6, properties=OWN_CLEANUP)
    DeltaTable(path).create_checkpoint()
    aged(path / "_delta_log", 40)

    append(path, 6)

    assert versions(path) == [6, 7]


def test_table_that_is_maintained_is_cleaned_up_by_maintenance_alone(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 6, properties=OWN_CLEANUP)
    late = (Reader("mart", 4),)
    before = DeltaTable(path).protocol()
    aged(path / "_delta_log", 40)

    done = kept_up(path, readers=late)
    kept_up(path, readers=late)

    assert DeltaTable(path).version() == 8, "one commit that switches it off, one that joins files"
    assert done.after.log_entries == 9
    memory, _ = newest_note(LocalTableLog(TableLocation(path=str(path))), "prices")
    assert memory is not None
    unread = feed(path, 4, 8)
    aged(path / "_delta_log", 40)
    append(path, 6)
    assert versions(path) == [*range(10)]
    assert feed(path, 4, 8).equals(unread)
    now = DeltaTable(path).protocol()
    assert (now.min_reader_version, now.min_writer_version) == (before.min_reader_version, before.min_writer_version)


def test_table_of_the_lake_is_readable_by_everybody_after_maintenance(tmp_path: Path) -> None:
    """With constraints and all other properties our tables have, switching one keeps the protocol as it was."""
    contract = CONTRACTS["fact_1h_klines"]
    create_local_table(contract, TableLocation(path=str(tmp_path)))
    before = DeltaTable(tmp_path).protocol()
    log = LocalTableLog(TableLocation(path=str(tmp_path)))
    log.acknowledge(CommitNote(contract.name, "acknowledge"), ["year"])

    maintain(tmp_path, contract, (), now=datetime.now(UTC))

    after = DeltaTable(tmp_path)
    assert after.metadata().configuration["delta.enableExpiredLogCleanup"] == "false"
    assert after.metadata().configuration["delta.constraints.on_the_hour"] == dict(contract.checks)["on_the_hour"]
    protocol = after.protocol()
    assert (protocol.min_reader_version, protocol.min_writer_version) == (1, before.min_writer_version)
    assert (protocol.reader_features, protocol.writer_features) == (None, None)


def test_log_that_does_not_tell_of_the_whole_week_saves_all_files(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 8)
    kept_up(path)
    append(path, 8)
    for version in range(9):
        (path / "_delta_log" / f"{version:020d}.json").unlink()
    before = parquet(path)

    done = kept_up(path, days=6)

    assert done.remarks == ("no data files are removed: its log does not reach back far enough",)
    assert parquet(path) == before
    assert kept_up(path, days=8).reclaimed > 0


def test_table_that_asks_for_more_is_kept_longer(tmp_path: Path) -> None:
    wanted = {"delta.deletedFileRetentionDuration": "interval 60 days", "delta.logRetentionDuration": "90 Days"}
    path = make_table(tmp_path / "prices", 8, properties=wanted)
    kept_up(path)

    assert kept_up(path, days=59).reclaimed == 0
    assert kept_up(path, days=61).after.log_entries == 10
    assert kept_up(path, days=91).after.log_entries == 1


def test_retention_that_is_no_interval_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is 'a while', expected for example 'interval 30 days'"):
        Retention().at_least({"delta.logRetentionDuration": "a while"})


def test_log_shorter_than_the_files_it_tells_of_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="at least as long as the files they tell of"):
        Retention(timedelta(days=40))
