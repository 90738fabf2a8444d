"""What a project refers to: every field of a visual and of a measure has to be in the model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_COLUMN: Final = re.compile(r"'([^']+)'\[([^\]]+)\]")
_ALONE: Final = re.compile(r"(?<!')\[([^\]]+)\]")
_TEXT: Final = re.compile(r'"[^"]*"')
_PAIRS: Final = ("()", "[]", "{}")
Fields = Mapping[str, set[str]]


def unknown_in_measure(dax: str, known: Fields, measures: set[str]) -> list[str]:
    """What a measure refers to and the model has not.

    >>> unknown_in_measure("SUM('t'[a]) + [M] + [@own]", {"t": {"b"}}, {"N"})
    ["'t'[a]", '[M]']

    Args:
        dax: The measure. Columns that a query makes itself begin with ``@``.
        known: Columns by table.
        measures: Names of measures.
    """
    bare = _TEXT.sub('""', dax)
    columns = _COLUMN.findall(bare)
    missing = [f"'{table}'[{column}]" for table, column in columns if column not in known.get(table, set())]
    alone = _ALONE.findall(_COLUMN.sub("", bare))
    return missing + [f"[{name}]" for name in alone if name not in measures and not name.startswith("@")]


def unbalanced(dax: str) -> str | None:
    """The first bracket or quote of a measure that is not closed; None where all are.

    >>> unbalanced("SUM('t'[a])"), unbalanced("(1"), unbalanced('"x')
    (None, '(', '"')
    """
    if dax.count('"') % 2:
        return '"'
    bare = _TEXT.sub("", dax)
    waiting: list[str] = []
    for sign in bare:
        for opening, closing in _PAIRS:
            if sign == opening:
                waiting.append(opening)
            elif sign == closing and (not waiting or waiting.pop() != opening):
                return closing
    return waiting[0] if waiting else None


def unknown_in_visual(document: str, known: Fields) -> list[str]:
    """Fields of a visual that the model has not.

    Args:
        document: Text of ``visual.json``.
        known: Columns and measures by table.
    """
    return [f"{table}.{name}" for table, name in _fields(json.loads(document)) if name not in known.get(table, set())]


def _fields(part: Any) -> Iterator[tuple[str, str]]:  # JSON
    if isinstance(part, list):
        for item in part:
            yield from _fields(item)
    if isinstance(part, dict):
        if "Property" in part and "Expression" in part:
            yield part["Expression"]["SourceRef"]["Entity"], part["Property"]
        for item in part.values():
            yield from _fields(item)
