"""What a page is made by, and how it is asked for: kept until one of its tables moves on, explained where it fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from klineforge.serving.explanation import Explanation, UnavailableError
from klineforge.serving.selection import Selection
from klineforge.serving.warehouse import Warehouse
from klineforge.views.page import Page
from klineforge.views.theme import Theme

Options = TypeVar("Options")
_SIZE = 4 * 2**20
"""What a page with its charts takes in memory, roughly."""


@dataclass(frozen=True, slots=True)
class View(Generic[Options]):
    """A kind of page.

    Args:
        key: ``market_pulse`` and so on; also its path in the app.
        title: Heading and name in menus.
        purpose: What one sees there, one sentence.
        tables: Every table that ``draw`` reads; the page is made anew when one of them moves on.
        options: Makes the options that are shown first.
        draw: The view itself; pure, options hashable.
    """

    key: str
    title: str
    purpose: str
    tables: tuple[str, ...]
    options: Callable[[], Options]
    draw: Callable[[Warehouse, Selection, Options, Theme], Page]


def build(
    view: View[Options], warehouse: Warehouse, selection: Selection, options: Options, theme: Theme
) -> Page | Explanation:
    """A page, or why there is none. The page is shared: what is in it must not be changed.

    Args:
        view: Which page.
        warehouse: The lake.
        selection: What it is about.
        options: The page's own.
        theme: Colours.
    """
    key = (view.key, selection, options, theme.name)
    try:
        return warehouse.derived(view.tables, key, lambda: view.draw(warehouse, selection, options, theme), size=_SIZE)
    except UnavailableError as problem:
        return problem.explanation
