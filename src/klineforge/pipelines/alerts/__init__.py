"""The alerts pipeline."""

from klineforge.pipelines.alerts.pipeline import create_pipeline

__all__ = ["create_pipeline"]
