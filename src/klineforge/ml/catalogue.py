"""What the columns for models are, from Python."""

from __future__ import annotations

from typing import Literal

from klineforge.contracts.feature_catalogue import FEATURES
from klineforge.contracts.feature_spec import FeatureSpec
from klineforge.contracts.label_catalogue import LABELS
from klineforge.errors import ConfigurationError


def feature_catalog(table: Literal["features_1h", "labels_1h"] = "features_1h") -> list[FeatureSpec]:
    """Every column of a table beside its key: type, unit, formula, window, how far it looks back, when it is null.

    >>> [spec.unit for spec in feature_catalog() if spec.name == "rsi_14"]
    ['0 to 100']

    Args:
        table: ``features_1h``, or ``labels_1h`` for what is to be foretold.

    Raises:
        ConfigurationError: When there is no such table.
    """
    catalogues = {"features_1h": FEATURES, "labels_1h": LABELS}
    if table not in catalogues:
        raise ConfigurationError(f"table must be features_1h or labels_1h, found {table!r}")
    return list(catalogues[table])
