"""The features pipeline: tables for models. Not part of the default run: kedro run --pipelines __default__,features."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from klineforge.pipelines.features.nodes import compute_features, describe_features, label_outcomes


def create_pipeline(**_: object) -> Pipeline:
    """Marts to features."""
    return Pipeline(
        [
            Node(
                compute_features,
                {
                    "candles": "fact_1h_klines",
                    "returns": "mart_returns_1h",
                    "volume": "mart_volume_metrics_1h",
                    "indicators": "mart_indicators_1h",
                    "correlations": "mart_correlations",
                    "breadth": "mart_market_breadth_1h",
                    "options": "params:indicators",
                },
                "features_1h",
                name="compute_features",
            ),
            Node(label_outcomes, ["mart_returns_1h", "params:labels"], "labels_1h", name="label_outcomes"),
            Node(describe_features, ["features_1h", "labels_1h"], "feature_catalogue", name="describe_features"),
        ],
        tags="features",
    )
