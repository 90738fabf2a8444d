"""Data moves one way: shown on the pipelines as they are registered."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from kedro.config import OmegaConfigLoader
from kedro.pipeline import Node, Pipeline

from klineforge.contracts import CONTRACTS
from klineforge.pipeline_registry import register_pipelines

ROOT = Path(__file__).resolve().parents[2]
ORDER = ("ingestion", "bronze", "silver", "gold", "marts", "features")
APART = {"features"}
"""Layers that a run of everything leaves out, for those who do not need them."""

# Reads within a layer that the picture in docs/ARCHITECTURE.md shows. The steps of ingestion follow each other anyway.
WITHIN_A_LAYER = {
    ("stage_binance_klines", "fact_1h_klines"),
    ("stage_binance_klines", "quarantine_klines"),
    ("fact_1h_klines", "kline_runs"),
    ("kline_runs", "kline_gaps"),
    ("mart_returns_1h", "mart_top_movers"),
    ("mart_volume_metrics_1h", "mart_top_movers"),
    ("mart_returns_1h", "mart_market_breadth_1h"),
    ("mart_volume_metrics_1h", "mart_market_breadth_1h"),
    ("mart_correlations", "mart_market_breadth_1h"),
    ("features_1h", "feature_catalogue"),
    ("labels_1h", "feature_catalogue"),
    ("mart_returns_1h", "mart_indicators_1h"),
    ("mart_volume_metrics_1h", "mart_indicators_1h"),
}

# Tables that no node writes, and why.
WRITTEN_BY_HOOKS = {"run_log": "a node cannot see the end of its own run (docs/adr/0017-run-log.md)"}


def is_parameter(name: str) -> bool:
    return name == "parameters" or name.startswith("params:")


def catalog_layers() -> dict[str, str]:
    """Layer of every dataset: that of its contract, else that of its catalog entry, where kedro-viz reads it."""
    loader = OmegaConfigLoader(str(ROOT / "conf"), base_env="base", default_run_env="base")
    layers = {
        name: entry["metadata"]["kedro-viz"]["layer"]
        for name, entry in loader["catalog"].items()
        if "kedro-viz" in entry.get("metadata", {})
    }
    return {**layers, **{name: contract.layer for name, contract in CONTRACTS.items()}}


def backward_reads(pipeline: Pipeline, layers: Mapping[str, str]) -> list[str]:
    """Edges that lead to the left, to a sibling, or to a dataset without a layer."""
    found = []
    for node in pipeline.nodes:
        read = [name for name in node.inputs if not is_parameter(name)]
        unknown = {name for name in (*read, *node.outputs) if name not in layers}
        found += [f"{node.name}: {name} has no layer in the catalog" for name in sorted(unknown)]
        for source in sorted(set(read) - unknown):
            for target in sorted(set(node.outputs) - unknown):
                distance = ORDER.index(layers[target]) - ORDER.index(layers[source])
                stays = layers[target] == "ingestion" or (source, target) in WITHIN_A_LAYER
                if distance < 0 or (distance == 0 and not stays):
                    found.append(f"{node.name}: {target} ({layers[target]}) is made from {source} ({layers[source]})")
    return found


def copy_of(*arguments: object) -> object:
    return arguments


LAYERS = {"raw": "bronze", "clean": "silver", "figures": "marts", "more_figures": "marts"}


@pytest.mark.parametrize(
    ("source", "target", "problem"),
    [
        ("figures", "clean", r"clean \(silver\) is made from figures \(marts\)"),
        ("figures", "more_figures", r"more_figures \(marts\) is made from figures"),
        ("somewhere", "clean", "somewhere has no layer"),
    ],
)
def test_backward_reads_bad_example_is_found(source: str, target: str, problem: str) -> None:
    pipeline = Pipeline([Node(copy_of, source, target, name="copy")])
    with pytest.raises(AssertionError, match=problem):
        assert backward_reads(pipeline, LAYERS) == []


def test_backward_reads_forward_edge_is_left_alone() -> None:
    assert backward_reads(Pipeline([Node(copy_of, ["raw", "params:x"], "clean", name="copy")]), LAYERS) == []


def test_registered_pipelines_move_data_one_way() -> None:
    pipelines = register_pipelines()
    assert backward_reads(pipelines["__default__"] + pipelines["features"], catalog_layers()) == []


def test_registered_pipelines_write_every_table() -> None:
    # That no table has two writers is Kedro's own rule.
    registered = register_pipelines().values()
    written = {output.partition("@")[0] for pipeline in registered for output in pipeline.all_outputs()}
    assert set(CONTRACTS) - written == set(WRITTEN_BY_HOOKS)


def test_tables_written_by_hooks_are_in_the_catalog_and_say_why() -> None:
    entries = OmegaConfigLoader(str(ROOT / "conf"), base_env="base", default_run_env="base")["catalog"]
    for table, reason in WRITTEN_BY_HOOKS.items():
        assert entries[table]["contract"] == table
        assert len(reason) > 20


def test_registered_pipelines_are_the_layers_and_all_of_them_together() -> None:
    pipelines = register_pipelines()
    assert set(ORDER) <= set(pipelines)
    assert {node.name for node in pipelines["__default__"].nodes} >= {
        node.name for layer in ORDER if layer not in APART for node in pipelines[layer].nodes
    }


def test_tables_for_models_are_made_apart_and_can_be_made_together_with_the_rest() -> None:
    pipelines = register_pipelines()
    apart, rest = ({node.name for node in pipelines[name].nodes} for name in ("features", "__default__"))
    assert apart == {"compute_features", "label_outcomes", "describe_features"}
    assert not apart & rest
    both = pipelines["__default__"] + pipelines["features"]
    assert {node.name for node in both.nodes} == apart | rest
    # No table of the warehouse waits for them.
    assert not {"features_1h", "labels_1h"} & pipelines["__default__"].all_inputs()


def test_alerts_are_no_part_of_a_run_of_everything_because_they_send() -> None:
    pipelines = register_pipelines()
    assert not {node.name for node in pipelines["alerts"].nodes} & {
        node.name for node in pipelines["__default__"].nodes
    }


def test_registered_nodes_are_named_functions() -> None:
    names = {node.name: node.func.__name__ for node in register_pipelines()["__default__"].nodes}
    assert {name: function for name, function in names.items() if function == "<lambda>"} == {}
    assert [name for name in names if not name.islower() or "_" not in name] == []


def test_exchanges_are_all_under_the_rule_that_keeps_them_apart() -> None:
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (apart,) = (rule for rule in rules if rule["type"] == "independence")
    folders = (ROOT / "src" / "klineforge" / "exchanges").glob("*/__init__.py")
    assert sorted(apart["modules"]) == sorted(f"klineforge.exchanges.{folder.parent.name}" for folder in folders)
