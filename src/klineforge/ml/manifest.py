"""What a training set was made from, enough to make it again bit for bit."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import klineforge
from klineforge.contracts.features import FEATURES_1H, LABELS_1H
from klineforge.contracts.label_catalogue import LABEL_ENDS
from klineforge.errors import ConfigurationError, ContractError, VersionGoneError

FORMAT = 1
_THREADS = 4


@dataclass(frozen=True)
class TableVersion:
    """A table as it was read.

    Args:
        id: Its identity; another one after it was made anew.
        version: Its Delta version.
    """

    id: str
    version: int


def libraries() -> dict[str, str]:
    """Versions of what decides the values of a training set."""
    return {
        "klineforge": klineforge.__version__,
        **{name: importlib.metadata.version(name) for name in ("deltalake", "polars")},
    }


@dataclass(frozen=True)
class Manifest:
    """The origin of a training set, as JSON in :meth:`to_json`.

    Args:
        lake: Where it was read; another place that holds the same tables will do.
        tables: ``features_1h`` and ``labels_1h`` as they were read.
        features: Columns of ``X`` in their order.
        label: Column of ``y``.
        label_end: Column of ``t1``.
        exchange: Exchange asked for; None where all were.
        coins: Coins asked for; None where all were.
        start: First ``available_at`` asked for, ISO; None where there was no bound.
        end: Its end, exclusive, likewise.
        rows: How many rows it has.
        undecided: Rows of the selection whose label is not known yet or never will be; they are left out.
        content_hash: Of ``X``, ``y``, groups and times: ``sha256:`` and hexadecimal.
        libraries: What it was made with.
        format: Of this manifest.
    """

    lake: str
    tables: Mapping[str, TableVersion]
    features: tuple[str, ...]
    label: str
    label_end: str
    exchange: str | None
    coins: tuple[str, ...] | None
    start: str | None
    end: str | None
    rows: int
    undecided: int
    content_hash: str
    libraries: Mapping[str, str] = field(default_factory=libraries)
    format: int = FORMAT

    def to_json(self) -> str:
        """JSON text, the same for the same training set."""
        return json.dumps(asdict(self), indent=2, sort_keys=True)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the JSON text to a file."""
        Path(path).write_text(self.to_json() + "\n", encoding="utf-8")

    def require_same_tables(self, found: Mapping[str, TableVersion]) -> None:
        """Make sure that tables are those the training set was made from.

        Raises:
            VersionGoneError: When a table was made anew since.
        """
        for name, wanted in self.tables.items():
            if found[name].id != wanted.id:
                raise VersionGoneError(
                    f"{name} was made anew since: the training set was made from table {wanted.id}, found "
                    f"{found[name].id}; its versions are others. Make a new training set, or take a lake that still "
                    "holds the table"
                )

    def require_same_content(self, found: str) -> None:
        """Make sure that a training set made again is the same.

        Raises:
            ContractError: When it is not.
        """
        if found != self.content_hash:
            raise ContractError(
                f"the training set made again differs from its manifest: expected {self.content_hash}, found {found}; "
                f"it was made with {_named(self.libraries)}, now there are {_named(libraries())}"
            )


def read_manifest(given: Manifest | Mapping[str, Any] | str | os.PathLike[str]) -> Manifest:
    """A manifest from itself, a mapping, JSON text, or a file.

    Raises:
        ConfigurationError: When it cannot be read or has another format.
    """
    if isinstance(given, Manifest):
        return given
    try:
        content = dict(given) if isinstance(given, Mapping) else json.loads(_text(given))
        if content.get("format") != FORMAT:
            raise ConfigurationError(f"the manifest has format {content.get('format')!r}, expected {FORMAT}")
        tables = {name: TableVersion(**version) for name, version in content.pop("tables").items()}
        if tables.keys() != {FEATURES_1H.name, LABELS_1H.name} or content["label"] not in LABEL_ENDS:
            raise ConfigurationError("the manifest's tables or its label are none of this project's")
        features, coins = tuple(content.pop("features")), content.pop("coins")
        return Manifest(tables=tables, features=features, coins=coins if coins is None else tuple(coins), **content)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigurationError(
            f"the manifest cannot be read: {error}; expected what Manifest.to_json() gives, or the file it was saved to"
        ) from error


def content_hash(columns: Mapping[str, pl.Series]) -> str:
    """SHA-256 of columns: their names, types and order, and every bit of their values.

    Args:
        columns: All of one length.
    """
    with ThreadPoolExecutor(_THREADS) as threads:
        digests = list(threads.map(_digest, columns.values()))
    kinds = {name: str(column.dtype) for name, column in columns.items()}
    whole = hashlib.sha256(json.dumps(list(kinds.items())).encode())
    for digest in digests:
        whole.update(digest)
    return f"sha256:{whole.hexdigest()}"


def _digest(column: pl.Series) -> bytes:
    found = hashlib.sha256(len(column).to_bytes(8, "little"))
    if column.null_count():
        found.update(np.packbits(column.is_null().to_numpy()).tobytes())
    if column.dtype == pl.String:
        # The names once, in order, then which of them each row has: text itself has no layout of its own.
        names = column.drop_nulls().unique().sort()
        found.update(json.dumps(names.to_list()).encode())
        column = column.cast(pl.Enum(names)).to_physical().cast(pl.UInt32)
    if column.dtype == pl.Boolean:
        column = column.cast(pl.UInt8)
    values = column.to_physical().fill_null(0).to_numpy()
    found.update(np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).data)
    return found.digest()


def _text(given: str | os.PathLike[str]) -> str:
    if isinstance(given, str) and given.lstrip().startswith("{"):
        return given
    return Path(given).read_text(encoding="utf-8")


def _named(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
