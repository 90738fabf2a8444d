"""A lake of its own per test, and the app as it would be drawn for a browser."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("streamlit", reason="the extra app is not installed")

import streamlit as st
from app.browsing import browser, seen, served
from streamlit.testing.v1 import AppTest

from klineforge.app.launch import LAKE_VARIABLE

Open = Callable[..., AppTest]

__all__ = ["browser", "seen", "served"]


@pytest.fixture(autouse=True)
def _main_module_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit leaves the page it drew as ``__main__``, which every process started by multiprocessing would run."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture
def lake(small_lake: Path, tmp_path: Path) -> Path:
    """A copy of the small market's lake."""
    return Path(shutil.copytree(small_lake, tmp_path / "lake"))


@pytest.fixture
def open_page(small_lake: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """A function that draws a page, of the small market's lake unless another one is named."""

    def opened(key: str, lake: Path = small_lake, **query: str) -> AppTest:
        monkeypatch.setenv(LAKE_VARIABLE, str(lake))
        drawn = AppTest.from_function(_draw, kwargs={"key": key}, default_timeout=60)
        for name, value in query.items():
            drawn.query_params[name] = value
        return drawn.run()

    st.cache_resource.clear()
    yield opened
    st.cache_resource.clear()


def _draw(key: str) -> None:
    from klineforge.app.pages import PAGES
    from klineforge.app.shell import show_view

    show_view(next(page for page in PAGES if page.view.key == key))
