"""Write ``docs/metrics.md`` from the metric registry: a part of ``make docs``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from klineforge.measures.registry import DOCUMENT, PAGES, Metric, metrics

_PREAMBLE = """# Metrics

Every figure of the dashboard's and the report's five pages. Generated from `src/klineforge/measures/metrics.toml` by
`make docs`; do not edit. `W` is the 24 hours `(t - 24 h, t]`; fractions are written as per cent. Where Power BI has a
measure of the same name, the figure says so; see [powerbi.md](powerbi.md).
"""


def render(rows: Iterable[Metric]) -> str:
    """The whole document: a list per page, then a section per figure.

    Args:
        rows: Figures, in the order they shall have.

    Returns:
        Markdown that ends with a line break.
    """
    figures = list(rows)
    lines = [_PREAMBLE]
    for key, title in PAGES.items():
        named = ", ".join(f"[{row.label}](#{row.key})" for row in figures if key in row.pages)
        lines += [f"- **{title}**: {named}"]
    for row in figures:
        lines += ["", *_section(row)]
    return "\n".join(lines) + "\n"


def _section(row: Metric) -> Iterator[str]:
    yield f"## {row.key}"
    yield ""
    yield f"**{row.label}**, {row.unit}. {row.definition}"
    yield ""
    yield f"- Formula: `{row.formula}`"
    yield f"- From: `{row.source}`, see [{row.see}]({row.see})"
    if row.dax:
        yield "- In Power BI: a measure"


def main(arguments: list[str] | None = None) -> int:
    """Entry point of a part of ``make docs`` and ``make check``.

    Args:
        arguments: Command line after the program's name.

    Returns:
        Exit code: 1 when ``--check`` finds the document out of date.
    """
    parser = argparse.ArgumentParser(prog="python -m klineforge.measures.document", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail when the document is out of date")
    parser.add_argument("--output", type=Path, default=Path(DOCUMENT), help=f"the document, {DOCUMENT} by default")
    chosen = parser.parse_args(arguments)
    text = render(metrics().values())
    if not chosen.check:
        chosen.output.write_text(text, encoding="utf-8")
        return 0
    if chosen.output.is_file() and chosen.output.read_text(encoding="utf-8") == text:
        return 0
    print(f"{chosen.output} does not describe the metric registry as it is; run make docs", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
