"""The lake's tables for dashboards and reports: read without Spark, kept by version, explained where missing."""

from klineforge.serving.catalogue import Catalogue, read_catalogue
from klineforge.serving.explanation import Explanation, UnavailableError
from klineforge.serving.selection import Interval, Selection, read_selection
from klineforge.serving.state import LakeState, read_state
from klineforge.serving.warehouse import Warehouse

__all__ = [
    "Catalogue",
    "Explanation",
    "Interval",
    "LakeState",
    "Selection",
    "UnavailableError",
    "Warehouse",
    "read_catalogue",
    "read_selection",
    "read_state",
]
