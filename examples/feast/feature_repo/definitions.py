"""``features_1h`` as Feast knows it: entities, the file it is exported to, and one view with every feature."""

from __future__ import annotations

import os
from datetime import timedelta

from feast import Entity, FeatureView, Field, FileSource
from feast.types import Bool, Float64, Int32
from feast.value_type import ValueType

from klineforge.ml import feature_catalog

_TYPES = {"DOUBLE": Float64, "INT": Int32, "BOOLEAN": Bool}

exchange = Entity(name="exchange", value_type=ValueType.STRING, description="Exchange code")
coin = Entity(name="coin", value_type=ValueType.STRING, description="Native symbol")

candles = FileSource(
    name="features_1h",
    path=f"{os.environ['KLINEFORGE_FEAST']}/features_1h.parquet",
    # When a candle had closed. open_timestamp would show every join an hour of the future.
    timestamp_field="available_at",
)

features_1h = FeatureView(
    name="features_1h",
    entities=[exchange, coin],
    ttl=timedelta(hours=2),
    schema=[Field(name=spec.name, dtype=_TYPES[spec.dtype], description=spec.formula) for spec in feature_catalog()],
    source=candles,
    online=True,
)
