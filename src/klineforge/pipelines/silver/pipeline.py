"""The silver pipeline: bronze records become accepted candles, quarantined records and known gaps."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from klineforge.pipelines.silver.nodes import (
    accept_candles,
    choose_best_revision,
    find_missing_hours,
    join_hours_to_runs,
    quarantine_rejected_records,
)


def create_pipeline(**_: object) -> Pipeline:
    """Bronze to silver."""
    return Pipeline(
        [
            Node(choose_best_revision, "binance_klines_daily", "stage_binance_klines", name="choose_best_revision"),
            Node(
                accept_candles,
                ["stage_binance_klines", "params:listing_seed"],
                "fact_1h_klines",
                name="accept_candles",
            ),
            Node(
                quarantine_rejected_records,
                ["stage_binance_klines", "binance_klines_daily", "params:listing_seed"],
                "quarantine_klines",
                name="quarantine_rejected_records",
            ),
            Node(join_hours_to_runs, "fact_1h_klines", "kline_runs", name="join_hours_to_runs"),
            Node(find_missing_hours, ["kline_runs", "params:listing_seed"], "kline_gaps", name="find_missing_hours"),
        ],
        tags="silver",
    )
