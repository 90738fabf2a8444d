"""Nodes of the report pipeline. What draws is imported when it is needed: plotly is of the extra ``app``."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from klineforge.datasets.run_context import RunContext
from klineforge.errors import ConfigurationError
from klineforge.lake.table import LakeTable
from klineforge.reports.settings import ReportSettings, parse_report_settings
from klineforge.serving.warehouse import Warehouse

if TYPE_CHECKING:
    from klineforge.reports.contents import Contents
else:
    # Kedro reads the annotations of nodes when the project is loaded, with plotly or without.
    Contents = object


def check_report_settings(parameters: Mapping[str, Any]) -> ReportSettings:
    """Read what the report shall be about, before anything is drawn.

    Raises:
        ConfigurationError: A parameter cannot be used, or what draws is not installed.
    """
    if find_spec("plotly") is None:
        raise ConfigurationError(
            'the report needs plotly, which is not installed: pip install "klineforge[app]", or make setup'
        )
    return parse_report_settings(parameters)


def draw_report(settings: ReportSettings, lake: Warehouse, context: RunContext, *tables: LakeTable) -> Contents:  # noqa: ARG001
    """Make the pages.

    Args:
        settings: What they are about.
        lake: Where they read.
        context: The run, for its time.
        tables: What they read, for the picture of the pipelines; the lake opens them itself.
    """
    from klineforge.reports.contents import draw  # the extra app
    from klineforge.reports.pages import VIEWS  # the extra app

    return draw(lake, settings, VIEWS, context.now)


def write_report(contents: Contents) -> tuple[dict[str, str], dict[str, str]]:
    """The report as one HTML document, by the name of its file.

    Returns:
        What is written as it is, and the same to be printed.
    """
    from klineforge.reports.document import render  # the extra app

    document = {contents.name: render(contents)}
    return document, document
