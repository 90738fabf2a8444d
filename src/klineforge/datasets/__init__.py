"""Kedro datasets: all input and output of the pipelines."""
