"""Every figure of a page has a definition, and every definition can be read in full."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from klineforge.app.definitions import explained
from klineforge.app.pages import PAGES
from klineforge.measures.registry import metrics
from klineforge.serving import Warehouse, read_catalogue, read_selection
from klineforge.views.page import Chart, Page, Table
from klineforge.views.pages import build
from klineforge.views.theme import DARK

Open = Callable[..., AppTest]


def shown_metrics(page: Page) -> set[str]:
    tables = [block for block in page.blocks() if isinstance(block, Chart | Table)]
    columns = {column.metric for table in tables for column in table.columns}
    charts = {metric for block in tables if isinstance(block, Chart) for metric in block.metrics}
    return ({kpi.metric for kpi in page.kpis} | columns | charts) - {""}


@pytest.mark.parametrize("key", [page.view.key for page in PAGES])
def test_every_figure_of_a_page_is_in_the_registry(small_lake: Path, key: str) -> None:
    view = next(page.view for page in PAGES if page.view.key == key)
    warehouse = Warehouse(small_lake)
    selection = read_selection({}, read_catalogue(warehouse)).selection
    page = build(view, warehouse, selection, view.options(), DARK)

    assert isinstance(page, Page)
    assert shown_metrics(page) - set(metrics()) == set()


def test_help_tells_definition_and_formula_and_links_to_more() -> None:
    told = str(explained("rsi_14"))

    assert metrics()["rsi_14"].definition in told
    assert metrics()["rsi_14"].formula in told
    assert "/definitions?metric=rsi_14" in told
    assert explained("nothing") is None


def test_page_of_definitions_shows_the_one_the_link_asks_for_with_its_column() -> None:
    def draw() -> None:
        from klineforge.app.definitions import show_definitions

        show_definitions()

    page = AppTest.from_function(draw, default_timeout=60)
    page.query_params["metric"] = "vwap_deviation"
    page.run()

    assert not page.exception
    assert page.markdown[0].value.startswith("**VWAP deviation**")
    assert "Null where nothing was traded in W" in page.markdown[2].value
    assert len(page.expander) == len(metrics())

    page.text_input[0].set_value("drawdown").run()
    assert 0 < len(page.expander) < len(metrics())
