"""Catalog entries for the landing zone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Never

from kedro.io import AbstractDataset, DatasetError

from klineforge.errors import ConfigurationError
from klineforge.exchanges.landing import LandingZone


class LandingZoneDataset(AbstractDataset[Iterable[str], LandingZone]):
    """The folder in which downloads wait for bronze.

    Loading gives the zone; units are written one by one while downloads run, because a killed run must not lose them.
    Saving therefore only confirms that the units a node says it has landed are there.

    Example in ``catalog.yml``::

        binance_landing:
          type: klineforge.datasets.landing.LandingZoneDataset
          path: ${globals:lake}/landing/binance

    Example in Python::

        zone = LandingZoneDataset(path="/some/lake/landing/binance").load()
    """

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        """Describe the folder.

        Args:
            path: The folder; created when the first download lands.
            metadata: For Kedro plugins; not used here.
        """
        self._path = path
        self.metadata = metadata

    def load(self) -> LandingZone:
        """The landing zone.

        Raises:
            ConfigurationError: When the folder is a URI: downloads are renamed, which object storage cannot do.
        """
        if "://" in self._path:
            raise ConfigurationError(
                f"downloads wait for bronze in a folder of this machine, found {self._path}. Give "
                "binance_landing and the entries beside it a folder in conf/<env>/catalog.yml (docs/object-storage.md)"
            )
        return LandingZone(self._path)

    def save(self, data: Iterable[str]) -> None:
        """Confirm that units have landed.

        Args:
            data: Unit ids.

        Raises:
            DatasetError: When one is not in the folder.
        """
        there = {unit.unit_id for unit in LandingZone(self._path).units()}
        absent = sorted(set(data) - there)
        if absent:
            raise DatasetError(f"{len(absent)} downloads are not in {self._path}, for example unit {absent[0]}")

    def _describe(self) -> dict[str, Any]:
        return {"path": self._path}

    def _exists(self) -> bool:
        return bool(LandingZone(self._path).units())


class LandingReceiptsDataset(AbstractDataset[Iterable[str], Never]):
    """Downloads that bronze holds now and that the landing zone can therefore let go.

    Example in ``catalog.yml``::

        binance_kline_receipts:
          type: klineforge.datasets.landing.LandingReceiptsDataset
          path: ${globals:lake}/landing/binance

    Example in Python::

        LandingReceiptsDataset(path="/some/lake/landing/binance").save(["unit id"])
    """

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        """Describe the folder.

        Args:
            path: The landing zone's folder.
            metadata: For Kedro plugins; not used here.
        """
        self._path = path
        self.metadata = metadata

    def load(self) -> Never:
        """Refuse: a receipt leaves nothing behind.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError("receipts cannot be loaded; what bronze holds is in its tables")

    def save(self, data: Iterable[str]) -> None:
        """Remove units from the landing zone.

        Args:
            data: Ids of units that are in bronze, checkpoints included.
        """
        LandingZone(self._path).remove(data)

    def _describe(self) -> dict[str, Any]:
        return {"path": self._path}
