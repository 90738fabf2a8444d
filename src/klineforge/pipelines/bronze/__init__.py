"""The bronze pipeline."""

from klineforge.pipelines.bronze.pipeline import create_pipeline

__all__ = ["create_pipeline"]
