"""How far the tables of a lake have read each other, from their notes."""

from __future__ import annotations

from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake
from lake.tables import hours, make_table, note

from klineforge.errors import EnvironmentProblem
from klineforge.lake.memory import Reader, readers_of


def lake_with_reader(lake: Path) -> tuple[Path, Path]:
    """``source``, and ``prices`` that has read it up to version 2."""
    source = make_table(lake / "silver" / "source", 3)
    prices = make_table(lake / "silver" / "prices", 1)
    write_deltalake(prices, hours(1, 2), mode="append", commit_properties=note(consumed=2, source=DeltaTable(source)))
    return source, prices


def test_readers_are_found_in_the_notes_of_the_lake(tmp_path: Path) -> None:
    _, prices = lake_with_reader(tmp_path)
    assert readers_of(tmp_path) == {"source": (Reader("prices", 2),)}

    DeltaTable(prices).delete("coin = 'AUSDT'")
    assert readers_of(tmp_path) == {}, "a table that is made anew reads no changes"


def test_reader_of_a_table_that_was_replaced_is_none(tmp_path: Path) -> None:
    source, _ = lake_with_reader(tmp_path)
    for file in sorted(source.rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()
    make_table(source, 3)

    assert readers_of(tmp_path) == {}


def test_lake_with_a_table_whose_memory_cannot_be_read_is_refused(tmp_path: Path) -> None:
    _, prices = lake_with_reader(tmp_path)
    (prices / "_delta_log" / f"{1:020d}.json").write_text("{ cut off")

    with pytest.raises(EnvironmentProblem, match="log of the table .*prices cannot be read.*Nothing was changed"):
        readers_of(tmp_path)
