"""The bronze pipeline: from the landing zone to append-only tables."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from klineforge.pipelines.bronze.nodes import append_landed_klines, append_listing_snapshots


def create_pipeline(**_: object) -> Pipeline:
    """Landing zone to bronze."""
    return Pipeline(
        [
            Node(
                append_landed_klines,
                ["binance_landing", "binance_coverage"],
                ["binance_klines_daily", "binance_ingestion_checkpoints", "binance_kline_receipts"],
                name="append_landed_klines",
            ),
            Node(
                append_listing_snapshots,
                ["binance_landing", "binance_coverage"],
                ["binance_exchange_info", "binance_listing_receipts"],
                name="append_listing_snapshots",
            ),
        ],
        tags="bronze",
    )
