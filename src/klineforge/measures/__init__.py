"""Figures computed from frames by numpy and polars, without Spark, files or clocks; and the registry of all."""
