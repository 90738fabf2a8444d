"""Cases of storage, process and concurrency that ingestion itself has to stand."""

from __future__ import annotations

import errno
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from faults.catalogue import case
from faults.world import World
from ingestion import lake as lakes

from klineforge.errors import ConfigurationError, IngestionIncompleteError
from klineforge.exchanges.landing import LandingZone
from klineforge.simulator.faults.fault import Fault

JANUARY = datetime(2024, 1, 1, tzinfo=UTC)


def full(*_: object, **__: object) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


@case("72")
def test_disk_that_is_full_while_landing_is_told_and_the_next_run_heals(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run(end="2024-03-03")
    before = world.lake.versions()
    monkeypatch.setattr(LandingZone, "_write", full)

    run = world.run()

    monkeypatch.undo()
    assert isinstance(run.error, ConfigurationError)
    assert "No space left on device; free some space" in run.message
    assert world.lake.versions() == before
    world.recover()


@case("72")
@pytest.mark.parametrize("commit", [1, 2])
def test_disk_that_is_full_during_a_commit_leaves_the_former_version_and_the_next_run_heals(
    world: World, monkeypatch: pytest.MonkeyPatch, commit: int
) -> None:
    world.run(end="2024-03-03")
    before = world.lake.table("klines")
    write, calls = lakes.write_deltalake, 0

    def filling(*arguments: Any, **options: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == commit:
            full()
        write(*arguments, **options)

    monkeypatch.setattr(lakes, "write_deltalake", filling)
    with pytest.raises(OSError, match="No space left"):
        world.run()
    monkeypatch.undo()

    assert calls == commit
    held = world.lake.table("klines")
    assert before.join(held, on=["coin", "sha256", "source_row"], how="anti").is_empty()
    world.recover()


@case("73")
def test_landed_files_that_were_cut_are_told_and_fetched_again(world: World, caplog: pytest.LogCaptureFixture) -> None:
    run_download(world)
    landed = sorted(world.lake.zone.path.glob("*.bin"))
    for file in landed[:3]:
        file.write_bytes(file.read_bytes()[:-7])
    (world.lake.zone.path / "torn.bin.partial").write_bytes(b"half")

    run = world.run()

    assert caplog.text.count("a landed download is damaged and will be fetched again") >= 3
    assert run.error is None
    assert list(world.lake.zone.path.iterdir()) == []
    world.recover()


@case("74")
@pytest.mark.parametrize("lost", ["klines", "checkpoints"])
def test_table_that_is_lost_is_filled_again_from_what_the_other_cannot_prove(world: World, lost: str) -> None:
    world.run()
    folder = Path(world.lake.path) / lakes.TABLES[lost]
    folder.rename(world.lake.path / "LOST")

    run = world.run()

    assert run.error is None
    world.all_candles_are_there("BTCUSDT")
    world.all_candles_are_there("ETHUSDT")


@case("53", "75")
def test_row_from_the_far_future_moves_nothing(world: World) -> None:
    world.inject(Fault("stray", match="BTCUSDT-1h-2024-03-02.zip", days=27_500.0))
    run = world.run()
    assert run.spoilt("stray") == 1
    assert run.error is None
    world.inject()
    world.time.pass_by(5 * 3600)

    again = world.run()

    assert again.reports["BTCUSDT"].rows == 5
    stray = world.lake.table("klines").filter(pl.col("open_time") > datetime(2090, 1, 1, tzinfo=UTC).timestamp() * 1000)
    assert stray.height == 1
    truth = world.truth("BTCUSDT")
    assert {hour: row for hour, row in world.best("BTCUSDT").items() if hour in truth} == truth


@case("80")
def test_backfill_over_hours_that_are_there_already_repeats_nothing(worlds: Callable[..., World]) -> None:
    world = worlds()
    world.run(archive_url="off")
    world.start = JANUARY

    run = world.run()

    assert run.reports["BTCUSDT"].hours_known == 5 * 24 + 12
    assert run.error is None
    opens = world.lake.opens("BTCUSDT")
    assert len(opens) == len(set(opens))
    world.recover()


@case("82")
@pytest.mark.parametrize("failing", ["startTime=1704067200000", "startTime=1707667200000"])
def test_page_that_fails_among_parallel_ones_is_fetched_by_the_next_run(
    worlds: Callable[..., World], failing: str
) -> None:
    world = worlds(start=JANUARY)
    world.inject(Fault("status", match=f"BTCUSDT*{failing}"))

    run = world.run(archive_url="off")

    assert run.spoilt("status") == 5
    assert isinstance(run.error, IngestionIncompleteError)
    assert 0 < run.reports["BTCUSDT"].hours_missing < run.reports["BTCUSDT"].hours_wanted
    assert run.reports["BTCUSDT"].rows > 0
    world.all_candles_are_there("ETHUSDT")
    world.recover(archive_url="off")


def run_download(world: World) -> None:
    """Ingestion without the bronze appends, as of a run that was cut off."""
    append = world.lake.append
    world.lake.append = lambda _max_rows=0: 0  # type: ignore[method-assign]
    run = world.run()
    world.lake.append = append  # type: ignore[method-assign]
    assert run.error is None
    assert world.lake.zone.units()
