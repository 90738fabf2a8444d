"""Where data comes from: a static kedro-viz site of the pipelines, and OpenLineage events of their runs."""
