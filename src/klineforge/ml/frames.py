"""Tables as users have them: polars, pandas or Arrow, taken in and given back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

import polars as pl
import pyarrow as pa

from klineforge.errors import ConfigurationError, ContractError

Kind: TypeAlias = Literal["lazy", "polars", "pandas", "arrow"]
"""What a result is given as: ``pl.LazyFrame``, ``pl.DataFrame``, ``pd.DataFrame`` or ``pa.Table``."""
AnyFrame: TypeAlias = Any
"""``pl.DataFrame``, ``pl.LazyFrame``, ``pd.DataFrame`` or ``pa.Table``; pandas is not imported to say so."""

MOMENT = pl.Datetime("us", "UTC")
_KINDS = ("lazy", "polars", "pandas", "arrow")


def to_polars(frame: AnyFrame, what: str) -> pl.DataFrame:
    """Take a table in.

    Args:
        frame: A polars, pandas or Arrow table. The index of a pandas frame is not a column.
        what: What it is called in messages: ``the spine``.

    Raises:
        ContractError: When it is none of them.
    """
    if isinstance(frame, pl.DataFrame):
        return frame
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if isinstance(frame, pa.Table | pa.RecordBatch):
        return pl.DataFrame(frame)
    if kind_of(frame) == "pandas":
        return pl.from_pandas(frame)
    raise ContractError(f"{what} must be a polars, pandas or Arrow table, found {type(frame).__name__}")


def kind_of(frame: AnyFrame) -> Kind:
    """Which kind of table something is; polars where it is none."""
    if isinstance(frame, pl.LazyFrame):
        return "lazy"
    if isinstance(frame, pa.Table | pa.RecordBatch):
        return "arrow"
    is_pandas = type(frame).__module__.partition(".")[0] == "pandas" and type(frame).__name__ == "DataFrame"
    return "pandas" if is_pandas else "polars"


def require_kind(kind: Kind, *allowed: Kind) -> None:
    """Make sure that a result can be given as asked, before anything is read.

    Raises:
        ConfigurationError: When it is none of those allowed; all of them where none is named.
    """
    known = allowed or _KINDS
    if kind not in known:
        raise ConfigurationError(f"kind must be one of {', '.join(known)}, found {kind!r}")


def as_kind(frame: pl.DataFrame | pl.LazyFrame, kind: Kind) -> AnyFrame:
    """Give a table back.

    In pandas a whole number or truth value that may be missing becomes ``float64`` or ``object``; polars and Arrow keep
    types as they are. Arrow tables have plain (large) strings, which every reader knows.

    Args:
        frame: The table.
        kind: What to give it as.
    """
    if kind == "lazy":
        return frame.lazy()
    rows = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    if kind == "pandas":
        return rows.to_pandas()
    return rows.to_arrow(compat_level=pl.CompatLevel.oldest()) if kind == "arrow" else rows


def as_kind_of_column(column: pl.Series, kind: Kind) -> Any:
    """Give a column back: ``pl.Series``, ``pd.Series`` or ``pa.Array``."""
    if kind == "pandas":
        return column.to_pandas()
    return column.to_arrow(compat_level=pl.CompatLevel.oldest()) if kind == "arrow" else column


def require_columns(frame: pl.DataFrame, columns: Iterable[str], what: str) -> None:
    """Make sure that a table has columns.

    Raises:
        ContractError: Names all that are missing and those that are there.
    """
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise ContractError(
            f"{what} has no column {', '.join(map(repr, missing))}; its columns are {', '.join(frame.columns)}"
        )


def with_moments(frame: pl.DataFrame, columns: Sequence[str], what: str) -> pl.DataFrame:
    """A table whose columns of time are UTC in microseconds; finer ones are cut off towards the past.

    Args:
        frame: The table.
        columns: Columns of time, none of them null.
        what: What the table is called in messages.

    Raises:
        ContractError: When one is missing, no time, without a time zone, or null somewhere.
    """
    require_columns(frame, columns, what)
    for name in columns:
        kind = frame.schema[name]
        if not isinstance(kind, pl.Datetime):
            raise ContractError(f"column {name!r} of {what} must hold instants (datetime, UTC), found {kind}")
        if kind.time_zone is None:
            raise ContractError(
                f"column {name!r} of {what} has no time zone, so its instants are unknown; if they are UTC, say so: "
                f"frame.with_columns(pl.col({name!r}).dt.replace_time_zone('UTC')) in polars, "
                f"frame[{name!r}].dt.tz_localize('UTC') in pandas"
            )
        if frame[name].null_count():
            raise ContractError(
                f"column {name!r} of {what} is null in {frame[name].null_count():,} of {frame.height:,} rows; drop them"
            )
    return frame.with_columns(pl.col(name).cast(MOMENT) for name in columns)
