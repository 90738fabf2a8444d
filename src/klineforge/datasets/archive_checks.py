"""Catalog entry for the note of when older archive files were last looked at again; losing it is harmless."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from klineforge.errors import ConfigurationError
from klineforge.lake.trouble import storage_trouble_in_words

logger = logging.getLogger(__name__)


class ArchiveChecksDataset(AbstractDataset[Mapping[str, str], dict[str, datetime]]):
    """Per coin until when its older archive files were looked at, in a small file beside the run log.

    It is no table on purpose: a run with nothing new commits nothing (ADR 12). Saving adds to what other coins have;
    saving nothing touches nothing. A file that is missing or cannot be read counts as empty.

    Example in ``catalog.yml``::

        binance_archive_checks:
          type: klineforge.datasets.archive_checks.ArchiveChecksDataset
          path: ${globals:lake}/_klineforge/archive_checks.json

    Example in Python::

        checks = ArchiveChecksDataset(path="/some/lake/_klineforge/archive_checks.json").load()
    """

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        """Describe the file.

        Args:
            path: Where it is.
            metadata: For Kedro plugins; not used here.
        """
        self._path = path
        self.metadata = metadata

    def load(self) -> dict[str, datetime]:
        """Instants by coin.

        Raises:
            ConfigurationError: When the path is a URI.
        """
        return _read(self._file())

    def save(self, data: Mapping[str, str]) -> None:
        """Remember some coins anew.

        Args:
            data: ISO instants with an offset, by coin.

        Raises:
            ConfigurationError: When the path is a URI.
        """
        if not data:
            return
        path = self._file()
        together = {**{coin: until.isoformat() for coin, until in _read(path).items()}, **data}
        fresh = path.with_suffix(".new")
        text = json.dumps(dict(sorted(together.items())), indent=1, ensure_ascii=False)
        # Half of a surrogate pair, which a file from elsewhere can hold, is written as JSON escapes it.
        with storage_trouble_in_words(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(text, encoding="utf-8", errors="backslashreplace")
            fresh.replace(path)

    def _file(self) -> Path:
        # As a path it would be a folder called s3a: of the working folder.
        if "://" in self._path:
            raise ConfigurationError(
                f"what was looked at in archives is noted in a file of this machine, found {self._path}. Give "
                "binance_archive_checks, and checks of binance_coverage, a file in conf/<env>/catalog.yml "
                "(docs/object-storage.md)"
            )
        return Path(self._path)

    def _describe(self) -> dict[str, Any]:
        return {"path": self._path}

    def _exists(self) -> bool:
        return "://" not in self._path and Path(self._path).is_file()


def _read(path: Path) -> dict[str, datetime]:
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {str(coin): _utc(until) for coin, until in found.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        logger.warning("%s cannot be read and is started anew: %s", path, error)
        return {}


def _utc(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant
