"""The console reports are printed on: colours on a terminal, plain text in a log."""

from __future__ import annotations

import os
from typing import IO

from rich.console import Console

_LOG_WIDTH = 120


def report_console(file: IO[str] | None = None) -> Console:
    """A console for reports.

    Args:
        file: Where to print; standard output by default.

    Returns:
        A console without colours when ``NO_COLOR`` is set or the output is not a terminal; there, lines may be 120
        characters long instead of rich's 80, so that tables keep their columns in a log.
    """
    console = Console(file=file, highlight=False, emoji=False, markup=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _LOG_WIDTH
    return console
