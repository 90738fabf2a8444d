"""The alerts pipeline: from figures and health to messages. No part of the default pipeline, because it sends."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from klineforge.pipelines.alerts.nodes import check_alert_settings, deliver_alerts, find_alerts

TABLES_READ = (
    "mart_returns_1h",
    "mart_volume_metrics_1h",
    "mart_top_movers",
    "mart_correlations",
    "kline_runs",
    "kline_gaps",
    "dim_coins",
    "quality_results",
)


def create_pipeline(**_: object) -> Pipeline:
    """Everything the rules read to alerts and their deliveries."""
    return Pipeline(
        [
            Node(
                check_alert_settings, ["params:alerts", "alert_channels"], "alert_settings", name="check_alert_settings"
            ),
            Node(
                find_alerts,
                ["alert_settings", "alert_channels", "run_context", "alerts_before", *TABLES_READ],
                "alerts",
                name="find_alerts",
            ),
            Node(
                deliver_alerts,
                ["alert_settings", "alert_channels", "run_context", "alerts", "alert_deliveries_before"],
                "alert_deliveries",
                name="deliver_alerts",
            ),
        ],
        tags="alerts",
    )
