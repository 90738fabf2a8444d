"""What a check found: plain values, whichever table and engine they come from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]

SAMPLES = 5
"""Rows that a finding names; the rest is only counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one rule on one table.

    Args:
        table: The table that was checked.
        rule: What was asked.
        severity: What breaking it means: figures cannot be trusted (``error``), or somebody should look (``warning``).
        checked: Rows, files or commits looked at.
        failed: How many of them broke the rule.
        sample: Some of those, by their key.
        detail: What was found and what to do, in words; empty where the rule holds.
        version: Version of the table, None when it could not be read.
    """

    table: str
    rule: str
    severity: Severity
    checked: int
    failed: int
    sample: tuple[Mapping[str, Any], ...] = ()
    detail: str = ""
    version: int | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing broke the rule."""
        return self.failed == 0

    @property
    def is_error(self) -> bool:
        """Whether the rule is broken and that makes figures wrong."""
        return not self.holds and self.severity == "error"

    @property
    def sample_json(self) -> str | None:
        """The sample as JSON, None when there is none."""
        return json.dumps(list(self.sample), default=str, ensure_ascii=False) if self.sample else None

    def __str__(self) -> str:
        if self.holds:
            return f"{self.table}: {self.rule} holds ({self.checked:,} checked)"
        example = f", for example {_words(self.sample[0])}" if self.sample else ""
        why = f". {self.detail}" if self.detail else ""
        return f"{self.table}: {self.rule} is broken by {self.failed:,} of {self.checked:,}{example}{why}"


def together(findings: Sequence[Finding]) -> list[Finding]:
    """One finding per table and rule: counts of parts of a table are added up.

    Args:
        findings: Of any tables, for parts of them that do not overlap.

    Returns:
        In the order in which tables and rules came first.
    """
    summed: dict[tuple[str, str], Finding] = {}
    for part in findings:
        before = summed.get((part.table, part.rule))
        if before is None:
            summed[part.table, part.rule] = part
            continue
        summed[part.table, part.rule] = Finding(
            part.table,
            part.rule,
            part.severity,
            before.checked + part.checked,
            before.failed + part.failed,
            (*before.sample, *part.sample)[:SAMPLES],
            before.detail or part.detail,
            part.version,
        )
    return list(summed.values())


def _words(row: Mapping[str, Any]) -> str:
    return " ".join(str(value) for value in row.values())
