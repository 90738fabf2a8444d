"""Bronze written by the product's own datasets, which know what was appended before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from ingestion.lake import TABLES, Lake
from kedro.io import DatasetError

from klineforge.cli.user_errors import user_error_in
from klineforge.datasets.coverage import IngestionCoverageDataset
from klineforge.datasets.delta_table import Append, DeltaTableDataset
from klineforge.datasets.landing import LandingReceiptsDataset
from klineforge.exchanges.coverage import Coverage
from klineforge.exchanges.landing import LandingZone
from klineforge.pipelines.bronze.nodes import append_landed_klines, append_listing_snapshots


class ProductLake(Lake):
    """The lake of a real run as far as bronze, laid out as the catalog does."""

    def folder(self, name: str) -> Path:
        """The folder of a bronze table."""
        return self.path / "bronze" / TABLES[name]

    @property
    def zone(self) -> LandingZone:
        return LandingZone(self.path / "landing" / "binance")

    def coverage(self) -> Coverage:
        with plain_errors():
            return IngestionCoverageDataset(path=str(self.path / "bronze"), checks=str(self.checks)).load()

    def table(self, name: str) -> pl.DataFrame:
        path = self.folder(name)
        return pl.read_delta(str(path)) if path.exists() else pl.DataFrame()

    def versions(self) -> dict[str, int]:
        return {
            name: len(list((self.folder(name) / "_delta_log").glob("*.json")))
            for name in TABLES
            if self.folder(name).exists()
        }

    def append(self, max_rows: int = 250_000) -> int:  # noqa: ARG002 - the product chooses
        """Save what the nodes of the bronze pipeline yield, in the order in which Kedro does."""
        receipts = LandingReceiptsDataset(path=str(self.zone.path))
        loaded, rows = self.coverage(), 0
        for klines, checkpoints, units in append_landed_klines(self.zone, loaded):
            self._save(("klines", "checkpoints"), (klines, checkpoints))
            receipts.save(units)
            rows += klines.rows.num_rows
        for listing, units in append_listing_snapshots(self.zone, loaded):
            self._save(("exchange_info",), (listing,))
            receipts.save(units)
        return rows

    def _save(self, names: Sequence[str], appends: Sequence[Append]) -> None:
        for name, append in zip(names, appends, strict=True):
            with plain_errors():
                DeltaTableDataset(contract=TABLES[name], path=str(self.folder(name))).save(append)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Errors as the command line shows them, without what Kedro wraps them in."""
    try:
        yield
    except DatasetError as error:
        raise user_error_in(error) or error from error
