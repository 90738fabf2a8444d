"""How long the dashboard's pages take on a lake: ``dashboard LAKE PAGE``, in a process that has read nothing yet.

Prints ``read X``, ``page X``, ``again X``, ``other X``, ``all X`` and ``all_again X``, in seconds: reading for the
first look at a page, all of that look, Streamlit's run of the page a second time, with another coin and range that
were never looked at, and over all of history, the first time and later.
"""

from __future__ import annotations

import os
import sys
import time
from statistics import median
from typing import Any

from streamlit.testing.v1 import AppTest

from klineforge.app.launch import LAKE_VARIABLE
from klineforge.app.pages import PAGES
from klineforge.serving.catalogue import read_catalogue
from klineforge.serving.selection import read_selection
from klineforge.serving.warehouse import Warehouse
from klineforge.views.pages import build
from klineforge.views.theme import DARK

_REPEATED = 5
# Every one of them is new to the process.
_OTHERS = (("ETHUSDT", "7d"), ("BNBUSDT", "90d"), ("ADAUSDT", "7d"), ("XRPUSDT", "30d"), ("SOLUSDT", "90d"))


class Timed(Warehouse):
    """A warehouse that adds up how long reading takes."""

    seconds = 0.0

    def _read(self, *arguments: Any) -> Any:
        started = time.perf_counter()
        try:
            return super()._read(*arguments)
        finally:
            self.seconds += time.perf_counter() - started


def main(lake: str, key: str) -> None:
    """Measure one page."""
    page = next(page for page in PAGES if page.view.key == key)
    warehouse = Timed(lake)
    started = time.perf_counter()
    catalogue = read_catalogue(warehouse)
    selection = read_selection({}, catalogue).selection
    build(page.view, warehouse, selection, page.view.options(), DARK)
    print(f"read {warehouse.seconds:.4f}")
    print(f"page {time.perf_counter() - started:.4f}")
    os.environ[LAKE_VARIABLE] = lake
    shown = AppTest.from_function(_draw, kwargs={"key": key}, default_timeout=120).run()
    again = [_seconds(shown) for _ in range(_REPEATED)]
    print(f"again {median(again):.4f}")
    other = []
    for coin, preset in _OTHERS:
        shown.query_params["coin"] = coin
        shown.query_params["range"] = preset
        other.append(_seconds(shown))
    print(f"other {median(other):.4f}")
    shown.query_params["range"] = "all"
    print(f"all {_seconds(shown):.4f}")
    print(f"all_again {median(_seconds(shown) for _ in range(_REPEATED)):.4f}")


def _seconds(shown: AppTest) -> float:
    started = time.perf_counter()
    shown.run()
    if shown.exception or shown.error:
        raise RuntimeError(f"the page failed: {shown.exception or shown.error}")
    return time.perf_counter() - started


def _draw(key: str) -> None:
    from klineforge.app.pages import PAGES
    from klineforge.app.shell import show_view

    show_view(next(page for page in PAGES if page.view.key == key))


if __name__ == "__main__":
    main(*sys.argv[1:])
