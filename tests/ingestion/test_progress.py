"""Which display of the downloads fits where."""

from __future__ import annotations

import io
import logging
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from klineforge.pipelines.ingestion.progress import LiveBar, LogLines, NotebookLine, progress_display


class Terminal(io.StringIO):
    """Standard error that is a terminal."""

    def isatty(self) -> bool:
        """Whether it is one."""
        return True


class Cell:
    """The output of a notebook's cell."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.made = 0

    def display(self, data: dict[str, str], *, raw: bool, display_id: bool) -> Cell:
        assert raw
        assert display_id
        self.made += 1
        self.update(data, raw=raw)
        return self

    def update(self, data: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.shown.append(data["text/plain"])


def ipython(cell: Cell, **shell: Any) -> Any:
    return SimpleNamespace(get_ipython=lambda: SimpleNamespace(**shell), display=cell)


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Cell:
    """A notebook around the test."""
    cell = Cell()
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setitem(sys.modules, "IPython", ipython(cell, kernel=object()))
    return cell


def test_terminal_has_a_bar_that_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress_display(2) as display:
        assert isinstance(display, LiveBar)
        display.planned("BTCUSDT", 3)


def test_file_has_lines_of_the_log(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    caplog.set_level(logging.INFO)
    with progress_display(2) as display:
        assert isinstance(display, LogLines)
        display._last -= 11
        display.finished_coin("BTCUSDT")
    assert caplog.messages == ["downloading: coins 1/2, files 0/0, rows 0"]


def test_program_that_only_uses_ipython_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setitem(sys.modules, "IPython", ipython(Cell()))
    with progress_display(2) as display:
        assert isinstance(display, LogLines)


def test_notebook_has_one_line_that_is_renewed_and_ends_with_what_was_downloaded(
    cell: Cell, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with progress_display(2) as display:
        assert isinstance(display, NotebookLine)
        for _ in range(2):
            display._last -= 1
            display.finished_task("BTCUSDT", 24)
        display.finished_coin("BTCUSDT")
    assert cell.made == 1
    assert cell.shown == [
        "downloading: coins 0/2, files 1/0, rows 24",
        "downloading: coins 0/2, files 2/0, rows 48",
        "downloaded: coins 1/2, files 2/0, rows 48",
    ]
    assert caplog.messages == []


def test_notebook_shows_nothing_where_there_was_nothing_to_wait_for(cell: Cell) -> None:
    with progress_display(1) as display:
        display.finished_coin("BTCUSDT")
    assert cell.shown == []


def test_notebook_tells_how_far_it_came_when_it_is_interrupted(cell: Cell) -> None:
    def interrupted() -> None:
        with progress_display(1) as display:
            assert isinstance(display, NotebookLine)
            display._last -= 1
            display.finished_task("BTCUSDT", 24)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert cell.shown[-1] == "downloaded: coins 0/1, files 1/0, rows 24"
