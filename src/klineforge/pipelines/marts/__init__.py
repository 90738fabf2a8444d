"""The marts pipeline."""

from klineforge.pipelines.marts.pipeline import create_pipeline

__all__ = ["create_pipeline"]
