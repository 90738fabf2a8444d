"""The same tables as SQL, for the engines that KlineForge is measured against."""

from __future__ import annotations

from importlib import resources

# In the order in which one reads the other.
NAIVE_MARTS = ("returns", "volume", "movers", "correlations")
EXACT_CORRELATIONS = "correlations_exact"


def statement(name: str) -> str:
    """The query of a table; it reads ``fact``, and *movers* also ``returns`` and ``volume``."""
    return resources.files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
