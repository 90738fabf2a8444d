"""Tables of the lake at one version, read without Spark."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from klineforge.contracts.feature_catalogue import FEATURES
from klineforge.contracts.features import FEATURES_1H, LABELS_1H
from klineforge.domain.contract import YEAR_COLUMN, TableContract
from klineforge.domain.hours import HOUR
from klineforge.errors import ConfigurationError, ContractError, VersionGoneError
from klineforge.lake.location import TableLocation
from klineforge.lake.log import LocalTableLog
from klineforge.lake.market import SIMULATED, held_market
from klineforge.ml.arguments import parse_moment, parse_names, parse_range, require_duration, unknown_names
from klineforge.ml.frames import AnyFrame, Kind, as_kind, require_kind
from klineforge.ml.joining import AVAILABLE_AT

Lake: TypeAlias = str | os.PathLike[str]
"""Folder of a lake, or its URI in an object store that delta-rs can reach (credentials from the environment)."""
KEY = ("exchange", "coin", "available_at", "open_timestamp", "listing_seq")
_OF_LABELS = {column.name for column in LABELS_1H.columns} - set(KEY)


@dataclass(frozen=True)
class Selection:
    """Which rows are asked for; None is no bound.

    Args:
        exchange: Exchange code.
        coins: Native symbols.
        start: First ``available_at``.
        end: End of ``available_at``, exclusive.
    """

    exchange: str | None = None
    coins: tuple[str, ...] | None = None
    start: datetime | None = None
    end: datetime | None = None

    @classmethod
    def of(cls, exchange: str | None, coins: str | Sequence[str] | None, start: object, end: object) -> Selection:
        """What a caller asks for.

        Raises:
            ConfigurationError: When an end is no instant or naive, the range is empty, or no coin is named.
        """
        return cls(exchange, parse_names(coins), *parse_range(start, end))

    def of_rows(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """The rows of a table that are asked for; whole years are left out by partition."""
        if self.start is not None:
            rows = rows.filter(pl.col(AVAILABLE_AT) >= self.start, pl.col(YEAR_COLUMN) >= self.start.year)
        if self.end is not None:
            rows = rows.filter(pl.col(AVAILABLE_AT) < self.end, pl.col(YEAR_COLUMN) <= self.end.year)
        if self.exchange is not None:
            rows = rows.filter(pl.col("exchange") == self.exchange)
        return rows if self.coins is None else rows.filter(pl.col("coin").is_in(self.coins))


@dataclass(frozen=True)
class OpenTable:
    """One table at one version.

    Args:
        contract: What it promises.
        id: Its identity; another one after it was made anew.
        version: The version that is read.
        delta: The handle.
    """

    contract: TableContract
    id: str
    version: int
    delta: DeltaTable

    def rows(self) -> pl.LazyFrame:
        """All rows, not read yet."""
        return pl.scan_delta(self.delta)

    def select(self, names: Sequence[str], selection: Selection) -> pl.LazyFrame:
        """Columns of the rows asked for.

        Raises:
            ConfigurationError: When a coin or exchange asked for is not in the table.
            ContractError: When this version lacks a column.
        """
        there = {field.name for field in self.delta.schema().fields}
        missing = [name for name in names if name not in there]
        if missing:
            raise ContractError(
                f"version {self.version} of {self.contract.name} was written before it had {', '.join(missing)}; ask "
                "for other columns, or for a newer version"
            )
        if selection.coins is not None or selection.exchange is not None:
            self._require_series(selection)
        return selection.of_rows(self.rows()).select(names)

    def _require_series(self, selection: Selection) -> None:
        series = self.rows().select("exchange", "coin").unique().collect()
        exchanges = set(series["exchange"])
        if selection.exchange is not None and selection.exchange not in exchanges:
            raise ConfigurationError(unknown_names("exchange", [selection.exchange], exchanges))
        of_exchange = Selection(selection.exchange).of_rows(series.lazy())
        known = set(of_exchange.collect()["coin"])
        unknown = [coin for coin in selection.coins or () if coin not in known]
        if unknown:
            raise ConfigurationError(f"{unknown_names('coins', unknown, known)} (in {self.contract.name})")


def open_table(lake: Lake, contract: TableContract, version: int | None = None) -> OpenTable:
    """Open a table.

    Args:
        lake: The lake.
        contract: Which table.
        version: Which version; the newest when left out.

    Raises:
        ConfigurationError: When there is no lake or the table has not been made yet.
        VersionGoneError: When the version is not held any more, or never was.
        DamagedTableError: When the table's log is damaged.
    """
    root, path = os.fspath(lake), os.path.join(os.fspath(lake), contract.layer, contract.name)  # noqa: PTH118 - or URI
    is_local = "://" not in root
    if is_local and not Path(root).is_dir():
        raise ConfigurationError(f"there is no lake at {root}; expected its folder, such as data/demo after make demo")
    is_there = LocalTableLog(TableLocation(path)).head() is not None if is_local else True
    try:
        newest = DeltaTable(path) if is_there else None
    except TableNotFoundError:
        newest = None
    if newest is None:
        raise ConfigurationError(f"{root} has no table {contract.name}; make it with: {_making(root, is_local)}")
    if version is None or version == newest.version():
        return OpenTable(contract, str(newest.metadata().id), newest.version(), newest)
    return _at_version(path, contract, version, newest.version(), is_local=is_local)


def _making(root: str, is_local: bool) -> str:
    """The command that makes the tables for models, for the project's folder whatever folder the caller is in."""
    if not is_local:
        return f"kedro run --pipeline features --params lake={root}"
    lake = Path(root).resolve()
    # A lake of the simulated market takes no run of another environment.
    environment = " --env demo" if held_market(lake) == SIMULATED else ""
    has_marts = (lake / "marts" / "mart_indicators_1h").is_dir()
    pipelines = "--pipeline features" if has_marts else "--pipelines __default__,features"
    return f"kedro run{environment} {pipelines} --params lake={lake}"


