"""The silver pipeline."""

from klineforge.pipelines.silver.pipeline import create_pipeline

__all__ = ["create_pipeline"]
