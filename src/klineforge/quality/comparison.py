"""How a table is compared with what was computed a second time, and what both computations share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

import polars as pl

from klineforge.quality.finding import SAMPLES, Finding

SERIES = ("exchange", "coin", "listing_seq")
CANDLE = ("exchange", "coin", "open_timestamp")
HOUR = ("exchange", "open_timestamp")

_DAY = "24h"
# Both sides round in their own order; a change that matters to anybody is far above this.
_RELATIVE = 1e-9


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a table is compared with what was computed again.

    Args:
        key: What tells rows apart.
        figures: Columns that may differ by rounding.
        exact: Columns that may not.
        absolute: By how much figures may differ however small they are.
    """

    key: tuple[str, ...]
    figures: tuple[str, ...]
    exact: tuple[str, ...]
    absolute: float = 1e-12


def compared(table: str, again: pl.DataFrame, held: pl.LazyFrame, by: Comparison) -> list[Finding]:
    """Compare a table with what was computed again.

    Args:
        table: Its name.
        again: Every row it should hold.
        held: The rows it holds.
        by: Key and columns.

    Returns:
        ``one_row_each``: keys that are missing or too many; ``figures_again``: rows with another value.
    """
    key, figures, exact = by.key, by.figures, by.exact
    rows = held.select(*key, *figures, *exact).collect(engine="streaming")
    marked = again.with_columns(_again=pl.lit(value=True)).join(
        rows.with_columns(_held=pl.lit(value=True)), on=list(key), how="full", coalesce=True, suffix="_held"
    )
    alone = marked.filter(pl.col("_again").is_null() | pl.col("_held").is_null())
    together = marked.filter(pl.col("_again") & pl.col("_held"))
    apart = [_differs(name, f"{name}_held", by.absolute) for name in figures]
    other = [pl.col(name).ne_missing(pl.col(f"{name}_held")) for name in exact]
    wrong = together.filter(reduce(or_, [*apart, *other]))
    return [
        finding(table, "one_row_each", max(again.height, rows.height), alone, key),
        finding(table, "figures_again", together.height, wrong, key),
    ]


def with_last_day(rows: pl.LazyFrame, *, by: Sequence[str] = SERIES, **figures: pl.Expr) -> pl.LazyFrame:
    """Add aggregates over ``(t - 24 h, t]`` of each series; rows are in order of series and time."""
    day = rows.rolling("open_timestamp", period=_DAY, group_by=list(by)).agg(**figures)
    return rows.join(day, on=[*by, "open_timestamp"], how="left", maintain_order="left")


def finding(table: str, rule: str, checked: int, broken: pl.DataFrame, named: Sequence[str]) -> Finding:
    """An error by the rows that broke a rule; a rebuild mends it.

    Args:
        table: The table that was checked.
        rule: What was asked.
        checked: Rows looked at.
        broken: Those that broke it.
        named: Columns that samples show.
    """
    sample: tuple[Mapping[str, object], ...] = tuple(broken.select(named).head(SAMPLES).iter_rows(named=True))
    way_out = f"Make it anew with: kedro klineforge rebuild {table}" if broken.height else ""
    return Finding(table, rule, "error", checked, broken.height, sample, way_out)


def _differs(one: str, other: str, absolute: float) -> pl.Expr:
    near = (pl.col(one) - pl.col(other)).abs() <= absolute + _RELATIVE * pl.col(one).abs()
    return pl.col(one).is_null().ne(pl.col(other).is_null()) | near.fill_null(value=True).not_()
