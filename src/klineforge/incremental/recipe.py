"""How a derived table is made: a pure function, a contract, and how far a change reaches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from klineforge.domain.contract import TableContract
from klineforge.domain.hours import Period
from klineforge.incremental.stand_in import Highest

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from klineforge.lake.table import LakeTable

NOTHING = timedelta(0)
TO_THE_END = timedelta.max


@dataclass(frozen=True)
class Reach:
    """How rows of one input and rows of the output depend on each other in time.

    Args:
        back: An output row at ``t`` reads input rows from ``t - back`` on.
        forward: An input row at ``t`` influences output rows up to ``t + forward``.
        stand_in: Reduces all older rows of a subject to the few that stand for them, for figures that read back to
            the beginning (a running peak). Applied to the input's rows before the read range.
        whole: Calendar periods that are recomputed whole when anything in them changes, for rows that sum a period up.
        ahead: An output row at ``t`` reads input rows up to ``t + ahead``, so that an input row at ``t`` influences
            output rows from ``t - ahead`` on: for labels, which look into the future.
    """

    back: timedelta = NOTHING
    forward: timedelta = NOTHING
    stand_in: Highest | None = None
    whole: Period | None = None
    ahead: timedelta = NOTHING


@dataclass(frozen=True)
class Stream:
    """A way to a whole table that reads Arrow and gives record batches, in memory that does not grow with the table.

    Args:
        columns: What it reads of each input.
        rows: From the inputs, as keyword arguments by the names of the recipe, to the output's rows in the order in
            which they are to be stored.
    """

    columns: Mapping[str, Sequence[str]]
    rows: Callable[..., pa.RecordBatchReader]


@dataclass(frozen=True)
class Recipe:
    """A derived table.

    Args:
        output: Contract of the table.
        inputs: Reach of every input, by the name of the transform's keyword argument it is passed as. A table without
            any holds what its version says, and is written once for each version.
        transform: Pure function from input frames to the output's rows.
        by: Columns that confine a change: rows of other subjects are not affected. They must be part of the
            ``subject`` of the output and of every input. None means that any change may affect any row.
        bulk_transform: Another way to the same rows that is faster for whole tables; used for rebuilds.
        bulk_stream: A third, for whole tables on this machine, faster still.
        unique_by_construction: The transform cannot repeat a key of unique inputs and makes many more rows than it
            reads, so that looking for repetitions would cost more than it is worth.
        version: Changes whenever the same input would give other rows; a table made by another version is rebuilt.
        asks: The transform has an argument ``asked`` and is given the scope of the rows that are wanted: what it
            makes besides them is not looked at and need not be right.
    """

    output: TableContract
    inputs: Mapping[str, Reach]
    transform: Callable[..., DataFrame]
    by: tuple[str, ...] | None
    version: str = "1"
    asks: bool = False
    bulk_transform: Callable[..., DataFrame] | None = None
    bulk_stream: Stream | None = None
    unique_by_construction: bool = False

    @property
    def name(self) -> str:
        """The table's name."""
        return self.output.name


def _accept(rows: pl.DataFrame) -> None:
    """Find nothing wrong."""


@dataclass(frozen=True)
class Derivation:
    """A recipe and the input tables it is to be applied to: what a node returns and the dataset carries out.

    Args:
        recipe: How the table is made.
        inputs: The tables it is made from, by the names of the recipe.
        inspect: Looks at new rows before they are written and raises when they must not be. Asked where rows pass
            through memory; what Spark or a stream writes is held to the contract by Delta alone.
    """

    recipe: Recipe
    inputs: Mapping[str, LakeTable] = field(default_factory=dict)
    inspect: Callable[[pl.DataFrame], None] = _accept


def derive(recipe: Recipe, **inputs: LakeTable) -> Derivation:
    """Bind input tables to a recipe.

    Raises:
        TypeError: When the inputs are not exactly those the recipe names.
    """
    if set(inputs) != set(recipe.inputs):
        raise TypeError(f"{recipe.name} is made from {sorted(recipe.inputs)}, got {sorted(inputs)}")
    return Derivation(recipe, inputs)
