"""The feature catalogue as the rows of its table, and the version they make together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from klineforge.contracts.feature_catalogue import FEATURES
from klineforge.contracts.feature_spec import FeatureSpec
from klineforge.contracts.label_catalogue import LABEL_ENDS, LABELS

Row = dict[str, str | int | None]


def catalogue_rows() -> list[Row]:
    """One row of ``feature_catalogue`` per column of ``features_1h`` and ``labels_1h`` beside their key."""
    return [*_rows("features_1h", FEATURES), *_rows("labels_1h", LABELS)]


def catalogue_version() -> str:
    """Changes with every row."""
    return hashlib.sha256(json.dumps(catalogue_rows()).encode()).hexdigest()[:12]


def _rows(table: str, specs: Sequence[FeatureSpec]) -> list[Row]:
    return [
        {
            "table_name": table,
            "column_name": spec.name,
            "position": position,
            "role": spec.role,
            "data_type": spec.dtype,
            "unit": spec.unit,
            "formula": spec.formula,
            "window_hours": spec.window_hours,
            "lookback_hours": spec.lookback_hours,
            "horizon_hours": spec.horizon_hours,
            "source": spec.source,
            "null_rule": spec.null_rule,
            "count_column": spec.count_column,
            "minimum_observations": spec.minimum,
            "label_end_column": LABEL_ENDS.get(spec.name),
            "since_version": spec.since_version,
        }
        for position, spec in enumerate(specs)
    ]
