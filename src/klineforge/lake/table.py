"""A handle on one table of the lake that starts Spark only when its rows are asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from klineforge.domain.contract import TableContract
from klineforge.domain.scope import Scope
from klineforge.errors import ContractError, EnvironmentProblem
from klineforge.lake.local import scan_scope
from klineforge.lake.location import TableLocation
from klineforge.lake.log import LocalTableLog, TableLog
from klineforge.lake.note import InputVersion
from klineforge.lake.writing import column_differences
from klineforge.spark.session import get_session


@dataclass(frozen=True)
class LakeTable:
    """One table: contract, place, and the version seen when the handle was made.

    Attributes that are not its own are those of the table's Spark DataFrame, made on first use:
    ``catalog.load("mart_returns_1h").filter(...).show()`` works as if a DataFrame had been loaded, while a run that
    finds nothing new never starts Spark. ``df`` is the DataFrame itself, for functions that insist on one.
    """

    contract: TableContract
    location: TableLocation
    found: InputVersion | EnvironmentProblem | None = field(default=None)

    @classmethod
    def at(cls, contract: TableContract, location: TableLocation) -> LakeTable:
        """A handle that has looked at the newest version; damage is told when the version is asked for."""
        try:
            return cls(contract, location, table_log(location).head())
        except EnvironmentProblem as problem:
            return cls(contract, location, problem)

    @property
    def seen(self) -> InputVersion | None:
        """The version that was there when the handle was made, None when the table had not been made yet.

        Raises:
            EnvironmentProblem: When the table was there and its log could not be read.
        """
        if isinstance(self.found, EnvironmentProblem):
            raise self.found
        return self.found

    @property
    def log(self) -> TableLog:
        """The table's history and change feed."""
        return table_log(self.location)

    def require_contract(self) -> None:
        """Make sure that the table that is there has the columns this version of KlineForge reads and writes.

        Raises:
            ContractError: Lists the differences and says how to go on.
        """
        differences = [] if self.seen is None else column_differences(self.log.columns(), self.contract)
        if not differences:
            return
        way_out = (
            f"{self.contract.layer.capitalize()} cannot be made anew: use the version of KlineForge that wrote it, or "
            "another lake with --params lake=FOLDER"
            if self.contract.layer in {"bronze", "operations"}
            else f"Make it anew from bronze with: kedro klineforge rebuild {self.contract.name}"
        )
        raise ContractError(
            f"table {self.contract.name} at {self.location} was written by another version of KlineForge: "
            f"{'; '.join(differences)}. Nothing was changed. {way_out}"
        )

    def size_in(self, scope: Scope | None) -> tuple[int, int]:
        """How many rows lie in a scope, and of how many coins; without a scope, in the table."""
        coins = self.contract.subject[-1:] if self.contract.subject else ()
        if self.location.is_local:
            rows = scan_scope(self.contract, self.location, scope)
            counted = rows.select(pl.len().alias("rows"), *(pl.col(coin).n_unique() for coin in coins)).collect().row(0)
            return int(counted[0]), int(counted[1]) if coins else 1
        time_column = self.contract.scan_time
        frame = self.df if scope is None or time_column is None else self.df.where(F.expr(scope.sql(time_column)))
        size = frame.agg(F.count("*"), *(F.countDistinct(coin) for coin in coins)).toArrow().to_pylist()[0]
        rows_and_coins = [int(value) for value in size.values()]
        return rows_and_coins[0], rows_and_coins[1] if coins else 1

    @property
    def df(self) -> DataFrame:
        """The table as a Spark DataFrame; empty when the table has not been made yet."""
        if self.seen is None:
            schema = ", ".join(f"`{column.name}` {column.type}" for column in self.contract.all_columns)
            return get_session().createDataFrame([], schema=schema)
        reader = get_session().read.format("delta")
        if self.location.path is not None:
            return reader.load(self.location.path)
        return reader.table(str(self.location.name))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.df, name)

    def __repr__(self) -> str:
        state = "damaged" if isinstance(self.found, EnvironmentProblem) else "not made yet"
        version = f"version {self.found.version}" if isinstance(self.found, InputVersion) else state
        return f"<{self.contract.layer} table {self.contract.name} at {self.location}, {version}>"


def table_log(location: TableLocation) -> TableLog:
    """The log of a table: read directly where it is on this machine, through Spark elsewhere."""
    if location.is_local:
        return LocalTableLog(location)
    from klineforge.lake.spark_log import SparkTableLog

    return SparkTableLog(location)
