"""The app around the pages: navigation, controls, banners, and the watch for new commits."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from functools import partial
from typing import Any

import streamlit as st

from klineforge.app.appearance import ICON, theme_named, tone_style
from klineforge.app.banners import show_badge, show_banners, show_explanation
from klineforge.app.controls import chosen
from klineforge.app.definitions import PATH, show_definitions
from klineforge.app.launch import LAKE_VARIABLE
from klineforge.app.pages import PAGES, AppPage
from klineforge.app.rendering import show_page
from klineforge.serving.catalogue import read_catalogue
from klineforge.serving.explanation import Explanation, UnavailableError
from klineforge.serving.state import read_state
from klineforge.serving.warehouse import Warehouse
from klineforge.views.pages import build

logger = logging.getLogger(__name__)

LOOK_EVERY = 30
"""Seconds between two looks whether a table has moved on."""


def show() -> None:
    """Draw the page that the browser asks for."""
    st.set_page_config(page_title="KlineForge", page_icon=ICON, layout="wide")
    pages = {
        page.view.key: st.Page(
            partial(show_view, page),
            title=page.view.title,
            icon=page.icon,
            url_path=page.view.key,
            default=number == 0,
        )
        for number, page in enumerate(PAGES)
    }
    st.session_state["klineforge_pages"] = pages
    st.html(tone_style(theme_named(st.context.theme.type)))
    definitions = st.Page(show_definitions, title="Definitions", icon=":material/menu_book:", url_path=PATH)
    st.navigation([*pages.values(), definitions]).run()


@st.cache_resource(show_spinner=False)
def warehouse_of(lake: str) -> Warehouse:
    """The one warehouse that all sessions share.

    Args:
        lake: Root of the lake.
    """
    return Warehouse(lake)


def show_view(page: AppPage[Any]) -> None:
    """Draw one page with its controls and banners; whatever is wrong with the lake is told instead.

    Args:
        page: Which.
    """
    theme = theme_named(st.context.theme.type)
    warehouse = warehouse_of(os.environ.get(LAKE_VARIABLE, "data"))
    _watch(page.view.tables, warehouse)
    state = read_state(warehouse, datetime.now(UTC))
    show_banners(state)
    try:
        catalogue = read_catalogue(warehouse)
        selection = chosen(catalogue)
        options = page.controls(selection, catalogue)
        with st.spinner("Reading the lake", show_time=False):
            built = build(page.view, warehouse, selection, options, theme)
    except UnavailableError as problem:
        built = problem.explanation
    except Exception:
        logger.exception("the page %s failed", page.view.key)
        st.title(page.view.title, anchor=False)
        st.error(
            "**This page has failed, and that is a fault of KlineForge.** The server's log has the details. What to "
            "do: choose something else, or report it with the log.",
            icon=":material/bug_report:",
        )
        return
    if isinstance(built, Explanation):
        st.title(page.view.title, anchor=False)
        show_explanation(built)
        return
    coin = show_page(built, theme)
    if coin:
        pages = st.session_state["klineforge_pages"]
        st.switch_page(pages["coin_deep_dive"], query_params=selection.about(coin).query())


def _watch(tables: tuple[str, ...], warehouse: Warehouse) -> None:
    """The badge of freshness, which looks again by itself; the page follows when one of its tables has moved on."""
    drawn = tuple(warehouse.edition(table) for table in tables)

    @st.fragment(run_every=LOOK_EVERY)
    def look() -> None:
        show_badge(read_state(warehouse, datetime.now(UTC)))
        if tuple(warehouse.edition(table) for table in tables) != drawn:
            st.rerun(scope="app")

    look()
