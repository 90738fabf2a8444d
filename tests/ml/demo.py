"""The small market's lake with features and labels, all of it without Spark: what notebooks and examples run on."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from ml.lake import write
from small_lake.lake import build_lake

from klineforge.contracts.features import FEATURES_1H, LABELS_1H
from klineforge.quality.feature_figures import Inputs, features_again
from klineforge.quality.label_figures import Barriers, labels_again


def build_demo(root: Path) -> Path:
    """Write marts, features and labels of five coins over 62 days.

    Args:
        root: Where; made if it is not there.
    """
    build_lake(root)
    tables = inputs_of(root)
    write(root, FEATURES_1H, features_again(tables, "BTCUSDT"))
    labels = labels_again(tables.returns, Barriers())
    write(root, LABELS_1H, labels)
    return root


def inputs_of(root: Path) -> Inputs:
    """The tables that features are made from."""
    names = {
        "candles": "silver/fact_1h_klines",
        "returns": "marts/mart_returns_1h",
        "volume": "marts/mart_volume_metrics_1h",
        "indicators": "marts/mart_indicators_1h",
        "correlations": "marts/mart_correlations",
        "breadth": "marts/mart_market_breadth_1h",
    }
    return Inputs(**{name: pl.scan_delta(str(root / path)) for name, path in names.items()})
