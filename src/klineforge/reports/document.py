"""A report as one HTML document: everything it needs is in it, and it may load nothing."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import plotly.offline

import klineforge
from klineforge.domain.writing import written
from klineforge.measures.registry import metrics
from klineforge.reports.blocks import render_block, render_kpi, used_metrics
from klineforge.reports.contents import Contents, Part
from klineforge.reports.style import style
from klineforge.serving.explanation import Explanation
from klineforge.views.page import Page, Section

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)
"""What the document may do: run and look as it says itself; load and send nothing."""


def render(contents: Contents) -> str:
    """The document.

    Args:
        contents: The report.

    Returns:
        HTML with plotly.js in it, once.
    """
    title = f"KlineForge report, {written(contents.newest, 'time')} UTC"
    body = "\n".join(
        [
            *(_part(part, number, contents) for number, part in enumerate(contents.parts)),
            _definitions(contents),
        ]
    )
    return f"""<!DOCTYPE html>
<html lang="en" data-theme="{contents.theme.name}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="KlineForge {klineforge.__version__}">
<title>{escape(title)}</title>
<style>{style(contents.theme)}</style>
<script>{plotly.offline.get_plotlyjs()}</script>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def _part(part: Part, number: int, contents: Contents) -> str:
    shown = part.shown
    banners = "".join(_banners(contents))
    head = (
        f'<header><p class="made">KlineForge report, as of {written(contents.newest, "time")} UTC, '
        f"page {number + 1} of {len(contents.parts)}</p>{banners}"
    )
    if isinstance(shown, Explanation):
        told = f'<p class="notice bad" role="note">{escape(str(shown))}</p>'
        return f'<section class="sheet">{head}<h1>{escape(part.title)}</h1></header>{told}</section>'
    kpis = "".join(render_kpi(kpi) for kpi in shown.kpis)
    sections = "".join(_section(section, shown) for section in shown.sections)
    return (
        f'<section class="sheet" id="{shown.key}">{head}<h1>{escape(shown.title)}</h1>'
        f'<p class="about">{escape(shown.subtitle)}</p></header>'
        f'<div class="kpis">{kpis}</div>{sections}</section>'
    )


def _section(section: Section, page: Page) -> str:
    blocks = "".join(render_block(block, page.key) for block in section.blocks)
    wide = f"columns-{min(section.columns, 3)}"
    return f'<section class="part"><h2>{escape(section.title)}</h2><div class="blocks {wide}">{blocks}</div></section>'


def _banners(contents: Contents) -> Iterator[str]:
    state = contents.state
    if state.is_simulated:
        yield '<p class="notice warn">The market is SIMULATED: an exchange inside KlineForge made every price.</p>'
    if state.is_late:
        yield f'<p class="notice warn">The data are late: {state.hours_behind} closed hours are missing.</p>'
    if state.errors:
        yield f'<p class="notice bad">The checks found {state.errors} errors: figures may be wrong.</p>'
    elif state.verdict is None:
        yield '<p class="notice plain">The checks have not been run on this lake.</p>'
    else:
        yield '<p class="notice plain">The newest run of the checks found no errors.</p>'


def _definitions(contents: Contents) -> str:
    pages = [part.shown for part in contents.parts if isinstance(part.shown, Page)]
    known, wanted = metrics(), {key for page in pages for key in used_metrics(page)}
    rows = "".join(
        f'<dt id="metric-{row.key}">{escape(row.label)}</dt>'
        f"<dd>{escape(row.definition)} <code>{escape(row.formula)}</code></dd>"
        for row in known.values()
        if row.key in wanted
    )
    return (
        f'<section class="sheet" id="definitions"><h1>Definitions</h1><dl>{rows}</dl>'
        '<p class="about">Times are UTC and name the start of their hour. No investment advice.</p></section>'
    )
