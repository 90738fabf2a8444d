"""How checks read tables: lazily, by polars, a year at a time where a table is large."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from deltalake import DeltaTable

from klineforge.domain.contract import YEAR_COLUMN, TableContract
from klineforge.lake.damage import wrong_files
from klineforge.lake.note import InputVersion
from klineforge.lake.scanning import scan_table
from klineforge.lake.table import LakeTable

# The exchange's listing comes by REST, which may be off.
_DISPENSABLE = frozenset({"binance_exchange_info"})
# What the warehouse knows of itself, and the tables for those who train models.
_DISPENSABLE_LAYERS = frozenset({"operations", "features"})


@dataclass(frozen=True, slots=True)
class Source:
    """A table to check.

    Args:
        table: The handle of the catalog.
    """

    table: LakeTable

    @property
    def contract(self) -> TableContract:
        """What the table promises."""
        return self.table.contract

    @property
    def name(self) -> str:
        """The table's name."""
        return self.contract.name

    @property
    def is_there(self) -> bool:
        """Whether the table has been made and its log can be read."""
        return isinstance(self.table.found, InputVersion)

    @property
    def is_lost(self) -> bool:
        """Whether the table is not there, though its data files are, or marts, which are made after it."""
        if self.is_there or self.folder is None:
            return False
        if next(self.folder.rglob("*.parquet"), None) is not None:
            return True
        made_last = self.folder.parent.parent.glob("marts/*/_delta_log")
        return not self.is_dispensable and next(made_last, None) is not None

    @property
    def is_dispensable(self) -> bool:
        """Whether a sound lake may do without the table for ever."""
        return self.contract.layer in _DISPENSABLE_LAYERS or self.name in _DISPENSABLE

    @property
    def is_whole(self) -> bool:
        """Whether the files that the log speaks of are there in their size, where that can be seen."""
        return self.folder is None or not wrong_files(self.folder, DeltaTable(self.folder), thorough=False)

    @property
    def version(self) -> int | None:
        """The version that is checked."""
        return self.table.found.version if isinstance(self.table.found, InputVersion) else None

    @property
    def folder(self) -> Path | None:
        """Where the table lies on this machine; None in object storage and catalogs."""
        return Path(str(self.table.location.path)) if self.table.location.is_local else None

    def rows(self) -> pl.LazyFrame:
        """All rows, not read yet; those of a table in a catalog come through Spark."""
        if self.folder is not None:
            return pl.scan_delta(str(self.folder))
        rows = scan_table(self.table)
        return pl.LazyFrame(schema=self.contract.column_names) if rows is None else rows

    def years(self) -> list[int | None]:
        """The years the rows are about, None among them where rows have no time, though they should."""
        when = self.contract.scan_time
        if when is None:
            return []
        year = pl.col(YEAR_COLUMN) if self.contract.partitioned else pl.col(when).dt.year()
        found = self.rows().select(year.alias(YEAR_COLUMN)).unique().collect(engine="streaming").to_series().to_list()
        return sorted(found, key=lambda one: -1 if one is None else one)

    def of_year(self, year: int | None) -> pl.LazyFrame:
        """The rows about one year."""
        if self.contract.partitioned:
            return self.rows().filter(pl.col(YEAR_COLUMN).eq_missing(year))
        when = pl.col(str(self.contract.scan_time))
        if year is None:
            return self.rows().filter(when.is_null())
        first, after = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
        return self.rows().filter(when.is_between(first, after, closed="left"))

    def parts(self) -> Iterator[pl.LazyFrame]:
        """All rows, a year at a time, so that memory does not grow with history."""
        if self.contract.scan_time is None:
            yield self.rows()
        for year in self.years():
            yield self.of_year(year)
