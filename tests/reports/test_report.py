"""The report of a small lake: the dashboard's figures, in one file that asks for nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import escape, unescape
from pathlib import Path

import pytest

from klineforge.pipelines.report.nodes import check_report_settings, write_report
from klineforge.reports.contents import Contents, draw
from klineforge.reports.pages import VIEWS
from klineforge.reports.settings import parse_report_settings
from klineforge.serving.catalogue import read_catalogue
from klineforge.serving.explanation import UnavailableError
from klineforge.serving.selection import read_selection
from klineforge.serving.warehouse import Warehouse
from klineforge.views.page import Chart, Page
from klineforge.views.pages import build
from klineforge.views.theme import DARK

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def contents(small_lake: Path) -> Contents:
    return draw(Warehouse(small_lake), check_report_settings({"range": "7d"}), VIEWS, NOW)


@pytest.fixture(scope="module")
def document(contents: Contents) -> str:
    files, printed = write_report(contents)
    assert files == printed
    (name,) = files
    assert name == f"klineforge_{contents.newest:%Y-%m-%d_%H00}"
    return files[name]


def test_report_has_the_figures_of_the_dashboard(small_lake: Path, document: str) -> None:
    warehouse = Warehouse(small_lake)
    selection = read_selection({"range": "7d"}, read_catalogue(warehouse)).selection
    for view in VIEWS:
        page = build(view, warehouse, selection, view.options(), DARK)
        assert isinstance(page, Page), page
        (sheet,) = re.findall(
            rf'<section class="sheet" id="{page.key}">.*?(?=<section class="sheet")', document, re.DOTALL
        )
        shown = [unescape(text) for text in re.findall(r'<p class="figure [a-z]+">(.*?)</p>', sheet)]
        assert shown == [kpi.text for kpi in page.kpis]
        charts = [block for block in page.blocks() if isinstance(block, Chart)]
        assert charts
        for chart in charts:
            assert f'id="{page.key}-{chart.key}"' in sheet
            assert escape(chart.alt, quote=True) in sheet


def test_report_opens_offline_and_has_plotly_once(document: str) -> None:
    own = re.sub(r"<script>.*?</script>", "", document, count=1, flags=re.DOTALL)
    assert len(document) - len(own) > 1_000_000
    assert "plotly.js v" not in own
    assert re.findall(r'(?:src|href)\s*=\s*"(?!#)[^"]*"', own) == []
    assert "default-src 'none'" in own


def test_report_says_what_to_think_of_its_figures(contents: Contents, document: str) -> None:
    assert f"as of {contents.newest:%Y-%m-%d %H:%M} UTC" in document
    assert "The market is SIMULATED" in document
    assert "The data are late" in document
    assert "The checks have not been run" in document


def test_report_links_lead_to_definitions_that_are_there(document: str) -> None:
    wanted = set(re.findall(r'href="#(metric-\w+)"', document))
    assert "metric-return_24h" in wanted
    assert wanted <= set(re.findall(r'id="(metric-\w+)"', document))


def test_report_of_a_damaged_table_explains_itself_on_its_page(small_lake: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for layer in ("gold", "marts", "_klineforge"):
        (lake / layer).parent.mkdir(exist_ok=True)
        (lake / layer).symlink_to(small_lake / layer)
    made = draw(Warehouse(lake), parse_report_settings({}), VIEWS, NOW)
    (document,) = write_report(made)[0].values()
    assert "The table fact_1h_klines has not been made yet." in document


def test_report_without_a_lake_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="There is no lake at"):
        draw(Warehouse(tmp_path / "nothing"), parse_report_settings({}), VIEWS, NOW)
