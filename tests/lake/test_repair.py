"""Bronze tables that came to harm: told in words, mended by the command, and filled again by the next run."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from faults.catalogue import case
from faults.world import World
from ingestion.product import ProductLake
from lake.damages import (
    AIDS,
    FILES,
    LOG,
    ONE_OF_EACH,
    SILENT,
    TORN,
    Damage,
    checkpoint_cut,
    commit_cut_in_a_line,
    commit_of_zeros,
    data_file_missing,
    middle_commit_missing,
    older_data_file_missing,
    pointer_garbage,
)
from lake.tables import contents
from polars.testing import assert_frame_equal

from klineforge.cli.repairing import Diagnosis, repair_lake
from klineforge.errors import DamagedTableError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TABLES = ("klines", "checkpoints", "exchange_info")
FIELDS = ("coin", "open_time", "open", "high", "low", "close", "volume")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of three runs: archives of two days, of all days, and the hours since by REST."""
    lake = ProductLake(tmp_path_factory.mktemp("sound"))
    with World(lake.path) as world:
        world.lake = lake
        for end in ("2024-03-03", "2024-03-05", "2024-03-06T12:00"):
            run = world.run(end=end)
            assert run.error is None, run.error
            world.time.pass_by(60)
    assert lake.versions()["klines"] == 4
    return lake.path


@pytest.fixture
def world(sound: Path, tmp_path: Path) -> Iterator[World]:
    """A lake of a test's own, and an exchange that has gone on."""
    lake = ProductLake(tmp_path / "lake")
    shutil.copytree(sound, lake.path)
    with World(lake.path) as world:
        world.lake = lake
        world.time.pass_by(3600)
        yield world


def repair(world: World, *tables: str, dry_run: bool = False) -> Diagnosis:
    return repair_lake(world.lake.path, tables, NOW, dry_run=dry_run)


def table_of(world: World, name: str) -> Path:
    lake = world.lake
    assert isinstance(lake, ProductLake)
    return lake.folder(name)


def assert_sound(world: World) -> None:
    """Bronze holds every candle of the exchange, by proof, each record once; another run commits nothing."""
    for coin in world.coins:
        world.all_candles_are_there(coin)
    klines, checkpoints = world.lake.table("klines"), world.lake.table("checkpoints")
    assert not klines.select("coin", "sha256", "source_row", "ingestion_ts").is_duplicated().any()
    claimed = checkpoints.group_by("coin", "sha256").agg(pl.col("row_count").sum()).filter(pl.col("row_count") > 0)
    held = klines.group_by("coin", "sha256").len()
    short = claimed.join(held, on=["coin", "sha256"], how="left").filter(
        pl.col("row_count") > pl.col("len").fill_null(0)
    )
    assert short.is_empty(), "checkpoints claim what klines do not hold"
    assert set(world.lake.table("exchange_info")["symbol"]) >= set(world.coins)
    before = world.lake.versions()
    again = world.run()
    assert again.error is None, again.error
    assert world.lake.versions() == before


