"""The blocks of a page as HTML: figures, charts, tables, words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, Final

import plotly.io
from markdown_it import MarkdownIt

from klineforge.domain.writing import written
from klineforge.measures.registry import metrics
from klineforge.views.page import Block, Chart, Column, Kpi, Notice, Page, Table, Text

ROWS: Final = 25
"""Rows of a table that are printed; the dashboard has all of them."""
_CHART_OPTIONS: Final = {"displayModeBar": False, "responsive": True, "scrollZoom": False}
_ALIGNED_LEFT: Final = frozenset({"text", "time", "date", "spark"})
_SPARK_WIDTH, _SPARK_HEIGHT = 96, 22
_markdown = MarkdownIt("commonmark", {"html": False})


def render_kpi(kpi: Kpi) -> str:
    """One figure at the head of a page, its name leading to its definition."""
    return (
        f'<div class="kpi" data-metric="{escape(kpi.metric)}"><p class="label">{_named(kpi.label, kpi.metric)}</p>'
        f'<p class="figure {kpi.tone}">{escape(kpi.text)}</p><p class="note">{escape(kpi.note)}</p></div>'
    )


def render_block(block: Block, page: str) -> str:
    """One block.

    Args:
        block: What is shown.
        page: Key of its page; with the block's own it names the chart.
    """
    if isinstance(block, Text):
        return f'<div class="words">{_markdown.render(block.markdown)}</div>'
    if isinstance(block, Notice):
        tone = block.tone if block.tone in {"bad", "warn"} else "plain"
        return f'<p class="notice {tone}" role="note">{escape(block.text)}</p>'
    # What is said below a table to choose from is about choosing.
    told = "" if isinstance(block, Table) and block.drill else block.note
    note = f'<p class="note">{escape(told)}</p>' if told else ""
    inner = _chart(block, page) if isinstance(block, Chart) else _table(block)
    return f'<figure class="block"><figcaption>{escape(block.title)}</figcaption>{inner}{note}</figure>'


def used_metrics(page: Page) -> Iterator[str]:
    """Keys in the metric registry of everything a page shows."""
    yield from (kpi.metric for kpi in page.kpis)
    for block in page.blocks():
        if isinstance(block, Chart):
            yield from block.metrics
        if isinstance(block, Chart | Table):
            yield from (column.metric for column in block.columns if column.metric)


def _chart(chart: Chart, page: str) -> str:
    drawn = plotly.io.to_html(
        chart.figure,
        config=_CHART_OPTIONS,
        include_plotlyjs=False,
        full_html=False,
        default_height=f"{chart.height}px",
        div_id=f"{page}-{chart.key}",
    )
    return f'<div class="chart" role="img" aria-label="{escape(chart.alt, quote=True)}">{drawn}</div>'


def _table(table: Table) -> str:
    rows = table.frame.head(ROWS).to_dicts()
    head = "".join(
        f'<th scope="col" class="{_side(column)}">{_named(column.label, column.metric)}</th>'
        for column in table.columns
    )
    body = "".join(f"<tr>{''.join(_cell(row, column) for column in table.columns)}</tr>" for row in rows)
    left = table.frame.height - len(rows)
    more = f'<p class="note">{left:,} more rows are on the page of the dashboard.</p>' if left > 0 else ""
    return f'<div class="rows"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}'


def _cell(row: dict[str, Any], column: Column) -> str:
    value = row[column.name]
    if column.format == "spark":
        return f"<td>{_spark(value)}</td>"
    tone = f" {row[column.tone]}" if column.tone else ""
    bar = ""
    if column.bar and isinstance(value, int | float):
        share = max(0.0, min(1.0, value / column.bar))
        bar = f' style="--bar:{share:.1%}"'
    barred = " bar" if bar else ""
    return f'<td class="{_side(column)}{tone}{barred}"{bar}>{escape(written(value, column.format))}</td>'


def _side(column: Column) -> str:
    return "left" if column.format in _ALIGNED_LEFT else "right"


def _spark(values: Sequence[float | None] | None) -> str:
    """A line through numbers as a small picture; nulls are left out."""
    known = [(place, value) for place, value in enumerate(values or ()) if value is not None]
    if len(known) < 2:
        return ""
    lowest, highest = min(value for _, value in known), max(value for _, value in known)
    width, height = (highest - lowest) or 1.0, _SPARK_HEIGHT - 2
    last = known[-1][0]
    points = " ".join(
        f"{_SPARK_WIDTH * place / last:.1f},{1 + height * (highest - value) / width:.1f}" for place, value in known
    )
    tone = "good" if known[-1][1] >= known[0][1] else "bad"
    return (
        f'<svg class="spark {tone}" width="{_SPARK_WIDTH}" height="{_SPARK_HEIGHT}" role="img" '
        f'aria-label="{written(known[0][1], "price")} to {written(known[-1][1], "price")}">'
        f'<polyline points="{points}"/></svg>'
    )


def _named(label: str, metric: str) -> str:
    """A label that leads to its definition at the end of the report, where it has one."""
    if metric not in metrics():
        return escape(label)
    return f'<a href="#metric-{escape(metric)}">{escape(label)}</a>'
