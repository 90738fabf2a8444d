"""The one pipeline of the project."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from klineforge_mlflow.nodes import describe, evaluate, fit


def register_pipelines() -> dict[str, Pipeline]:
    """Pipelines by name."""
    train = Pipeline(
        [
            node(describe, "training_set", "manifest", name="describe"),
            node(evaluate, ["training_set", "params:train"], "scores", name="evaluate"),
            node(fit, ["training_set", "params:train"], "model", name="fit"),
        ]
    )
    return {"__default__": train}
