"""What is in a report: the five pages as values, how far they can be trusted, and what its file is called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from klineforge.reports.settings import ReportSettings
from klineforge.serving.catalogue import read_catalogue
from klineforge.serving.explanation import Explanation, UnavailableError
from klineforge.serving.selection import Selection
from klineforge.serving.state import LakeState, read_state
from klineforge.serving.warehouse import Warehouse
from klineforge.views.page import Page
from klineforge.views.pages import View, build
from klineforge.views.theme import THEMES, Theme


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One of the pages.

    Args:
        title: Of the page, whether or not it could be made.
        shown: The page, or why there is none.
    """

    title: str
    shown: Page | Explanation


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """A report.

    Args:
        selection: What it is about.
        state: How far the lake's figures can be trusted.
        newest: Newest hour of the lake, UTC: the report's date.
        theme: Colours.
        parts: The pages in order.
    """

    selection: Selection
    state: LakeState
    newest: datetime
    theme: Theme
    parts: tuple[Part, ...]

    @property
    def name(self) -> str:
        """The file's name without its ending: the same lake and hour give the same name."""
        return f"klineforge_{self.newest:%Y-%m-%d_%H%M}"


def draw(warehouse: Warehouse, settings: ReportSettings, views: Sequence[View[Any]], now: datetime) -> Contents:
    """Make the pages of a report, the same as the dashboard shows with its default options.

    Args:
        warehouse: The lake.
        settings: What the report is about.
        views: Pages in order.
        now: Aware UTC instant: how old the data are.

    Raises:
        UnavailableError: There is no lake, or it has no returns or coins.
        ConfigurationError: The lake has not what was asked for.
    """
    state = read_state(warehouse, now)
    catalogue = read_catalogue(warehouse)
    if state.newest is None:
        raise UnavailableError(state.problem) if state.problem else ValueError("a lake without hours has a problem")
    selection = settings.selection(catalogue)
    theme = THEMES[settings.theme]
    parts = tuple(Part(view.title, build(view, warehouse, selection, view.options(), theme)) for view in views)
    return Contents(selection, state, state.newest, theme, parts)
