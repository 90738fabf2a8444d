"""Pages of the dashboard and the report as values: pure functions from the lake's tables to figures and charts."""
