"""Results as Markdown, and their place in a document between two markers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.stats import Cost


@dataclass(frozen=True)
class Table:
    """A Markdown table; every row has as many cells as the head."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        lines = [self.head, tuple("---" for _ in self.head), *self.rows]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


@dataclass(frozen=True)
class Section:
    """What one part of the suite found.

    Args:
        part: Name of the part.
        title: Heading.
        body: Paragraphs and tables.
        failures: What a run must not be: sentences; the suite ends with an error when there are any.
    """

    part: str
    title: str
    body: tuple[str | Table, ...]
    failures: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return "\n\n".join([f"### {self.title}", *map(str, self.body), *(f"**{text}**" for text in self.failures)])


COST_HEAD = ("wall, s", "CPU, s", "peak memory, MB", "runs", "other load, cores")


def cost_cells(cost: Cost) -> tuple[str, ...]:
    """Cells of a table under ``COST_HEAD``.

    >>> cost_cells(Cost(9.52, 14.04, 700 * 2**20, 3, (9.4, 9.9)))
    ('9.5 (9.4 to 9.9)', '14.0', '700', '3', '0.0')
    """
    spread = f" ({cost.spread[0]:.1f} to {cost.spread[1]:.1f})" if cost.runs > 1 else ""
    memory, others = f"{cost.memory / 2**20:,.0f}", f"{cost.others:.1f}"
    return f"{cost.wall:.1f}{spread}", f"{cost.cpu:.1f}", memory, str(cost.runs), others


def marked(part: str, text: str) -> str:
    """A text between the markers of its part."""
    return f"{_begin(part)}\n{text.strip()}\n{_end(part)}"


def replaced(document: str, part: str, text: str, order: Sequence[str]) -> str:
    """Put a part's text into a document, in place of what the last run wrote, or where the order wants it.

    Args:
        document: Markdown.
        part: Name of the part.
        text: What to write between its markers.
        order: Names of all parts; a new one goes behind the last of those before it that the document holds, else to
            the end of the document.
    """
    block = marked(part, text)
    there = _block(part)
    if there.search(document):
        return there.sub(lambda _: block, document, count=1)
    for earlier in reversed(order[: order.index(part)]):
        found = _block(earlier).search(document)
        if found:
            return f"{document[: found.end()]}\n\n{block}{document[found.end() :]}"
    return f"{document.rstrip()}\n\n{block}\n"


def bullets(items: Iterable[str]) -> str:
    """A Markdown list."""
    return "\n".join(f"- {item}" for item in items)


def _begin(part: str) -> str:
    return f"<!-- make bench writes from here: {part} -->"


def _end(part: str) -> str:
    return f"<!-- to here: {part} -->"


def _block(part: str) -> re.Pattern[str]:
    return re.compile(f"{re.escape(_begin(part))}.*?{re.escape(_end(part))}", re.DOTALL)
