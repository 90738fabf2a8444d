"""The gold pipeline."""

from klineforge.pipelines.gold.pipeline import create_pipeline

__all__ = ["create_pipeline"]
