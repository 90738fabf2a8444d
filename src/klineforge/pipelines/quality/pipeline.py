"""The quality pipeline: asks every table of the lake, by polars, without Spark. Not part of the default run."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from klineforge.contracts import CONTRACTS
from klineforge.domain.contract import Layer
from klineforge.pipelines.quality import nodes

_DIMENSIONS = ["dim_coins", "dim_exchange", "dim_timestamp"]
_WRITTEN_HERE = "quality_results"


def create_pipeline(**_: object) -> Pipeline:
    """Every layer's promises, silver against bronze, marts against silver, and the ages of coins."""
    bronze, silver, marts, features = (_tables(layer) for layer in ("bronze", "silver", "marts", "features"))
    operations = [name for name in _tables("operations") if name != _WRITTEN_HERE]
    asked = [
        Node(nodes.check_bronze, bronze, "bronze_findings", name="check_bronze"),
        Node(nodes.check_silver, [*silver, *_DIMENSIONS], "silver_findings", name="check_silver"),
        Node(nodes.check_gold, _tables("gold"), "gold_findings", name="check_gold"),
        Node(nodes.check_marts, [*marts, *_DIMENSIONS], "marts_findings", name="check_marts"),
        Node(nodes.check_features, [*features, *_DIMENSIONS], "features_findings", name="check_features"),
        Node(nodes.reconcile_silver, [*bronze, *silver], "silver_reconciliation", name="reconcile_silver_with_bronze"),
        Node(
            nodes.reconcile_marts,
            [
                "params:quality",
                "params:correlations.min_observations",
                "params:indicators",
                "fact_1h_klines",
                *marts,
            ],
            "marts_reconciliation",
            name="compute_figures_again",
        ),
        Node(
            nodes.reconcile_features,
            ["params:indicators", "params:labels", "fact_1h_klines", *marts, *features],
            "features_reconciliation",
            name="compute_features_again",
        ),
        Node(
            nodes.check_freshness,
            ["params:quality", "fact_1h_klines", "dim_coins"],
            "freshness_findings",
            name="check_freshness",
        ),
        Node(
            nodes.compare_days,
            ["params:quality", "binance_market", "fact_1h_klines"],
            "days_findings",
            name="compare_days_with_the_exchange",
        ),
        *(
            [Node(nodes.check_operations, operations, "operations_findings", name="check_operations")]
            * bool(operations)
        ),
    ]
    findings = [name for node in asked for name in node.outputs]
    results = Node(nodes.put_down, findings, ["quality_results", "quality_report"], name="put_down_what_was_found")
    return Pipeline([*asked, results], tags="quality")


def _tables(layer: Layer) -> list[str]:
    return [contract.name for contract in CONTRACTS.values() if contract.layer == layer]
