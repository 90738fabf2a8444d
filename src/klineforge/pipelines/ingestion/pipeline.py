"""Ingestion: from the exchange to the landing zone."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from klineforge.pipelines.ingestion.nodes import (
    check_request,
    download_missing_klines,
    plan_downloads,
    remember_rechecks,
    snapshot_listing,
)


def create_pipeline(**_: object) -> Pipeline:
    """The nodes that find out what is missing and download it."""
    return Pipeline(
        [
            Node(check_request, inputs="parameters", outputs="ingestion_request", name="check_what_was_asked_for"),
            Node(
                snapshot_listing,
                inputs=["ingestion_request", "binance_market", "binance_landing_inventory", "binance_coverage"],
                outputs="binance_listing",
                name="snapshot_the_exchange_listing",
            ),
            Node(
                plan_downloads,
                inputs=[
                    "ingestion_request",
                    "binance_market",
                    "binance_landing_inventory",
                    "binance_coverage",
                    "binance_listing",
                ],
                outputs="ingestion_plan",
                name="plan_what_is_missing",
            ),
            Node(
                download_missing_klines,
                inputs=["ingestion_plan", "binance_market", "binance_landing_inventory"],
                outputs=["binance_landing", "ingestion_report"],
                name="download_missing_klines",
            ),
            Node(
                remember_rechecks,
                inputs="ingestion_report",
                outputs="binance_archive_checks",
                name="remember_which_archives_were_looked_at",
            ),
        ],
        tags="ingestion",
    )
