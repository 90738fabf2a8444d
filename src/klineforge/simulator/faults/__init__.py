"""Faults of the demo exchange: named, parameterised, and the same on every run."""
