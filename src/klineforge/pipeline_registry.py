"""The project's pipelines by name."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from klineforge.pipelines import alerts, bronze, gold, ingestion, marts, quality, silver


def register_pipelines() -> dict[str, Pipeline]:
    """Every layer alone, and all of them together as the default; checks and alerts apart: these send."""
    layers = {
        "ingestion": ingestion.create_pipeline(),
        "bronze": bronze.create_pipeline(),
        "silver": silver.create_pipeline(),
        "gold": gold.create_pipeline(),
        "marts": marts.create_pipeline(),
    }
    return {
        **layers,
        "__default__": sum(layers.values(), Pipeline([])),
        "quality": quality.create_pipeline(),
        "alerts": alerts.create_pipeline(),
    }
