"""Write ``docs/data-dictionary.md`` from the table contracts: the module behind ``make docs``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

from klineforge.contracts import CONTRACTS
from klineforge.domain.contract import Column, Layer, TableContract

DOCUMENT = Path("docs") / "data-dictionary.md"
_PREAMBLE = """# Data dictionary

Generated from the contracts in `src/klineforge/contracts/` by `make docs`; do not edit. Times are UTC and name the
start of what they stand for; ranges are half-open. A column without a meaning of null is never null. Accepted values
and checks are Delta constraints: a write that breaks one fails as a whole.
"""


def render(contracts: Iterable[TableContract]) -> str:
    """The whole document, tables in the order of their layers.

    Args:
        contracts: Tables to describe, in the order they shall have within a layer.

    Returns:
        Markdown that ends with a line break.
    """
    tables = list(contracts)
    lines = [_PREAMBLE]
    for layer in get_args(Layer):
        members = [table for table in tables if table.layer == layer]
        if members:
            lines += [f"## {layer.capitalize()}", ""]
        for table in members:
            lines += [*_table(table), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(table: TableContract) -> Iterator[str]:
    yield f"### {table.name}"
    yield ""
    yield table.description
    yield ""
    yield f"- **Grain:** {_names(table.grain)}"
    if table.source:
        yield f"- **Made from:** {table.source}"
    yield f"- **Layout:** {_layout(table)}"
    for name, expression in table.checks:
        yield f"- **Check** `{name}`: `{expression}`"
    for link in table.foreign_keys:
        yield f"- **Refers to:** `{link.table}` by {_names(link.columns)}"
    if table.rows_per_day is not None:
        yield f"- **Rows per day:** {table.rows_per_day} of each subject at most, and mostly"
    if table.fresh_hours is not None:
        yield f"- **Fresh:** the newest row is at most {table.fresh_hours} hours old where the lake is kept up to date"
    yield ""
    yield "| column | type | meaning | unit | null means | accepted values, check |"
    yield "|---|---|---|---|---|---|"
    for column in table.all_columns:
        yield _row(column)


def _layout(table: TableContract) -> str:
    parts = [f"partitioned by the year of `{table.time_column}`"] if table.partitioned else []
    if table.sort_by:
        parts.append(f"sorted by {_names(table.sort_by)} inside a file")
    return "; ".join(parts) or "one folder, no order"


def _row(column: Column) -> str:
    accepted = ", ".join(f"`{value}`" for value in column.accepted) or (f"`{column.check}`" if column.check else "")
    cells = (f"`{column.name}`", column.type, column.comment, column.unit or "", column.null_means or "", accepted)
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def main(arguments: list[str] | None = None) -> int:
    """Entry point of ``make docs`` and of its part of ``make check``.

    Args:
        arguments: Command line after the program's name.

    Returns:
        Exit code: 1 when ``--check`` finds the document out of date.
    """
    parser = argparse.ArgumentParser(prog="python -m klineforge.reporting.data_dictionary", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail when the document is out of date")
    parser.add_argument("--output", type=Path, default=DOCUMENT, help=f"the document, {DOCUMENT} by default")
    chosen = parser.parse_args(arguments)
    text = render(CONTRACTS.values())
    if not chosen.check:
        chosen.output.parent.mkdir(parents=True, exist_ok=True)
        chosen.output.write_text(text, encoding="utf-8")
        return 0
    if chosen.output.is_file() and chosen.output.read_text(encoding="utf-8") == text:
        return 0
    print(f"{chosen.output} does not describe the table contracts as they are; run make docs", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
