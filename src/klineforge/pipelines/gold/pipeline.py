"""The gold pipeline: dimensions of the star schema around ``fact_1h_klines``."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from klineforge.pipelines.gold.nodes import describe_coins, describe_exchanges, lay_out_calendar


def create_pipeline(**_: object) -> Pipeline:
    """Silver to gold."""
    return Pipeline(
        [
            Node(
                describe_coins,
                ["kline_runs", "binance_exchange_info", "params:listing_seed"],
                "dim_coins",
                name="describe_coins",
            ),
            Node(describe_exchanges, "kline_runs", "dim_exchange", name="describe_exchanges"),
            Node(lay_out_calendar, "kline_runs", "dim_timestamp", name="lay_out_calendar"),
        ],
        tags="gold",
    )
