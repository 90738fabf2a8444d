"""Catalog entries of the report: the lake as its pages read it, and the PDF."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Never

from kedro.io import AbstractDataset, DatasetError
from kedro_datasets.partitions import PartitionedDataset

from klineforge.errors import ConfigurationError
from klineforge.reports.printing import VARIABLE, find_chromium, print_pdf
from klineforge.serving.warehouse import Warehouse

logger = logging.getLogger(__name__)


class ServingLakeDataset(AbstractDataset[Never, Warehouse]):
    """A lake on this machine's disk, read by polars.

    Example in ``catalog.yml``::

        serving_lake:
          type: klineforge.datasets.report_files.ServingLakeDataset
          path: ${_lake}

    Example in Python::

        warehouse = ServingLakeDataset(path="/some/lake").load()
    """

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        """Describe the lake.

        Args:
            path: Its root folder.
            metadata: For Kedro plugins; not used here.
        """
        self._path = path
        self.metadata = metadata

    def load(self) -> Warehouse:
        """The lake; nothing is read yet.

        Raises:
            ConfigurationError: It lies in object storage.
        """
        if "://" in self._path or self._path.startswith("/Volumes/"):
            raise ConfigurationError(
                f"the report reads lakes in folders of this machine; that of {self._path} is in object storage or in a "
                "catalog. Copy its tables of silver, gold and marts to a folder, each at <lake>/<layer>/<table>, and "
                "name it with --params lake=FOLDER"
            )
        return Warehouse(self._path)

    def save(self, data: Never) -> None:
        """Refuse: the report only reads.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError(f"the lake of the report cannot be saved to, got {type(data).__name__}")

    def _describe(self) -> dict[str, Any]:
        return {"path": self._path}


class ReportFolderDataset(PartitionedDataset):  # type: ignore[misc]  # kedro-datasets ships no types
    """Kedro's partitioned dataset on this machine's disk: a file per report, named after the newest hour of the lake.

    Example in ``catalog.yml``::

        report_html:
          type: klineforge.datasets.report_files.ReportFolderDataset
          path: ${_lake}/reports
          filename_suffix: .html
          dataset:
            type: kedro_datasets.text.TextDataset

    Example in Python::

        files = ReportFolderDataset(path="reports", dataset="kedro_datasets.text.TextDataset", filename_suffix=".html")
        files.save({"klineforge_2026-11-23_0300": "<!DOCTYPE html>"})
    """

    def __init__(self, *, path: str, dataset: str | dict[str, Any], **options: Any) -> None:
        """Describe the folder.

        Args:
            path: Where the files are.
            dataset: What one file is, as ``PartitionedDataset`` takes it.
            options: Further arguments of ``PartitionedDataset``.

        Raises:
            ConfigurationError: The folder lies in object storage, where no browser prints to.
        """
        if "://" in path:
            raise ConfigurationError(
                f"the report is written to folders of this machine, and {path} is in object storage; name a folder "
                "with --params report.folder=FOLDER. The lake it is about has to be in a folder too (docs/report.md)"
            )
        super().__init__(path=path, dataset=dataset, **options)


class PrintedReportDataset(AbstractDataset[str, bytes]):
    """A PDF, printed from an HTML document where the machine has Chromium; else there is none, and that is said.

    Example in ``catalog.yml``::

        report_pdf:
          type: klineforge.datasets.report_files.PrintedReportDataset
          filepath: ${_lake}/reports/report.pdf

    Example in Python::

        PrintedReportDataset(filepath="report.pdf").save("<!DOCTYPE html><title>Report</title>")
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Describe the file.

        Args:
            filepath: The PDF.
            metadata: For Kedro plugins; not used here.
        """
        self._path = Path(filepath)
        self.metadata = metadata

    def load(self) -> bytes:
        """The PDF."""
        return self._path.read_bytes()

    def save(self, data: str) -> None:
        """Print a document.

        Args:
            data: HTML that stands alone.

        Raises:
            KlineForgeError: Chromium is there and fails, or ``KLINEFORGE_CHROMIUM`` names no program.
        """
        chromium = find_chromium()
        if chromium is None:
            # One of an earlier run would not be of the HTML beside it.
            self._path.unlink(missing_ok=True)
            logger.warning(
                "There is no PDF of the report: no Chromium or Chrome was found. Install one, or name it with %s. "
                "The HTML file is complete.",
                VARIABLE,
            )
            return
        made = print_pdf(data, chromium)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_bytes(made)
        logger.info("The report is %s, and the same with the ending html", self._path)

    def _exists(self) -> bool:
        return self._path.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._path)}
