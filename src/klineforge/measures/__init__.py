"""Figures computed from arrays and frames by numpy and polars, without Spark, files or clocks; and the registry of all.

Missing hours are not-a-number in arrays and null in frames. A figure that cannot be had is None, never zero.
"""
