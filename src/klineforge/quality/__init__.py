"""Checks of whole tables: what contracts promise, and what tables say of each other. Reads Delta with polars."""