def _at_version(path: str, contract: TableContract, version: int, newest: int, *, is_local: bool) -> OpenTable:
    asked: object = version
    if isinstance(asked, bool) or not isinstance(asked, int) or version < 0 or version > newest:
        raise VersionGoneError(
            f"{contract.name} has no version {version!r}: expected a whole number from 0 to {newest}, the newest"
        )
    try:
        table = DeltaTable(path, version=version)
        missing = _missing_files(path, table) if is_local else 0
    except (DeltaError, OSError) as error:
        raise VersionGoneError(_gone(contract, version, newest, "its log was cleaned up")) from error
    if missing:
        raise VersionGoneError(_gone(contract, version, newest, f"{missing} of its files were vacuumed"))
    return OpenTable(contract, str(table.metadata().id), version, table)


def _gone(contract: TableContract, version: int, newest: int, how: str) -> str:
    return (
        f"version {version} of {contract.name} cannot be read any more: {how}. Take the newest, {newest}, or another "
        "lake that still holds it; kedro klineforge maintain --keep-hours says how long old versions are kept"
    )


def _missing_files(path: str, table: DeltaTable) -> int:
    names = pl.DataFrame(table.get_add_actions(flatten=True))["path"]
    return sum(not Path(path, unquote(name)).is_file() for name in names)


def feature_names(names: str | Sequence[str] | None, *, role: str | None = None) -> tuple[str, ...]:
    """Columns of features asked for, in that order; all of a role when left out.

    Raises:
        ConfigurationError: When one is unknown, or is a label.
    """
    known = [spec.name for spec in FEATURES]
    asked = parse_names(names)
    if asked is None:
        return tuple(spec.name for spec in FEATURES if role in {None, spec.role})
    unknown = [name for name in asked if name not in known]
    labels = [name for name in unknown if name in _OF_LABELS]
    if labels:
        raise ConfigurationError(f"{', '.join(labels)} look ahead: they are labels, in labels_1h, and never features")
    if unknown:
        raise ConfigurationError(f"{unknown_names('features', unknown, known)} (feature_catalog() lists all)")
    return asked


