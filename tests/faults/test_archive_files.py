"""Cases of archive files as files: what is defective is refused and replaced, what is unverified is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl
import pytest
from faults.brought import DAY, from_day, sources_of
from faults.catalogue import case
from faults.world import World

from klineforge.errors import IngestionIncompleteError
from klineforge.simulator.faults.fault import Fault

MONTH = "BTCUSDT-1h-2024-02.zip"
FEBRUARY = datetime(2024, 2, 1, tzinfo=UTC)


@case("45")
def test_stale_checksum_is_never_silent_and_the_hours_come_from_rest(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.inject(Fault("checksum-stale", match=DAY))

    run = world.run()

    assert run.spoilt("checksum-stale") == 2
    assert "expected SHA-256" in caplog.text
    assert from_day(world).is_empty()
    assert run.error is None
    world.recover()


@case("45", "46")
@pytest.mark.parametrize("name", ["checksum-stale", "altered"])
def test_file_and_checksum_that_disagree_for_a_moment_are_fetched_again(world: World, name: str) -> None:
    world.inject(Fault(name, match=DAY, times=1))

    run = world.run()

    assert run.spoilt(name) == 1
    assert from_day(world).height == 24
    assert run.error is None
    world.recover()


@case("46")
def test_file_that_stays_altered_is_refused_and_its_month_comes_day_by_day(worlds: Callable[..., World]) -> None:
    world = worlds(start=FEBRUARY, coins=("BTCUSDT",))
    world.inject(Fault("altered", match=MONTH))

    run = world.run()

    assert run.spoilt("altered") == 2
    assert sources_of(world, FEBRUARY, datetime(2024, 3, 1, tzinfo=UTC)) == {"daily_archive"}
    assert run.error is None
    world.recover()


@case("46", "48")
@pytest.mark.parametrize("name", ["altered", "corrupt"])
def test_defect_that_nobody_can_replace_makes_its_coin_incomplete_and_no_other(world: World, name: str) -> None:
    world.inject(Fault(name, match="BTCUSDT*2024-03-02"))
    end = "2024-03-06"

    run = world.run(rest_url="off", end=end)

    assert run.spoilt(name) >= 2
    assert isinstance(run.error, IngestionIncompleteError)
    assert run.reports["BTCUSDT"].hours_missing == 24
    assert DAY in run.reports["BTCUSDT"].failures[0]
    assert run.reports["ETHUSDT"].hours_missing == 0
    world.recover()


@case("47")
@pytest.mark.parametrize("form", ["newline", "crlf", "upper", "star", "path"])
def test_checksum_in_another_form_still_vouches(world: World, form: str) -> None:
    world.inject(Fault("checksum-form", form=form))

    run = world.run()

    assert run.spoilt("checksum-form") == 10
    assert set(world.lake.table("checkpoints").filter(pl.col("sha256").is_not_null())["status"]) == {"loaded"}
    assert run.error is None
    world.recover()


@case("47")
@pytest.mark.parametrize("form", ["other-name", "no-name", "short", "html"])
def test_checksum_about_something_else_vouches_for_nothing(world: World, form: str) -> None:
    world.inject(Fault("checksum-form", match=DAY, form=form))

    run = world.run()

    assert run.spoilt("checksum-form") == 2
    assert from_day(world).is_empty()
    assert run.error is None
    world.recover()


@case("47")
@pytest.mark.parametrize("fault", [Fault("checksum-missing"), Fault("checksum-form", form="empty")])
def test_file_without_a_checksum_is_loaded_and_told_as_unverified(world: World, fault: Fault) -> None:
    world.inject(fault)

    run = world.run()

    assert run.spoilt(fault.name) == 10
    archives = world.lake.table("checkpoints").filter(pl.col("source_kind") == "daily_archive")
    assert set(archives["status"]) == {"unverified"}
    assert set(archives["message"]) == {"no checksum is published for this file"}
    assert run.error is None
    world.recover()


@case("48")
@pytest.mark.parametrize("name", ["corrupt", "truncated"])
def test_corrupt_file_with_a_right_checksum_is_found_and_replaced(
    worlds: Callable[..., World], caplog: pytest.LogCaptureFixture, name: str
) -> None:
    world = worlds(start=FEBRUARY, coins=("BTCUSDT",))
    world.inject(Fault(name, match=MONTH), Fault(name, match=DAY))

    run = world.run()

    assert run.spoilt(name) == 4
    assert caplog.text.count("the zip cannot be read") == 2
    assert sources_of(world, FEBRUARY, datetime(2024, 3, 1, tzinfo=UTC)) == {"daily_archive"}
    assert from_day(world).is_empty()
    assert run.error is None
    world.recover()


@case("49")
@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (Fault("members", match=DAY, count=0), "found nothing"),
        (Fault("members", match=DAY, count=2), "found 'BTCUSDT-1h-2024-03-02.csv', '1-BTCUSDT"),
        (Fault("member-name", match=DAY, name="../escaped.csv"), "found '../escaped.csv'"),
        (Fault("member-name", match=DAY, name="/BTCUSDT-1h-2024-03-02.csv"), "found '/BTCUSDT"),
        (Fault("member-name", match=DAY, name="BTCUSDT-1h-2024-03-02.csv/"), "found 'BTCUSDT-1h-2024-03-02.csv/'"),
        (Fault("bomb", match=DAY, times=2, megabytes=65), "unpacks to more than"),
    ],
    ids=["none", "two", "parent folder", "root", "folder", "bomb"],
)
def test_zip_of_anything_but_the_one_csv_is_refused(
    world: World, caplog: pytest.LogCaptureFixture, fault: Fault, problem: str
) -> None:
    world.inject(fault)

    run = world.run()

    assert run.spoilt(fault.name) == 2
    assert problem in caplog.text
    assert from_day(world).is_empty()
    assert not list(world.lake.path.parent.rglob("escaped*"))
    assert run.error is None
    world.recover()


@case("50")
def test_empty_csv_is_a_defect_and_not_a_day_without_trades(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.inject(Fault("empty-csv", match=DAY))

    run = world.run()

    assert run.spoilt("empty-csv") == 2
    assert "is empty" in caplog.text
    assert world.lake.table("checkpoints").filter(pl.col("status") == "empty").is_empty()
    assert run.error is None
    world.recover()
