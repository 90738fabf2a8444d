"""The picture of the pipelines: a static kedro-viz site."""
