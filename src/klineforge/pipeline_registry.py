"""The project's pipelines by name."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from klineforge.pipelines import alerts, bronze, features, gold, ingestion, marts, quality, report, silver


def register_pipelines() -> dict[str, Pipeline]:
    """Every layer alone, and all up to the marts together as the default.

    Apart from it: tables for models, for those who train some (``--pipelines __default__,features``), checks,
    alerts, which send, and the report, which draws.
    """
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
        "features": features.create_pipeline(),
        "quality": quality.create_pipeline(),
        "alerts": alerts.create_pipeline(),
        "report": report.create_pipeline(),
    }
