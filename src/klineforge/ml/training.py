"""Training sets: features, labels and their times, with a manifest they can be made again from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from klineforge.contracts.features import FEATURES_1H, LABELS_1H
from klineforge.contracts.label_catalogue import LABEL_ENDS
from klineforge.errors import ConfigurationError
from klineforge.ml.arguments import unknown_names
from klineforge.ml.frames import AnyFrame, Kind, as_kind, as_kind_of_column, require_kind
from klineforge.ml.joining import AVAILABLE_AT
from klineforge.ml.manifest import Manifest, TableVersion, content_hash, read_manifest
from klineforge.ml.reading import Lake, OpenTable, Selection, feature_names, open_table

_JOINED_BY = ["exchange", "coin", AVAILABLE_AT]
_ORDER = [AVAILABLE_AT, "exchange", "coin"]


@dataclass(frozen=True)
class TrainingSet:
    """Rows to learn from, sorted by ``available_at``, exchange and coin; unpacks to ``X, y, times, manifest``.

    Args:
        X: Features: float64, int32 or bool; null as the catalogue says.
        y: The label, never null.
        groups: ``exchange`` and ``coin`` of each row.
        t0: When the row is known and the decision is made: ``available_at``, UTC.
        t1: When its label is known, UTC.
        manifest: What it was made from.

    ``X`` and ``groups`` are tables of the kind asked for, the others its columns.
    """

    X: AnyFrame
    y: Any
    groups: AnyFrame
    t0: Any
    t1: Any
    manifest: Manifest

    @property
    def times(self) -> pl.DataFrame:
        """``t0`` and ``t1`` as a polars frame."""
        return pl.DataFrame({"t0": pl.Series("t0", self.t0), "t1": pl.Series("t1", self.t1)})

    def __iter__(self) -> Iterator[Any]:
        return iter((self.X, self.y, self.times, self.manifest))

    def numpy(self) -> tuple[NDArray[np.float64], NDArray[Any]]:
        """``X`` as float64, rows by features, NaN for null, and ``y``: what every model takes."""
        frame = self.X if isinstance(self.X, pl.DataFrame) else pl.DataFrame(self.X)
        values = frame.select(pl.all().cast(pl.Float64)).to_numpy().astype(np.float64, copy=False)
        return values, pl.Series("y", self.y).to_numpy()

    @staticmethod
    def rebuild(
        manifest: Manifest | Mapping[str, Any] | str | os.PathLike[str],
        lake: Lake | None = None,
        kind: Kind = "polars",
    ) -> TrainingSet:
        """Make a training set again, bit for bit, from the versions of the tables it was made from.

        Args:
            manifest: Its manifest, as such, as JSON or a file.
            lake: Where the tables are; where they were when left out.
            kind: What to give the tables as.

        Raises:
            VersionGoneError: When a version is not held any more, or a table was made anew.
            ContractError: When what comes out is not the same.
            ConfigurationError: When the manifest or the lake cannot be read.
        """
        require_kind(kind, "polars", "pandas", "arrow")
        known = read_manifest(manifest)
        root = known.lake if lake is None else lake
        tables = {
            contract.name: open_table(root, contract, known.tables[contract.name].version)
            for contract in (FEATURES_1H, LABELS_1H)
        }
        known.require_same_tables(_versions(tables))
        selection = Selection.of(known.exchange, known.coins, known.start, known.end)
        made = _made(root, tables, selection, known.features, known.label, kind)
        known.require_same_content(made.manifest.content_hash)
        return made


def training_set(
    lake: Lake,
    *,
    label: str,
    features: str | Sequence[str] | None = None,
    coins: str | Sequence[str] | None = None,
    exchange: str | None = None,
    start: object = None,
    end: object = None,
    version: int | None = None,
    labels_version: int | None = None,
    kind: Kind = "polars",
) -> TrainingSet:
    """Features and what became of them.

    Each row of ``labels_1h`` whose label is known gets the features that were known at its ``available_at``: those of
    the candle that closed then, and of no later one.

    Args:
        lake: Folder or URI of the lake.
        label: A label of ``labels_1h``: ``forward_return_24h``, ``triple_barrier_24h`` and so on.
        features: Columns of ``features_1h``, in the order wanted; all, without the counts of observations, when left
            out.
        coins: Native symbols: a list, or one text with spaces between them; all when left out.
        exchange: Exchange code; all when left out.
        start: First ``available_at``: an aware datetime, a date or ISO text (UTC).
        end: End of ``available_at``, exclusive, likewise.
        version: Version of ``features_1h``; the newest when left out.
        labels_version: Version of ``labels_1h``, likewise.
        kind: ``polars``, ``pandas`` or ``arrow``.

    Returns:
        The training set. Its manifest names the versions, so that ``TrainingSet.rebuild(manifest)`` gives the same bits
        while the lake holds them.

    Raises:
        ConfigurationError: No lake, no such table, label, feature, coin or exchange, a naive instant, an empty range.
        VersionGoneError: A version is not held any more, or never was.
        ContractError: A version lacks a column.
        DamagedTableError: A table's log is damaged.
    """
    require_kind(kind, "polars", "pandas", "arrow")
    if label not in LABEL_ENDS:
        raise ConfigurationError(unknown_names("label", [label], LABEL_ENDS))
    names, selection = feature_names(features, role="feature"), Selection.of(exchange, coins, start, end)
    tables = {
        FEATURES_1H.name: open_table(lake, FEATURES_1H, version),
        LABELS_1H.name: open_table(lake, LABELS_1H, labels_version),
    }
    return _made(lake, tables, selection, names, label, kind)


def _made(
    lake: Lake,
    tables: Mapping[str, OpenTable],
    selection: Selection,
    names: Sequence[str],
    label: str,
    kind: Kind,
) -> TrainingSet:
    end = LABEL_ENDS[label]
    labels = tables[LABELS_1H.name].select([*_JOINED_BY, label, end], selection)
    features = tables[FEATURES_1H.name].select([*_JOINED_BY, *names], selection)
    outcomes, known = pl.collect_all([labels, features])
    decided = outcomes.filter(pl.col(label).is_not_null() & pl.col(end).is_not_null())
    rows = _joined(decided, known)
    parts = {
        "X": rows.select(names),
        "groups": rows.select("exchange", "coin"),
        "rest": rows.select(pl.col(label).alias("y"), pl.col(AVAILABLE_AT).alias("t0"), pl.col(end).alias("t1")),
    }
    rest = parts["rest"]
    manifest = Manifest(
        lake=os.fspath(lake),
        tables=_versions(tables),
        features=tuple(names),
        label=label,
        label_end=end,
        exchange=selection.exchange,
        coins=selection.coins,
        start=selection.start.isoformat() if selection.start else None,
        end=selection.end.isoformat() if selection.end else None,
        rows=rows.height,
        undecided=outcomes.height - decided.height,
        content_hash=content_hash(
            {f"{part}.{column.name}": column for part, frame in parts.items() for column in frame}
        ),
    )
    return TrainingSet(
        X=as_kind(parts["X"], kind),
        y=as_kind_of_column(rest["y"], kind),
        groups=as_kind(parts["groups"], kind),
        t0=as_kind_of_column(rest["t0"], kind),
        t1=as_kind_of_column(rest["t1"], kind),
        manifest=manifest,
    )


def _joined(decided: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Labels with the features of the same key, in a total order; keys are sorted and joined, values only taken."""
    numbered = known.select(_JOINED_BY).with_row_index("__row")
    keys = decided.join(numbered, on=_JOINED_BY, how="inner", validate="1:1").sort(_ORDER)
    return keys.drop("__row").hstack(_taken(known.drop(_JOINED_BY), keys["__row"]))


def _taken(values: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    # In one piece each: taking rows at random out of columns in many pieces takes three times as long.
    return values.rechunk().select(pl.all().gather(rows))


def _versions(tables: Mapping[str, OpenTable]) -> dict[str, TableVersion]:
    return {name: TableVersion(table.id, table.version) for name, table in tables.items()}
