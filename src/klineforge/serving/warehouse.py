"""The lake's tables for people who look at them: only what is asked, kept until a new commit, without Spark.

    warehouse = Warehouse("data/demo")
    warehouse.read("mart_returns_1h", ("coin", "open_timestamp", "close_price"), coins=("BTCUSDT",), start=..., end=...)

Nothing has to be restarted when a run commits: every read looks whether its table has moved on.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import NamedTuple, TypeVar

import polars as pl
from polars.exceptions import PolarsError

from klineforge.contracts import contract_of
from klineforge.domain.contract import YEAR_COLUMN, TableContract
from klineforge.lake.arrow import arrow_schema
from klineforge.serving.cache import BoundedCache
from klineforge.serving.explanation import Explanation, UnavailableError, behind, empty, nothing_selected, outdated
from klineforge.serving.following import UNREADABLE, Edition, FollowedTable

T = TypeVar("T")

MEMORY = 512 * 2**20
"""Bytes that results may take before the oldest are let go of."""
_COINS = ("coin", "base_coin", "related_coin")
_INSTANT = timedelta(microseconds=1)


class _Key(NamedTuple):
    """What a result rests on: versions of tables, and what was asked of them."""

    editions: tuple[Edition | Explanation, ...]
    asked: Hashable


class Warehouse:
    """Reads the tables of one lake; safe to share between threads.

    Args:
        lake: Root of the lake; it may be missing, empty or damaged, reads then explain.
        memory: Bytes of results kept.
    """

    def __init__(self, lake: str | Path, memory: int = MEMORY) -> None:
        self.lake = Path(lake)
        self._tables: dict[str, FollowedTable] = {}
        self._lock = Lock()
        self._cache = BoundedCache(memory)

    @property
    def kept_bytes(self) -> int:
        """What the results that are kept take in memory."""
        return self._cache.size

    def read(
        self,
        table: str,
        columns: Sequence[str],
        *,
        exchange: str | None = None,
        coins: Sequence[str] = (),
        start: datetime | None = None,
        end: datetime | None = None,
        where: pl.Expr | None = None,
    ) -> pl.DataFrame:
        """Rows of the newest version of a table, in the order of its grain.

        Args:
            table: Table name.
            columns: Columns wanted; no others are read.
            exchange: Exchange code; all exchanges without it.
            coins: Native symbols; all coins when empty. Of a table of pairs, those whose coins are both named.
            start: First hour, UTC; from the first one on without it.
            end: End of the hours, UTC, exclusive; to the last one without it.
            where: A further condition on the table's columns.

        Returns:
            The rows, none of which may be changed in place: others are handed the same frame. It may have no rows.

        Raises:
            UnavailableError: With an explanation: the table is missing, empty, damaged, or of another version.
            KeyError: When no such table or column is promised by a contract.
        """
        contract = contract_of(table)
        if unknown := [name for name in columns if name not in contract.column_names]:
            raise KeyError(f"{table} has no column {', '.join(unknown)}; its contract lists those it has")
        asked = (tuple(columns), exchange, tuple(coins), start, end, None if where is None else str(where))

        def collect(rows: pl.LazyFrame) -> pl.DataFrame:
            held = rows.collect_schema().names()
            if missing := tuple(name for name in columns if name not in held):
                raise UnavailableError(outdated(table, missing))
            conditions = [*_conditions(contract, exchange, coins, start, end), *([] if where is None else [where])]
            wanted = rows.filter(*conditions) if conditions else rows
            order = [name for name in contract.grain if name in columns]
            selected = wanted.select(list(columns))
            return (selected.sort(order) if order else selected).collect()

        return self._read(table, asked, collect)

    def no_rows(self, table: str, columns: Sequence[str]) -> pl.DataFrame:
        """An empty frame with a table's columns in their types, for pages that can do without it.

        Args:
            table: Table name.
            columns: Columns wanted.
        """
        return pl.DataFrame(arrow_schema(contract_of(table), stored=True).empty_table().select(list(columns)))

    def aggregate(self, table: str, key: Hashable, query: Callable[[pl.LazyFrame], pl.LazyFrame]) -> pl.DataFrame:
        """The result of a query over a table, kept for its version.

        Args:
            table: Table name.
            key: Names the query and everything it depends on but the table.
            query: From the table's rows, not read yet, to the rows wanted; filters on ``year`` first, so that only
                those years are read.

        Raises:
            UnavailableError: With an explanation.
        """
        return self._read(table, key, lambda rows: query(rows).collect())

    def derived(self, tables: Iterable[str], key: Hashable, make: Callable[[], T], size: int = 2**18) -> T:
        """Something made from tables, kept until one of them moves on.

        Args:
            tables: Every table that ``make`` reads; those that cannot be read count as such.
            key: Names what is made and everything else it depends on.
            make: Makes it.
            size: What it takes in memory, roughly, in bytes.
        """
        editions = tuple(self.edition(table) for table in tables)
        return self._cache.get(_Key(editions, key), make, lambda _: size)

    def edition(self, table: str) -> Edition | Explanation:
        """The newest version of a table, or why it has none."""
        try:
            return self._followed(table).current()[0]
        except UnavailableError as problem:
            return problem.explanation

    def newest_hour(self, table: str) -> datetime:
        """The newest hour that a table speaks of, UTC.

        Raises:
            UnavailableError: The table is missing, empty or damaged.
        """
        newest = self._guarded(table, lambda followed: followed.newest_hour())
        if newest is None:
            raise UnavailableError(empty(table))
        return newest

    def lag(self, table: str, hour: datetime) -> Explanation | None:
        """Why a table has no figures of an hour: it ends before; None where it does not.

        Args:
            table: Table name, of one that can be read.
            hour: Wanted, UTC.

        Returns:
            Also why it cannot be read, where it is missing, empty or damaged.
        """
        try:
            newest = self.newest_hour(table)
        except UnavailableError as problem:
            return problem.explanation
        return behind(table, newest, hour) if newest < hour else None

    def require(self, rows: pl.DataFrame, table: str, asked: str) -> pl.DataFrame:
        """Rows that are there, or an explanation why there are none.

        Args:
            rows: What a read gave.
            table: Where it read.
            asked: Coins and hours in words.

        Raises:
            UnavailableError: When there is no row.
        """
        if rows.is_empty():
            self.newest_hour(table)
            raise UnavailableError(nothing_selected(table, asked))
        return rows

    def _read(self, table: str, asked: Hashable, collect: Callable[[pl.LazyFrame], pl.DataFrame]) -> pl.DataFrame:
        edition, opened = self._guarded(table, lambda followed: followed.current())

        def make() -> pl.DataFrame:
            self._cache.forget(lambda key: _is_stale(key, edition))
            return self._guarded(table, lambda _: collect(pl.scan_delta(opened)))

        return self._cache.get(_Key((edition,), asked), make, _size_of)

    def _guarded(self, table: str, use: Callable[[FollowedTable], T]) -> T:
        """Use a table; what goes wrong becomes an explanation."""
        followed = self._followed(table)
        try:
            return use(followed)
        except UnavailableError:
            raise
        except (*UNREADABLE, PolarsError) as error:
            raise UnavailableError(followed.explain(error)) from error
        except BaseException as error:
            # polars panics on a file that is cut off, and a panic is no Exception.
            if type(error).__name__ != "PanicException":
                raise
            raise UnavailableError(followed.explain(error)) from error

    def _followed(self, table: str) -> FollowedTable:
        contract = contract_of(table)
        with self._lock:
            return self._tables.setdefault(table, FollowedTable(self.lake, contract))


def _conditions(
    contract: TableContract,
    exchange: str | None,
    coins: Sequence[str],
    start: datetime | None,
    end: datetime | None,
) -> list[pl.Expr]:
    names = contract.column_names
    found: list[pl.Expr] = []
    when = contract.scan_time
    if start is not None and when is not None:
        found += [pl.col(YEAR_COLUMN) >= start.year] if contract.partitioned else []
        found.append(pl.col(when) >= start)
    if end is not None and when is not None:
        found += [pl.col(YEAR_COLUMN) <= (end - _INSTANT).year] if contract.partitioned else []
        found.append(pl.col(when) < end)
    if exchange is not None and "exchange" in names:
        found.append(pl.col("exchange") == exchange)
    if coins:
        found += [pl.col(name).is_in(list(coins)) for name in _COINS if name in names]
    return found


def _is_stale(key: Hashable, edition: Edition) -> bool:
    """Whether a result rests on another version of the edition's table."""
    editions = key.editions if isinstance(key, _Key) else ()
    return any(isinstance(held, Edition) and held.table == edition.table and held != edition for held in editions)


def _size_of(frame: pl.DataFrame) -> int:
    return int(frame.estimated_size()) + 1024
