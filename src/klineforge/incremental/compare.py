"""What distinguishes recomputed rows from those a table holds."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import and_

import polars as pl
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from klineforge.domain.contract import TableContract
from klineforge.errors import ContractError
from klineforge.lake.note import Counts
from klineforge.lake.writing import CHANGE

_KINDS = ("insert", "update", "delete", "unchanged")
_OLD = "_old"


def changed_rows(new: pl.DataFrame, old: pl.DataFrame, contract: TableContract) -> tuple[pl.DataFrame, Counts]:
    """Compare two versions of some rows of a table by key.

    Args:
        new: Recomputed rows, at least the contract's columns.
        old: The rows the table holds in the same scope, same columns.
        contract: Key, columns and tolerances.

    Returns:
        The rows that differ (the recomputed ones; the held ones for deletions) with ``_change``, which is ``insert``,
        ``update`` or ``delete``; and how many rows there are of each kind.

    Raises:
        ContractError: When two recomputed rows share a key.
    """
    require_unique(new, contract)
    keys = list(contract.grain)
    values = [name for name in contract.column_names if name not in keys]
    held = old.select(*keys, *(pl.col(name).alias(_OLD + name) for name in values), pl.lit(value=True).alias(_OLD))
    tolerances = {column.name: column.tolerance for column in contract.columns}
    same = reduce(and_, (_is_same(name, tolerances.get(name)) for name in values), pl.lit(value=True))
    here = new.select(*keys, *values).with_columns(pl.lit(value=True).alias("_new"))
    compared = here.join(held, on=keys, how="full", coalesce=True).with_columns(
        pl.when(pl.col(_OLD).is_null())
        .then(pl.lit("insert"))
        .when(pl.col("_new").is_null())
        .then(pl.lit("delete"))
        .when(same)
        .then(pl.lit("unchanged"))
        .otherwise(pl.lit("update"))
        .alias(CHANGE)
    )
    kinds = dict(compared[CHANGE].value_counts().iter_rows())
    gone = pl.col(CHANGE) == "delete"
    rows = compared.filter(pl.col(CHANGE) != "unchanged").select(
        *keys, *(pl.when(gone).then(pl.col(_OLD + name)).otherwise(pl.col(name)).alias(name) for name in values), CHANGE
    )
    return rows, Counts(*(int(kinds.get(kind, 0)) for kind in _KINDS))


def _is_same(name: str, tolerance: float | None) -> pl.Expr:
    new, old = pl.col(name), pl.col(_OLD + name)
    if tolerance is None:
        return new.eq_missing(old)
    return new.eq_missing(old) | ((new - old).abs() <= tolerance).fill_null(value=False)


def repeated_keys(rows: pl.DataFrame, contract: TableContract) -> pl.DataFrame:
    """The keys that more than one row has."""
    keys = list(contract.grain)
    return rows.select(keys).filter(pl.struct(keys).is_duplicated()).unique()


def require_unique(rows: pl.DataFrame, contract: TableContract) -> None:
    """Refuse rows that share a key: MERGE would insert both, silently.

    Raises:
        ContractError: Names the table and a key that occurs twice.
    """
    keys, twice = list(contract.grain), repeated_keys(rows, contract)
    if twice.height:
        raise ContractError(
            f"table {contract.name}: {twice.height} keys of ({', '.join(keys)}) occur more than once, "
            f"for example {twice.row(0, named=True)}; nothing was written"
        )


def proved_unique(contract: TableContract) -> Callable[[DataFrame], DataFrame]:
    """A transformation that fails while writing when two rows share a key, without a query of its own.

    The window orders rows as the time-series tables are computed and sorted anyway.
    """
    *subject, last = contract.grain

    def prove(rows: DataFrame) -> DataFrame:
        ordered = Window.partitionBy(*subject).orderBy(last)
        repeated = F.lag(F.col(last)).over(ordered).eqNullSafe(F.col(last))
        message = F.concat(
            F.lit(f"table {contract.name}: key ({', '.join(contract.grain)}) occurs twice: "),
            F.to_json(F.struct(*contract.grain)),
        )
        marked = rows.withColumn("_repeated", repeated)
        return marked.where(F.when(F.col("_repeated"), F.raise_error(message)).otherwise(F.lit(True))).drop("_repeated")

    return prove
