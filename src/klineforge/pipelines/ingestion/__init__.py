"""Download what bronze lacks; nothing here needs Spark."""

from klineforge.pipelines.ingestion.pipeline import create_pipeline

__all__ = ["create_pipeline"]
