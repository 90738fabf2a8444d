"""What a table promises: its grain, its columns and how it is laid out.

Everything that checks, writes or documents a table reads it from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Layer = Literal["bronze", "silver", "gold", "marts", "features", "operations"]
SqlType = Literal["STRING", "BIGINT", "INT", "DOUBLE", "TIMESTAMP", "DATE", "BOOLEAN", "ARRAY<STRING>"]

YEAR_COLUMN = "year"


@dataclass(frozen=True)
class Column:
    """One column of a contract.

    Args:
        name: Public name.
        type: Spark SQL type, upper case.
        comment: What it holds, one sentence.
        unit: For example ``quote asset per base asset`` or ``fraction``.
        null_means: Why it may be null; None makes the column NOT NULL.
        accepted: Closed list of values for a STRING column.
        check: SQL expression that must not be false on any row.
        tolerance: Two values that differ by no more than this are the same figure, computed in another order; only for
            a column that more than one engine computes. None compares bit by bit.
    """

    name: str
    type: SqlType
    comment: str
    unit: str | None = None
    null_means: str | None = None
    accepted: tuple[str, ...] = ()
    check: str | None = None
    tolerance: float | None = None

    @property
    def nullable(self) -> bool:
        """Whether the column may be null."""
        return self.null_means is not None

    @property
    def constraint(self) -> str | None:
        """The SQL CHECK expression of this column, if it has one."""
        rule = self.check
        if self.accepted:
            values = ", ".join(f"'{value}'" for value in self.accepted)
            # Quoted, because readers other than Spark take a column called interval for the beginning of a literal.
            rule = f"`{self.name}` IN ({values})"
        # Delta refuses a row for which a constraint is null, unlike standard SQL.
        return f"{self.name} IS NULL OR {rule}" if rule and self.nullable else rule


@dataclass(frozen=True)
class ForeignKey:
    """Columns that name a row of another table.

    Args:
        columns: Of this table.
        table: The other table.
        references: Its columns, in the same order; the same names when empty.
    """

    columns: tuple[str, ...]
    table: str
    references: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns of the other table, in the order of ``columns``."""
        return self.references or self.columns

    @property
    def rule(self) -> str:
        """What the check is called."""
        return f"{self.columns[-1]}_in_{self.table}"


@dataclass(frozen=True)
class TableContract:
    """One table of the lake.

    Args:
        name: Table and catalog name.
        layer: Folder below the lake.
        description: What one row is and what it is for.
        grain: Key columns; unique, not null.
        columns: Every column but the partition column, in order.
        time_column: The column that says when; carries file statistics and, with ``partitioned``, the year.
        partitioned: Partition by the year of ``time_column`` in an extra INT column ``year``.
        sort_by: Order of rows inside a file.
        checks: Named SQL expressions over several columns.
        source: Where the definition comes from.
        subject: Columns that name what a row is about (coins), used to limit recomputation.
        layout: Columns the writer adds to lay the table out; not part of what the rows say.
        foreign_keys: Which columns name rows of other tables.
        fresh_hours: How old the newest row of a lake that is kept up to date may be; None where age says nothing.
        rows_per_day: Rows that each subject of the grain (a coin, a pair) has per day at most, and mostly has.
        is_time_series: The key ends with the instant a row is known, so that feature stores can join as of a time.
            Where a catalog takes primary keys, the key is declared with ``time_column`` as its TIMESERIES column.
    """

    name: str
    layer: Layer
    description: str
    grain: tuple[str, ...]
    columns: tuple[Column, ...]
    time_column: str | None = None
    partitioned: bool = False
    sort_by: tuple[str, ...] = ()
    checks: tuple[tuple[str, str], ...] = ()
    source: str = ""
    subject: tuple[str, ...] = ()
    layout: tuple[Column, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    fresh_hours: int | None = None
    rows_per_day: int | None = None
    is_time_series: bool = False

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """The columns including those of the layout and the partition."""
        if not self.partitioned:
            return (*self.columns, *self.layout)
        year = Column(YEAR_COLUMN, "INT", f"Partition: the UTC year of {self.time_column}.")
        return (*self.columns, *self.layout, year)

    @property
    def partition_columns(self) -> tuple[str, ...]:
        """The physical partition columns."""
        return (YEAR_COLUMN,) if self.partitioned else ()

    @property
    def scan_time(self) -> str | None:
        """The column that time filters should use: the time column, or the layout's stand-in for it."""
        if self.time_column is not None:
            return self.time_column
        return self.layout[0].name if self.layout else None

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of all columns, the partition column last."""
        return tuple(column.name for column in self.all_columns)

    @property
    def constraints(self) -> dict[str, str]:
        """Delta CHECK constraints by name."""
        named = {f"{column.name}_valid": column.constraint for column in self.columns if column.constraint}
        return {**named, **dict(self.checks)}
