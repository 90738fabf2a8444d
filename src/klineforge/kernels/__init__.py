"""Numeric kernels in NumPy, free of Spark, for figures that rows and windows compute too slowly."""
