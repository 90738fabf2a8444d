"""The quality pipeline."""

from klineforge.pipelines.quality.pipeline import create_pipeline

__all__ = ["create_pipeline"]
