"""Another program commits to a table while a run writes it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from faults.catalogue import case
from ingestion.product import plain_errors
from law.lake import KLINES, Lake
from law.proof import assert_equals_oracle, assert_nothing_left_to_do
from law.records import Record, bronze_rows

from klineforge.datasets.delta_table import Append
from klineforge.errors import IncrementalStateError, LakeBusyError
from klineforge.incremental.engine import ATTEMPTS
from klineforge.lake.local import LocalWriter
from klineforge.pipelines.bronze.layout import KLINE_LAYOUT

COINS = ("AAAUSDT", "BBBUSDT")
HOURS = 6


def candles(hours: Iterable[int]) -> list[Record]:
    return [
        Record(coin, hour, 100 + (hour * step) % 17, 5 + hour % 7)
        for hour in hours
        for step, coin in enumerate(COINS, start=3)
    ]


def append_of(records: list[Record], identity: str) -> Append:
    return Append(bronze_rows(records, KLINES), identity, layout=KLINE_LAYOUT)


def scribble(folder: Path) -> None:
    """What a stranger does: the first row of the table once more, with another figure."""
    row = pl.read_delta(str(folder)).head(1)
    figure = next(name for name, kind in row.schema.items() if kind == pl.Float64)
    write_deltalake(str(folder), row.with_columns(pl.lit(4711.0).alias(figure)).to_arrow(), mode="append")


class Stranger:
    """Commits to a table just before KlineForge does, so many times."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, times: int) -> None:
        self.times = 0
        for name in ("append", "merge", "overwrite"):
            monkeypatch.setattr(LocalWriter, name, self._before(getattr(LocalWriter, name), folder, times))

    def _before(self, write: Any, folder: Path, times: int) -> Any:
        def disturbed(writer: LocalWriter, *arguments: Any, **options: Any) -> Any:
            if writer._path == str(folder) and self.times < times:
                self.times += 1
                scribble(folder)
            return write(writer, *arguments, **options)

        return disturbed


@case("81")
def test_bronze_append_goes_on_top_of_a_strangers_and_both_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(tmp_path)
    lake.add(candles(range(2)))
    folder = lake.folder(KLINES)
    theirs = pl.read_delta(str(folder)).head(1).with_columns(coin=pl.lit("CCCUSDT")).to_arrow()
    table = DeltaTable(folder)

    write_deltalake(str(folder), theirs, mode="append")
    monkeypatch.setattr("klineforge.lake.local.DeltaTable", lambda _: table)  # as it was before
    lake.dataset(KLINES).save(append_of(candles(range(2, 4)), "more"))

    assert lake.read(KLINES)["coin"].value_counts().sort("coin").rows() == [
        ("AAAUSDT", 4),
        ("BBBUSDT", 4),
        ("CCCUSDT", 1),
    ]


@case("70")
def test_append_under_an_identity_that_brought_other_rows_is_refused(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    first = bronze_rows(candles(range(2)), KLINES)
    identity = first["batch_id"][0].as_py()
    lake.dataset(KLINES).save(Append(first, identity, layout=KLINE_LAYOUT))
    same = Append(first, identity, layout=KLINE_LAYOUT)
    lake.dataset(KLINES).save(same)
    assert lake.read(KLINES).height == 4

    words = "4 of 4 rows are not there although an append with their identity.*klineforge repair"
    with pytest.raises(IncrementalStateError, match=words), plain_errors():
        lake.dataset(KLINES).save(append_of(candles(range(7, 9)), identity))

    assert lake.read(KLINES).height == 4


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two coins over some hours, every table made."""
    lake = Lake(tmp_path_factory.mktemp("lake"))
    lake.add(candles(range(HOURS)))
    lake.derive()
    return lake


@pytest.fixture
def lake(made: Lake, tmp_path: Path) -> Lake:
    """A lake of a test's own with something to do."""
    shutil.copytree(made.root, tmp_path / "lake")
    return Lake(tmp_path / "lake", list(made.held))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("spark")
@case("81")
@pytest.mark.parametrize("correction", [False, True], ids=["append", "merge"])
def test_strangers_commit_under_an_increment_is_not_vouched_for(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, correction: bool
) -> None:
    late = [Record("AAAUSDT", 2, 111.0, 9.0, sequence=5)] if correction else []
    lake.add([*candles([HOURS]), *late])
    stranger = Stranger(monkeypatch, lake.folder("mart_returns_1h"), 1)

    outcomes = lake.derive()

    assert stranger.times == 1
    assert outcomes["mart_returns_1h"].action == "rebuild"
    assert "mart_returns_1h: another program has committed to it meanwhile; once more" in caplog.text
    assert_equals_oracle(lake)
    assert_nothing_left_to_do(lake)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("spark")
@case("81")
def test_stranger_who_never_stops_ends_the_run_in_words_and_the_next_one_heals(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.add(candles([HOURS]))
    stranger = Stranger(monkeypatch, lake.folder("mart_returns_1h"), 100)

    with pytest.raises(LakeBusyError, match="another program commits to the table mart_returns_1h .* 3 times in a row"):
        lake.derive()

    assert stranger.times == ATTEMPTS
    monkeypatch.undo()
    lake.derive()
    assert_equals_oracle(lake)
    assert_nothing_left_to_do(lake)
