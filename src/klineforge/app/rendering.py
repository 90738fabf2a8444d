"""A page as Streamlit elements."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from klineforge.app.data import show_data
from klineforge.app.definitions import explained, explained_all
from klineforge.app.literal import literally
from klineforge.app.tables import show_table
from klineforge.views.page import Block, Chart, Kpi, Notice, Page, Section, Table, Text
from klineforge.views.theme import Theme

_CHART_OPTIONS = {"displayModeBar": False, "responsive": True, "scrollZoom": False}
_NARROWEST_KPI = 150
_ABREAST = 4


def show_page(page: Page, theme: Theme) -> str | None:
    """Draw a page.

    Args:
        page: What is on it.
        theme: Colours.

    Returns:
        The coin that was chosen in one of its tables or charts, whose own page is wanted; else None.
    """
    st.title(page.title, anchor=False)
    st.caption(page.subtitle)
    _show_kpis(page.kpis)
    wanted = None
    for section in page.sections:
        wanted = _show_section(section, page, theme) or wanted
    return wanted


def _show_kpis(kpis: Sequence[Kpi]) -> None:
    with st.grid(min(len(kpis), _ABREAST), min_column_width=_NARROWEST_KPI, gap="small"):
        for number, kpi in enumerate(kpis):
            with st.container(key=f"kpi-{kpi.tone}-{number}-{kpi.metric}", height="stretch"):
                st.metric(
                    kpi.label,
                    kpi.text,
                    kpi.note or None,
                    delta_color="off",
                    delta_arrow="off",
                    border=True,
                    help=explained(kpi.metric),
                    height="stretch",
                )


def _show_section(section: Section, page: Page, theme: Theme) -> str | None:
    st.header(section.title, anchor=False, divider=False)
    if section.columns == 1:
        chosen = [_show_block(block, page, theme) for block in section.blocks]
    else:
        places = st.columns(section.columns, gap="medium")
        chosen = []
        for number, block in enumerate(section.blocks):
            with places[number % section.columns]:
                chosen.append(_show_block(block, page, theme))
    return next((coin for coin in chosen if coin), None)


def _show_block(block: Block, page: Page, theme: Theme) -> str | None:
    if isinstance(block, Text):
        st.markdown(block.markdown)
        return None
    if isinstance(block, Notice):
        {"bad": st.error, "warn": st.warning}.get(block.tone, st.info)(literally(block.text))
        return None
    with st.container(key=f"block-{page.key}-{block.key}"):
        metrics = block.metrics if isinstance(block, Chart) else tuple(c.metric for c in block.columns if c.metric)
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.subheader(block.title, anchor=False, help=explained_all(metrics))
            as_table = show_data(block, page)
        chosen = _show_chart(block, page, as_table=as_table) if isinstance(block, Chart) else None
        if isinstance(block, Table):
            chosen = show_table(block, f"{page.key}-{block.key}", theme)
        if block.note:
            st.caption(block.note)
    return chosen


def _show_chart(chart: Chart, page: Page, *, as_table: bool) -> str | None:
    if as_table:
        rows = Table(chart.key, chart.title, chart.frame, chart.columns)
        return show_table(rows, f"{page.key}-{chart.key}-rows", None)
    key = f"{page.key}-{chart.key}"
    if not chart.drill:
        st.plotly_chart(chart.figure, theme=None, key=key, config=_CHART_OPTIONS, alt=chart.alt)
        return None
    event = st.plotly_chart(
        chart.figure,
        theme=None,
        key=key,
        config=_CHART_OPTIONS,
        alt=chart.alt,
        on_select="rerun",
        selection_mode="points",
    )
    points = event.selection.points if event else []
    data = points[0].get("customdata") if points else None
    return str(data[0]) if data else None