@case("78")
@pytest.mark.parametrize(
    ("name", "damage"),
    [("klines", damage) for damage in (*TORN, *AIDS, *LOG, *FILES)]
    + [(name, damage) for name in TABLES[1:] for damage in ONE_OF_EACH],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_damage_is_told_in_words_mended_and_filled_again(world: World, name: str, damage: Damage) -> None:
    table = table_of(world, name)
    if damage is commit_cut_in_a_line:
        # What a run that was killed left is there at the same time.
        (table / "part-of-a-killed-run.parquet").write_bytes(b"PAR1")
    damage(table)
    harmed = contents(world.lake.path)

    with pytest.raises(DamagedTableError, match=f"{table.name}.*Nothing was changed.*kedro klineforge repair"):
        world.lake.coverage()
    assert contents(world.lake.path) == harmed

    wanted = repair(world, dry_run=True)
    assert [entry.table for entry in wanted.tables if entry.found] == [table.name]
    done = repair(world)

    assert done.failures == ()
    assert [entry.table for entry in done.tables if entry.done] == [table.name]
    assert repair(world).is_well
    healed = world.run()
    assert healed.error is None, healed.error
    assert_sound(world)


@pytest.mark.parametrize("damage", SILENT, ids=lambda damage: damage.__name__)
def test_damage_that_delta_reads_over_is_tidied_up(world: World, damage: Damage) -> None:
    damage(table_of(world, "klines"))
    assert world.run().error is None
    done = repair(world)
    assert [entry.found for entry in done.tables if entry.found] == [("_last_checkpoint cannot be read",)]
    assert repair(world).is_well
    assert_sound(world)


def test_several_damages_of_several_tables_are_mended_in_one_go(world: World) -> None:
    checkpoint_cut(table_of(world, "klines"))
    older_data_file_missing(table_of(world, "checkpoints"))
    commit_of_zeros(table_of(world, "klines"))
    pointer_garbage(table_of(world, "exchange_info"))

    assert repair(world).failures == ()

    assert repair(world).is_well
    assert world.run().error is None
    assert_sound(world)


def test_lost_rows_are_named_by_coin_and_period_and_come_again(world: World) -> None:
    before = world.lake.table("klines")
    older_data_file_missing(table_of(world, "klines"))

    done = repair(world)

    assert len(done.remarks) == 2
    assert "48 rows of BTCUSDT between 2024-03-01 00:00 and 2024-03-03 00:00" in done.remarks[0]
    assert "48 rows of ETHUSDT" in done.remarks[1]
    assert world.run().error is None
    after = world.lake.table("klines")
    assert before.select(FIELDS).join(after, on=list(FIELDS), how="anti").is_empty()
    assert_sound(world)


@case("74")
def test_run_notices_by_itself_that_half_of_a_lake_is_older_than_the_other(world: World) -> None:
    """The klines of yesterday's copy beside the checkpoints of today: no file is damaged, and nothing is to be told."""
    klines = table_of(world, "klines")
    with_all = world.lake.table("klines").height
    (klines / "_delta_log" / f"{3:020d}.json").unlink()

    run = world.run()

    assert run.error is None
    assert sum(report.rows for report in run.reports.values()) > 0
    assert world.lake.table("klines").height >= with_all
    before = world.lake.versions()
    assert world.run().error is None
    assert world.lake.versions() == before
    assert repair(world).failures == ()
    assert world.run().error is None
    assert_sound(world)


def test_dry_run_changes_nothing_and_a_sound_lake_stays_as_it_is(world: World) -> None:
    before = contents(world.lake.path)
    done = repair(world)
    assert done.is_well
    assert [entry.table for entry in done.tables] == [table_of(world, name).name for name in TABLES]
    assert {k: v for k, v in contents(world.lake.path).items() if k != "_klineforge/lock"} == {
        k: v for k, v in before.items() if k != "_klineforge/lock"
    }
    older_data_file_missing(table_of(world, "klines"))
    before = contents(world.lake.path / "bronze")
    assert not repair(world, dry_run=True).is_well
    assert contents(world.lake.path / "bronze") == before


def test_what_is_set_aside_is_kept(world: World) -> None:
    commit_cut_in_a_line(table_of(world, "klines"))
    torn = (table_of(world, "klines") / "_delta_log" / f"{3:020d}.json").read_bytes()
    repair(world)
    shelves = world.lake.path / "damaged"
    shelf = shelves / "binance_klines_daily-20261122T120000Z"
    assert (shelf / "_delta_log" / f"{3:020d}.json").read_bytes() == torn
    assert (shelves / "binance_ingestion_checkpoints-20261122T120000Z" / "withdrawn.parquet").is_file()


@case("70")
@pytest.mark.parametrize("name", ["klines", "checkpoints"])
def test_same_append_comes_again_after_its_rows_were_lost(tmp_path: Path, name: str) -> None:
    """The same files from the same place make the same append: what says that it was committed is taken back."""
    lake = ProductLake(tmp_path / "lake")
    with World(lake.path) as world:
        world.lake = lake
        assert world.run(end="2024-03-03").error is None
        (appended,) = lake.table("klines")["batch_id"].unique()
        data_file_missing(lake.folder(name))

        repair(world)

        assert world.run(end="2024-03-03").error is None
        assert list(lake.table("klines")["batch_id"].unique()) == [appended]
        assert list(lake.table("checkpoints")["batch_id"].unique()) == [appended]
        assert lake.table("klines").height == 96
        assert repair(world).is_well


class Killed(BaseException):
    """Ends a repair as a kill does: nothing of it is handled."""


@pytest.mark.parametrize("end", [Killed(), OSError(errno.ENOSPC, "No space left on device")], ids=["killed", "no room"])
@pytest.mark.parametrize(
    "step",
    ["klineforge.lake.salvage.create_local_table", "klineforge.lake.salvage.write_deltalake", "pathlib.Path.rename"],
)
def test_repair_that_ends_halfway_has_lost_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str, end: BaseException
) -> None:
    """The exchange serves no former revisions, so what a table made anew lacks would be lost for good."""
    klines = table_of(world, "klines")
    before = world.lake.table("klines")
    middle_commit_missing(klines)

    def ends(*_: object, **__: object) -> None:
        raise end

    with monkeypatch.context() as during, suppress(Killed):
        during.setattr(step, ends)
        assert repair(world).failures

    assert not repair(world, dry_run=True).is_well
    assert repair(world).failures == ()
    assert repair(world).is_well
    assert not list((world.lake.path / "damaged").glob("*being-made"))
    assert_frame_equal(world.lake.table("klines"), before, check_row_order=False)
