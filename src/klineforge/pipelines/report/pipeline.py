"""The report pipeline: from marts to pages to a document. Not in the default pipeline: it needs the extra ``app``."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from klineforge.pipelines.report.nodes import check_report_settings, draw_report, write_report

TABLES_READ = (
    "fact_1h_klines",
    "quarantine_klines",
    "kline_gaps",
    "dim_coins",
    "mart_returns_1h",
    "mart_volume_metrics_1h",
    "mart_top_movers",
    "mart_correlations",
    "mart_market_breadth_1h",
    "mart_indicators_1h",
)


def create_pipeline(**_: object) -> Pipeline:
    """Everything the pages read to the two files."""
    return Pipeline(
        [
            Node(check_report_settings, "params:report", "report_settings", name="check_report_settings"),
            Node(
                draw_report,
                ["report_settings", "serving_lake", "run_context", *TABLES_READ],
                "report_contents",
                name="draw_report",
            ),
            Node(write_report, "report_contents", ["report_html", "report_pdf"], name="write_report"),
        ],
        tags="report",
    )
