"""Catalog entry for what bronze already holds, read straight from the Delta tables without a JVM."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Never

from kedro.io import AbstractDataset, DatasetError

from klineforge.contracts.bronze import (
    BINANCE_EXCHANGE_INFO,
    BINANCE_INGESTION_CHECKPOINTS,
    BINANCE_KLINES_DAILY,
)
from klineforge.datasets.archive_checks import ArchiveChecksDataset
from klineforge.exchanges.binance.bronze_tables import read_coverage
from klineforge.exchanges.coverage import Coverage
from klineforge.lake.location import TableLocation
from klineforge.lake.scanning import scan_table
from klineforge.lake.table import LakeTable
from klineforge.lake.trouble import require_whole, storage_trouble_in_words

_CONTRACTS = (BINANCE_INGESTION_CHECKPOINTS, BINANCE_KLINES_DAILY, BINANCE_EXCHANGE_INFO)


class IngestionCoverageDataset(AbstractDataset[Never, Coverage]):
    """What is loaded of each coin, from the checkpoints; single hours and recent candles from the klines.

    A table that does not exist yet counts as empty.

    Example in ``catalog.yml``::

        binance_coverage:
          type: klineforge.datasets.coverage.IngestionCoverageDataset
          path: ${globals:lake}/bronze
          look_back_hours: 48
          checks: ${globals:lake}/_klineforge/archive_checks.json

    With tables in a catalog, ``tables: main.klineforge`` stands in place of ``path``.

    Example in Python::

        coverage = IngestionCoverageDataset(path="/some/lake/bronze").load()
    """

    def __init__(
        self,
        *,
        path: str | None = None,
        tables: str | None = None,
        look_back_hours: int = 48,
        checks: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Describe the tables.

        Args:
            path: Folder of the bronze tables; under this name Kedro makes a relative one absolute.
            tables: Instead of a folder, the catalog and schema in which the session finds the tables.
            look_back_hours: How many of the newest hours are read with their values.
            checks: File of an ``ArchiveChecksDataset``; None where nothing is remembered of older archives.
            metadata: For Kedro plugins; not used here.
        """
        self._path = path
        self._tables = tables
        self._locations = [
            TableLocation(
                path=None if path is None else f"{path}/{contract.name}",
                name=None if tables is None else f"{tables}.{contract.name}",
            )
            for contract in _CONTRACTS
        ]
        self._look_back = timedelta(hours=look_back_hours)
        self._checks = None if checks is None else ArchiveChecksDataset(path=checks)
        self.metadata = metadata

    def load(self) -> Coverage:
        """Read what is needed of the three tables.

        Raises:
            DamagedTableError: When one of them cannot be read.
        """
        paths = [Path(place.path) for place in self._locations if place.path is not None]
        with storage_trouble_in_words(Path(self._path or ""), paths):
            for path in paths:
                require_whole(path)
            checkpoints, klines, exchange_info = (
                scan_table(LakeTable.at(contract, place))
                for contract, place in zip(_CONTRACTS, self._locations, strict=True)
            )
            coverage = read_coverage(checkpoints, klines, exchange_info, self._look_back)
        return coverage if self._checks is None else replace(coverage, history_checked=self._checks.load())

    def save(self, data: Never) -> None:  # noqa: ARG002 - the name is Kedro's
        """Refuse: coverage follows from the bronze tables.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError("coverage is read from the bronze tables, it cannot be written")

    def _describe(self) -> dict[str, Any]:
        return {"path": self._path, "tables": self._tables}

    def _exists(self) -> bool:
        return LakeTable.at(BINANCE_INGESTION_CHECKPOINTS, self._locations[0]).seen is not None
