"""The words of TMDL: names, indentation, text over several lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def name(text: str) -> str:
    """A name as TMDL and DAX want tables written: in quotes unless it is plain.

    >>> name("mart_returns_1h"), name("Net P&L"), name("24h return")
    ('mart_returns_1h', "'Net P&L'", "'24h return'")
    """
    return text if _PLAIN.fullmatch(text) else "'" + text.replace("'", "''") + "'"


def description(text: str, depth: int) -> Iterator[str]:
    """Lines of the description of what follows.

    Args:
        text: One sentence or several.
        depth: Tabs in front.
    """
    for line in text.splitlines():
        yield "\t" * depth + "/// " + line


def property_lines(properties: Iterable[tuple[str, str | None]], depth: int) -> Iterator[str]:
    """Properties, one a line; those whose value is None are flags that stand alone.

    Args:
        properties: Name and value.
        depth: Tabs in front.
    """
    for key, value in properties:
        yield "\t" * depth + (key if value is None else f"{key}: {value}")


def block(text: str, depth: int) -> Iterator[str]:
    """An expression over several lines, indented below what it belongs to.

    Args:
        text: DAX or M.
        depth: Tabs in front.
    """
    for line in text.strip("\n").splitlines():
        yield ("\t" * depth + line) if line.strip() else ""
