"""Which market a lake holds; the first run writes it down, and later ones keep to it."""

from __future__ import annotations

import json
from pathlib import Path

from klineforge.lake.lock import LOCK_FOLDER

SIMULATED = "simulated"
"""The market of the exchange inside this project, where every price is invented."""


def market_marker(lake: Path) -> Path:
    """The file that says which market a lake holds.

    Args:
        lake: Root of the lake.
    """
    return lake / LOCK_FOLDER / "market.json"


def held_market(lake: Path) -> str | None:
    """The market of a lake; None where no run has marked it yet, or the mark cannot be read.

    Args:
        lake: Root of the lake.
    """
    try:
        return str(json.loads(market_marker(lake).read_text(encoding="utf-8"))["market"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        # Absent, or cut off by a kill: then it says nothing.
        return None
