"""What the quality pipeline found, as rows of ``quality_results`` and as a verdict."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

import pyarrow as pa

from klineforge.contracts.operations import QUALITY_RESULTS
from klineforge.errors import QualityError
from klineforge.lake.arrow import arrow_schema
from klineforge.quality.finding import Finding

_SHOWN = 12


@dataclass(frozen=True)
class QualityReport:
    """All findings of one run.

    Args:
        run_id: The run that checked.
        checked_at: When, UTC.
        findings: One per table and rule.
    """

    run_id: str
    checked_at: datetime
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Broken rules that make figures wrong."""
        return tuple(finding for finding in self.findings if finding.is_error)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Broken rules that somebody should look at."""
        return tuple(finding for finding in self.findings if not finding.holds and not finding.is_error)

    def to_rows(self) -> pa.Table:
        """Rows of ``quality_results``."""
        rows = [
            {
                "run_id": self.run_id,
                "table_name": finding.table,
                "rule": finding.rule,
                "severity": finding.severity,
                "checked_at": self.checked_at,
                "rows_checked": finding.checked,
                "rows_failed": finding.failed,
                "sample": finding.sample_json,
                "detail": finding.detail or None,
                "table_version": finding.version,
            }
            for finding in self.findings
        ]
        return pa.Table.from_pylist(rows, schema=arrow_schema(QUALITY_RESULTS, stored=False))

    @property
    def identity(self) -> str:
        """Digest under which the rows are appended once."""
        return hashlib.sha256(f"quality {self.run_id}".encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, for the file beside the lake that ``status`` reads."""
        return {
            "run_id": self.run_id,
            "checked_at": self.checked_at.isoformat(),
            "rules": len(self.findings),
            "broken": [
                {**asdict(finding), "sample": finding.sample_json} for finding in (*self.errors, *self.warnings)
            ],
        }

    @classmethod
    def of(cls, run_id: str, checked_at: datetime, findings: Iterable[Sequence[Finding]]) -> Self:
        """Put groups of findings together."""
        return cls(run_id, checked_at, tuple(finding for group in findings for finding in group))


def raise_if_broken(report: dict[str, Any]) -> None:
    """End a run that found errors with all of them in words.

    Args:
        report: As ``QualityReport.to_json`` gives it.

    Raises:
        QualityError: When a rule of severity ``error`` is broken.
    """
    errors = [entry for entry in report["broken"] if entry["severity"] == "error"]
    if not errors:
        return
    tables = sorted({entry["table"] for entry in errors})
    lines = [f"{len(errors)} of {report['rules']} checks found errors in {', '.join(tables)}"]
    lines += [f"- {_line(entry)}" for entry in errors[:_SHOWN]]
    if len(errors) > _SHOWN:
        lines.append(f"- and {len(errors) - _SHOWN} more, see the table quality_results, run {report['run_id']}")
    lines.append("docs/quality.md says what each check asks and how to mend what it found.")
    raise QualityError("\n".join(lines))


def _line(entry: dict[str, Any]) -> str:
    example = f", for example {entry['sample'][:160]}" if entry["sample"] else ""
    advice = f". {entry['detail']}" if entry["detail"] else ""
    return (
        f"{entry['table']}: {entry['rule']} is broken by {entry['failed']:,} of {entry['checked']:,}{example}{advice}"
    )
