"""Small files become few sorted ones, and nobody but the file system notices."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from faults.catalogue import case
from lake.tables import PRICES, START, append, contents, correct, feed, hours, make_table, note, read

from klineforge.errors import IncrementalStateError
from klineforge.incremental.plan import changed_between
from klineforge.lake.compaction import Sizes
from klineforge.lake.location import TableLocation
from klineforge.lake.log import LocalTableLog
from klineforge.lake.maintenance import Policy, Upkeep, maintain
from klineforge.lake.memory import newest_note

SMALL = Sizes(many=3)


def kept_up(path: Path, sizes: Sizes = SMALL, *, dry_run: bool = False) -> Upkeep:
    return maintain(path, PRICES, (), now=datetime.now(UTC), policy=Policy(sizes=sizes), dry_run=dry_run)


def files(path: Path) -> pl.DataFrame:
    return pl.DataFrame(DeltaTable(path).get_add_actions(flatten=True)).sort("partition.year")


def test_small_files_become_one_sorted_file_per_year(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 24)
    before = read(path)

    done = kept_up(path)

    assert (done.before.files, done.after.files) == (24, 2)
    assert read(path).equals(before)
    for name in files(path)["path"]:
        rows = pl.read_parquet(path / name, hive_partitioning=False)
        assert rows.equals(rows.sort(PRICES.sort_by))
        assert "year" not in rows.columns


def test_joined_file_has_the_statistics_readers_skip_by(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 12)

    kept_up(path)

    (joined,) = files(path).to_dicts()
    assert (joined["num_records"], joined["min.coin"], joined["max.coin"]) == (24, "AUSDT", "BUSDT")
    assert joined["min.open_timestamp"] == START
    assert joined["max.open_timestamp"] == START.replace(hour=23)
    assert joined["null_count.open_timestamp"] == 0
    assert (joined["partition.year"], "min.price" in joined) == (2024, False)


def test_partition_with_few_small_files_is_left_alone(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 15)
    before = files(path).filter(pl.col("partition.year") == 2025)

    kept_up(path)

    after = files(path)
    assert after.filter(pl.col("partition.year") == 2024).height == 1
    assert before.height == SMALL.many
    assert set(before["path"]) == set(after.filter(pl.col("partition.year") == 2025)["path"])


def test_second_maintenance_changes_nothing(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 30)
    kept_up(path)
    before = contents(path)

    assert kept_up(path).after.files == 2
    assert contents(path) == before


def test_dry_run_changes_nothing_and_says_what_would_be_done(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 30)
    before = contents(path)

    expected = kept_up(path, dry_run=True)

    assert contents(path) == before
    done = kept_up(path)
    assert (expected.before, expected.after.files, expected.after.log_entries) == (
        done.before,
        done.after.files,
        done.after.log_entries,
    )


def test_large_partition_becomes_files_of_bounded_size_in_the_order_of_time(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 11)
    newest = files(path).sort("min.open_timestamp")["path"][-1]
    sizes = Sizes(many=2, rows=10)

    kept_up(path, sizes)

    made = files(path).sort("min.open_timestamp")
    assert made["num_records"].to_list() == [10, 10, 2]
    assert (made["min.open_timestamp"].slice(1) > made["max.open_timestamp"].head(2)).all()
    assert made["path"][-1] == newest, "a file that is alone needs no copy"
    before = contents(path)
    kept_up(path, sizes)
    assert contents(path) == before


def test_file_that_is_half_full_is_not_written_again(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices")
    write_deltalake(path, hours(0, 3), mode="append", commit_properties=note())
    (large,) = files(path)["path"]
    append(path, 3, 4, 5, 6)

    kept_up(path, Sizes(many=3, rows=10))

    assert sorted(files(path)["num_records"]) == [6, 8]
    assert large in files(path)["path"]


def test_every_bit_of_a_figure_survives(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 4)
    odd = hours(5, 9).set_column(2, "price", [[float("nan"), -0.0, None, 5e-324, 0.1, float("-inf"), 1e308, 2.0]])
    odd = odd.set_column(3, "reasons", [[[], None, ["x"], [None], None, [], ["y", "z"], [""]]])
    write_deltalake(path, odd.cast(hours(0, 0).schema), mode="append", commit_properties=note())
    before = read(path)

    assert kept_up(path).after.files == 1

    after = read(path)
    assert after.equals(before)
    assert after["price"].reinterpret(signed=True).equals(before["price"].reinterpret(signed=True))


def test_change_feed_does_not_show_it(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 8)
    correct(path, 3, 2.0)
    before = feed(path, 2)
    newest = DeltaTable(path).version()

    kept_up(path)
    append(path, 8)

    log = LocalTableLog(TableLocation(path=str(path)))
    assert feed(path, 2, newest + 1).equals(before)
    assert not changed_between(log, newest, newest + 1)
    assert feed(path, newest)["open_timestamp"].unique().to_list() == [START.replace(hour=20)]


def test_table_remembers_after_it_what_it_remembered_before(tmp_path: Path) -> None:
    source = DeltaTable(make_table(tmp_path / "source", 1))
    path = make_table(tmp_path / "prices", 5)
    write_deltalake(path, hours(5, 6), mode="append", commit_properties=note(consumed=1, source=source))
    log = LocalTableLog(TableLocation(path=str(path)))
    before, _ = newest_note(log, "prices")
    assert before is not None

    kept_up(path)

    newest = next(iter(log.commits()))
    assert newest.note is not None
    assert (newest.note.action, newest.note.consumed) == ("acknowledge", before.note.consumed)
    assert (newest.note.recipe_version, newest.note.table) == ("v7", "prices")


@case("83")
def test_commit_of_somebody_else_is_not_covered_up(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 8)
    DeltaTable(path).delete("coin = 'AUSDT'")
    log = LocalTableLog(TableLocation(path=str(path)))

    done = kept_up(path)

    assert done.remarks == ("files are not joined: version 9 (DELETE) was not written by KlineForge",)
    assert newest_note(log, "prices")[0] is None


def test_file_that_lost_rows_is_not_joined(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 8)
    victim = path / files(path)["path"][0]
    pq.write_table(pq.read_table(victim).slice(0, 1), victim)
    version = DeltaTable(path).version()

    with pytest.raises(IncrementalStateError, match=r"hold 15 rows, the log says 16.*kedro klineforge rebuild prices"):
        kept_up(path)

    assert DeltaTable(path).version() == version


def test_column_of_the_change_feed_that_spark_leaves_in_data_files_is_not_taken_over(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 8)
    before = read(path)
    merged = path / files(path)["path"][0]
    rows = pq.read_table(merged, partitioning=None)
    pq.write_table(rows.append_column("_change_type", pa.nulls(rows.num_rows, pa.string())), merged)

    assert kept_up(path).after.files == 1

    assert read(path).equals(before)
    assert "_change_type" not in pq.read_schema(path / files(path)["path"][0]).names


def test_table_with_features_that_are_not_known_is_left_alone(tmp_path: Path) -> None:
    path = make_table(tmp_path / "prices", 8, properties={"delta.enableDeletionVectors": "true"})
    before = contents(path)

    assert kept_up(path).remarks == ("left alone: it uses Delta features that KlineForge does not know",)
    assert contents(path) == before
