"""A page as a value: what is shown, not how. The app and the report render the same one.

A view is a pure function ``(Warehouse, Selection, its own options, Theme) -> Page``. It reads by the warehouse only,
draws with the theme's colours, and raises ``UnavailableError`` where it has nothing to show at all. What it can do
without is a ``Notice`` in its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import plotly.graph_objects as go
import polars as pl

from klineforge.domain.writing import Format, written
from klineforge.serving.explanation import Explanation

Tone = Literal["neutral", "good", "bad", "warn", "accent", "muted"]
"""What a figure means to the reader; the theme has a colour for each."""


@dataclass(frozen=True, slots=True)
class Kpi:
    """One figure at the head of a page.

    Args:
        metric: Key in the metric registry, which has its definition.
        label: What it is called on this page.
        value: The figure itself, unrounded; None where there is none.
        format: How it is written; the unit is part of that.
        tone: What it means.
        note: Context, a few words: ``BTCUSDT, 2026-11-23 03:00``.
    """

    metric: str
    label: str
    value: float | str | None
    format: Format = "number"
    tone: Tone = "neutral"
    note: str = ""

    @property
    def text(self) -> str:
        """The figure in print."""
        return written(self.value, self.format)


@dataclass(frozen=True, slots=True)
class Column:
    """How a column of a table is shown.

    Args:
        name: In the frame.
        label: Heading.
        format: How values are written; ``spark`` draws a list of numbers.
        metric: Key in the metric registry; empty where the heading says all.
        tone: Name of a column of the frame that holds a ``Tone`` per row; empty for none. It is not shown itself.
        bar: Upper end of the bar drawn behind the values; None draws none.
    """

    name: str
    label: str
    format: Format = "text"
    metric: str = ""
    tone: str = ""
    bar: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows to read and to download.

    Args:
        key: Unique on the page; names the downloaded file.
        title: Heading, also for screen readers.
        frame: The rows as figures, unrounded.
        columns: What is shown, in order; other columns of the frame are downloaded only.
        drill: Column that holds a coin; choosing a row leads to the page about it. Empty for none.
        note: A sentence below.
    """

    key: str
    title: str
    frame: pl.DataFrame
    columns: tuple[Column, ...]
    drill: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """A picture, and the rows it was drawn from: they are its alternative for readers of text, and its download.

    Args:
        key: Unique on the page; names the downloaded file.
        title: Heading.
        figure: The picture, in the theme's colours, without a title of its own.
        alt: What it shows, in a sentence or two with the figures that matter.
        frame: The rows as figures, unrounded.
        columns: How the rows are shown as a table.
        metrics: Keys in the metric registry of what is drawn.
        height: Pixels.
        drill: Whether choosing a point, whose ``customdata`` begins with a coin, leads to the page about it.
        note: A sentence below.
    """

    key: str
    title: str
    figure: go.Figure
    alt: str
    frame: pl.DataFrame
    columns: tuple[Column, ...]
    metrics: tuple[str, ...] = ()
    height: int = 320
    drill: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph of Markdown, without headings."""

    markdown: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the reader should know.

    Args:
        text: What.
        tone: ``bad`` for errors, ``warn`` for what limits the figures, else plain.
    """

    text: str
    tone: Tone = "warn"

    @classmethod
    def of(cls, explanation: Explanation) -> Notice:
        """In place of a part that cannot be shown."""
        return cls(str(explanation), "bad" if explanation.reason == "damaged" else "warn")


Block = Chart | Table | Text | Notice


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """Blocks under one heading.

    Args:
        title: Heading.
        blocks: In reading order.
        columns: How many of them stand side by side where there is room.
    """

    title: str
    blocks: tuple[Block, ...]
    columns: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One page.

    Args:
        key: ``market_pulse`` and so on; part of file names.
        title: Heading.
        subtitle: What it is about: coins, hours, interval.
        kpis: Figures at its head.
        sections: The rest.
    """

    key: str
    title: str
    subtitle: str
    kpis: tuple[Kpi, ...] = ()
    sections: tuple[Section, ...] = field(default=())

    def blocks(self) -> Iterator[Block]:
        """Every block in reading order."""
        for section in self.sections:
            yield from section.blocks

    def frames(self) -> dict[str, pl.DataFrame]:
        """What is shown, as rows, by the key of its chart or table."""
        return {block.key: block.frame for block in self.blocks() if isinstance(block, Chart | Table)}

    def kpi(self, metric: str) -> Kpi:
        """The figure of a metric.

        Raises:
            KeyError: When the page does not show it.
        """
        found = next((kpi for kpi in self.kpis if kpi.metric == metric), None)
        if found is None:
            raise KeyError(f"page {self.key} shows no {metric}; it shows {', '.join(kpi.metric for kpi in self.kpis)}")
        return found
