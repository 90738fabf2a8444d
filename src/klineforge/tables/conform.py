"""The last step of every transform: exactly the contract's columns, in its order and types."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from klineforge.domain.contract import YEAR_COLUMN, TableContract


def conform(contract: TableContract) -> Callable[[DataFrame], DataFrame]:
    """Select a table's columns for ``DataFrame.transform``, casting each and adding the partition's year.

    Args:
        contract: Table to conform to; a partitioned one derives ``year`` from its time column.

    Returns:
        A transform whose result has the contract's columns and types and no others.
    """

    def select(frame: DataFrame) -> DataFrame:
        columns = [F.col(column.name).cast(column.type.lower()).alias(column.name) for column in contract.columns]
        if contract.partitioned and contract.time_column is not None:
            columns.append(F.year(contract.time_column).alias(YEAR_COLUMN))
        return frame.select(columns)

    return select
