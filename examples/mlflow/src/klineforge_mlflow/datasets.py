"""A training set of the lake as a dataset of the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Never

from kedro.io import AbstractDataset, DatasetError

from klineforge.ml import TrainingSet, training_set


class TrainingSetDataset(AbstractDataset[Never, TrainingSet]):
    """Reads a training set; the lake is never written to.

    Args:
        lake: Folder or URI of the lake.
        label: A label of ``labels_1h``.
        versions: Versions of ``features_1h`` and ``labels_1h`` by name; the newest where left out.
    """

    def __init__(self, lake: str, label: str, versions: Mapping[str, int] | None = None) -> None:
        self._lake, self._label, self._versions = lake, label, versions or {}

    def load(self) -> TrainingSet:
        """All features with the label, as klineforge.ml gives them."""
        return training_set(
            self._lake,
            label=self._label,
            version=self._versions.get("features_1h"),
            labels_version=self._versions.get("labels_1h"),
        )

    def save(self, data: Never) -> Never:
        """A training set is made from tables and not saved."""
        del data
        raise DatasetError("a training set is made by kedro run --pipeline features and cannot be saved")

    def _describe(self) -> dict[str, Any]:
        return {"lake": self._lake, "label": self._label, "versions": self._versions}
