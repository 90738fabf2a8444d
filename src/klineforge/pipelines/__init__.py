"""The Kedro pipelines, one per layer."""
