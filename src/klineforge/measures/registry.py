"""The metric registry: what every figure of the pages means, in one place. Its rows are in ``metrics.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

from klineforge.domain.writing import FORMATS, Format

DOCUMENT: Final = "docs/metrics.md"
PAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "market_pulse": "Market Pulse",
        "coin_deep_dive": "Coin Deep Dive",
        "correlation_portfolio": "Correlation & Portfolio",
        "risk_management": "Risk Management",
        "investment_simulator": "Investment Simulator",
    }
)
"""The five pages, in order: key and title."""
_NEEDED: Final = frozenset({"label", "unit", "format", "definition", "formula", "source", "see", "pages"})
_AGGREGATES: Final = {"mean": "AVERAGE", "sum": "SUM", "least": "MIN", "most": "MAX"}


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure.

    Args:
        key: Name in code.
        label: Name on pages, and of its measure in Power BI; unique.
        unit: What its numbers count.
        format: How it is written.
        definition: What it is, one sentence.
        formula: How it is computed.
        source: ``table.column``, or the module or function that computes it.
        see: Document below ``docs/`` and anchor that describe its source.
        pages: Keys of the pages that show it.
        dax: Measure of Power BI; empty where it has none.
    """

    key: str
    label: str
    unit: str
    format: Format
    definition: str
    formula: str
    source: str
    see: str
    pages: tuple[str, ...]
    dax: str = ""

    @property
    def anchor(self) -> str:
        """Where its own section is: document and anchor, from the root of the project."""
        return f"{DOCUMENT}#{self.key}"

    @property
    def column(self) -> tuple[str, str] | None:
        """Table and column it is read from; None where code computes it."""
        table, _, column = self.source.partition(".")
        return None if table == "klineforge" else (table, column)

    @property
    def explanation(self) -> str:
        """Definition, formula and source as a short paragraph of Markdown."""
        return f"**{self.label}**: {self.definition} `{self.formula}` (from `{self.source}`)"


@cache
def metrics() -> Mapping[str, Metric]:
    """All figures by key, in the order of the registry."""
    text = resources.files("klineforge.measures").joinpath("metrics.toml").read_text(encoding="utf-8")
    return MappingProxyType(parsed(text))


def metric(key: str) -> Metric:
    """The figure with a key.

    Raises:
        KeyError: There is none; the message lists those there are.
    """
    known = metrics()
    if key not in known:
        raise KeyError(f"no metric {key!r} in the registry; known: {', '.join(sorted(known))}")
    return known[key]


def parsed(text: str) -> dict[str, Metric]:
    """Read a registry.

    Args:
        text: TOML with a table per metric.

    Raises:
        ValueError: A metric lacks a field, has one too many, an unknown format or page, or a label twice.
    """
    found = {key: _metric(key, row) for key, row in tomllib.loads(text).items()}
    _refuse_twins(found.values())
    return found


def _metric(key: str, row: Mapping[str, Any]) -> Metric:
    missing, unknown = _NEEDED - set(row), set(row) - _NEEDED - {"dax"}
    if missing or unknown:
        raise ValueError(f"metric {key}: missing {sorted(missing)}, unknown {sorted(unknown)}")
    if row["format"] not in FORMATS:
        raise ValueError(f"metric {key}: format {row['format']!r} is none of {', '.join(FORMATS)}")
    strangers = [page for page in row["pages"] if page not in PAGES]
    if strangers or not row["pages"]:
        raise ValueError(f"metric {key}: pages {row['pages']} must be some of {', '.join(PAGES)}")
    words = {name: row[name] for name in ("label", "unit", "format", "definition", "formula", "source", "see")}
    return Metric(key=key, **words, pages=tuple(row["pages"]), dax=_dax(row.get("dax", ""), row["source"]))


def _dax(short: str, source: str) -> str:
    """A measure in full: an aggregate of the source's column, its value at the newest hour, or what was written."""
    table, _, column = source.partition(".")
    if short in _AGGREGATES:
        return f"{_AGGREGATES[short]}('{table}'[{column}])"
    if short != "latest":
        return short.strip()
    words = column.endswith("_regime")
    value = f"SELECTEDVALUE('{table}'[{column}])" if words else f"AVERAGE('{table}'[{column}])"
    return (
        f"VAR Newest = MAX('{table}'[open_timestamp])\n"
        f"RETURN CALCULATE({value}, REMOVEFILTERS('dim_timestamp'), '{table}'[open_timestamp] = Newest)"
    )


def _refuse_twins(rows: Iterable[Metric]) -> None:
    seen: dict[str, str] = {}
    for row in rows:
        if row.label.casefold() in seen:
            raise ValueError(f"metrics {seen[row.label.casefold()]} and {row.key} have one label, {row.label!r}")
        seen[row.label.casefold()] = row.key