def load_features(
    lake: Lake,
    *,
    names: str | Sequence[str] | None = None,
    coins: str | Sequence[str] | None = None,
    exchange: str | None = None,
    start: object = None,
    end: object = None,
    version: int | None = None,
    kind: Kind = "lazy",
) -> AnyFrame:
    """Rows of ``features_1h``.

    Args:
        lake: Folder or URI of the lake.
        names: Features, in the order wanted; all, with their counts of observations, when left out.
        coins: Native symbols: a list, or one text with spaces between them; all when left out.
        exchange: Exchange code; all when left out.
        start: First ``available_at``: an aware datetime, a date or ISO text (UTC).
        end: End of ``available_at``, exclusive, likewise.
        version: Version of the table; the newest when left out. It is settled here, also for a lazy frame.
        kind: What to give: a ``pl.LazyFrame``, which reads only what is used of it, or a table in memory.

    Returns:
        ``exchange``, ``coin`` (text), ``available_at``, ``open_timestamp`` (UTC, microseconds), ``listing_seq`` (int32)
        and the features (float64, int32 or bool; null as the catalogue says), one row per candle, in no order.

    Raises:
        ConfigurationError: No lake, no such table, feature, coin or exchange, a naive instant, an empty range.
        VersionGoneError: The version is not held any more, or never was.
        ContractError: The version lacks a feature.
        DamagedTableError: The table's log is damaged.
    """
    require_kind(kind)
    wanted, selection = feature_names(names), Selection.of(exchange, coins, start, end)
    return as_kind(open_table(lake, FEATURES_1H, version).select([*KEY, *wanted], selection), kind)


def latest_features(
    lake: Lake,
    *,
    names: str | Sequence[str] | None = None,
    coins: str | Sequence[str] | None = None,
    exchange: str | None = None,
    at: object = None,
    max_age: timedelta = 2 * HOUR,
    kind: Kind = "polars",
) -> AnyFrame:
    """The newest features of each coin, for a model that is asked now.

    Args:
        lake: Folder or URI of the lake.
        names: As of :func:`load_features`.
        coins: Likewise.
        exchange: Likewise.
        at: The instant of asking: nothing that became known later is given, and nothing older than ``max_age``. Pass
            ``datetime.now(UTC)`` to serve; when left out it is the newest ``available_at`` of the table.
        max_age: How old features may be at ``at``. A coin without any is left out.
        kind: What to give.

    Returns:
        As :func:`load_features`, one row per exchange and coin, sorted by them.

    Raises:
        ConfigurationError: As of :func:`load_features`, and when ``max_age`` is negative.
        DamagedTableError: The table's log is damaged.
    """
    require_kind(kind)
    require_duration("max_age", max_age)
    wanted, table = feature_names(names), open_table(lake, FEATURES_1H)
    instant = parse_moment(at, "at") or _newest(table)
    if instant is None:
        return as_kind(table.select([*KEY, *wanted], Selection()).clear(), kind)
    age = min(max_age, instant - datetime.min.replace(tzinfo=UTC))
    selection = Selection(exchange, parse_names(coins), instant - age, instant + timedelta(microseconds=1))
    rows = table.select([*KEY, *wanted], selection).collect()
    newest = rows.sort(AVAILABLE_AT).unique(["exchange", "coin"], keep="last").sort("exchange", "coin")
    return as_kind(newest, kind)


def _newest(table: OpenTable) -> datetime | None:
    """The newest instant, from the statistics of the files where all have them."""
    files = pl.DataFrame(table.delta.get_add_actions(flatten=True))
    column = f"max.{AVAILABLE_AT}"
    if files.height and column in files.columns and not files[column].null_count():
        newest = files[column].max()
    else:
        newest = table.rows().select(pl.col(AVAILABLE_AT).max()).collect().item()
    return newest if isinstance(newest, datetime) else None
