"""What the newest run of the quality pipeline found, from ``<lake>/_klineforge/quality_report.json``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

REPORT = Path("_klineforge") / "quality_report.json"


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A rule that some rows, files or commits broke.

    Args:
        table: The table that was checked.
        rule: What was asked.
        is_error: Whether figures are wrong, or somebody should look.
        failed: How many broke it.
        detail: What to do, in words.
    """

    table: str
    rule: str
    is_error: bool
    failed: int
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of the newest run of the checks.

    Args:
        checked_at: When, UTC.
        rules: How many rules were asked.
        broken: Those that did not hold, errors first.
    """

    checked_at: datetime
    rules: int
    broken: tuple[BrokenRule, ...]

    @property
    def errors(self) -> int:
        """Broken rules that make figures wrong."""
        return sum(rule.is_error for rule in self.broken)

    @property
    def warnings(self) -> int:
        """Broken rules that somebody should look at."""
        return len(self.broken) - self.errors


def read_verdict(lake: Path) -> Verdict | None:
    """The newest verdict; None where no check has run, or what it wrote cannot be read.

    Args:
        lake: Root of the lake.
    """
    try:
        told: dict[str, Any] = json.loads((lake / REPORT).read_text(encoding="utf-8"))
        return Verdict(
            datetime.fromisoformat(told["checked_at"]), int(told["rules"]), tuple(map(_broken, told["broken"]))
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _broken(entry: dict[str, Any]) -> BrokenRule:
    return BrokenRule(
        str(entry["table"]),
        str(entry["rule"]),
        entry["severity"] == "error",
        int(entry["failed"]),
        str(entry.get("detail") or ""),
    )
