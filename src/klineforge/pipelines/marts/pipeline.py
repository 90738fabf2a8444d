"""The marts pipeline: figures that dashboards, reports and models read."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from klineforge.pipelines.marts.nodes import (
    compute_returns_and_drawdowns,
    compute_volume_metrics,
    correlate_pairs,
    measure_market_breadth,
    measure_momentum_and_trend,
    rank_top_movers,
)


def create_pipeline(**_: object) -> Pipeline:
    """Silver to marts."""
    return Pipeline(
        [
            Node(
                compute_returns_and_drawdowns,
                "fact_1h_klines",
                "mart_returns_1h",
                name="compute_returns_and_drawdowns",
            ),
            Node(compute_volume_metrics, "fact_1h_klines", "mart_volume_metrics_1h", name="compute_volume_metrics"),
            Node(
                rank_top_movers,
                ["mart_returns_1h", "mart_volume_metrics_1h"],
                "mart_top_movers",
                name="rank_top_movers",
            ),
            Node(
                correlate_pairs,
                ["fact_1h_klines", "params:correlations"],
                "mart_correlations",
                name="correlate_pairs",
            ),
            Node(
                measure_market_breadth,
                ["mart_returns_1h", "mart_volume_metrics_1h", "mart_correlations"],
                "mart_market_breadth_1h",
                name="measure_market_breadth",
            ),
            Node(
                measure_momentum_and_trend,
                ["mart_returns_1h", "mart_volume_metrics_1h", "params:indicators"],
                "mart_indicators_1h",
                name="measure_momentum_and_trend",
            ),
        ],
        tags="marts",
    )
