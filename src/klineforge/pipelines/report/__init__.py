"""The report pipeline."""

from klineforge.pipelines.report.pipeline import create_pipeline

__all__ = ["create_pipeline"]
