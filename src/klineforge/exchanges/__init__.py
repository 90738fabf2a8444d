"""Talking to exchanges: what is missing, fetching it, and keeping it on disk until bronze takes it over.

One package per exchange, all with the same files; they never import each other. Everything here runs without Spark.
"""
