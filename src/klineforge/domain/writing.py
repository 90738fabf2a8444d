"""Figures in print: every page, report and document writes the same value the same way."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Final, Literal, get_args

Format = Literal[
    "percent",
    "signed_percent",
    "correlation",
    "ratio",
    "number",
    "integer",
    "price",
    "money",
    "compact",
    "hours",
    "time",
    "date",
    "text",
    "spark",
]
"""How a figure is written. Percentages are of fractions: 0.01 is one per cent. ``spark``: a list of numbers, drawn."""
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
NOTHING: Final = "-"
"""In place of a figure that is null."""
_UNITS: Final = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def written(value: object, how: Format) -> str:
    """A value in print, in English notation; a minus sign is a hyphen, so that it can be copied.

    >>> written(-0.01234, "signed_percent"), written(0.5, "percent"), written(None, "price")
    ('-1.23 %', '50.00 %', '-')
    >>> written(64123.456, "price"), written(0.00001234, "price"), written(1234567.0, "compact")
    ('64,123.46', '0.00001234', '1.23 M')

    Args:
        value: A number, text, date or instant (UTC); null and not-a-number are ``NOTHING``.
        how: How to write it.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return NOTHING
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}" if how == "date" else f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float) and how not in {"text", "spark"}:
        return _number(float(value), how)
    return str(value)


def _number(value: float, how: Format) -> str:
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return _WRITERS.get(how, _plain)(value)


def price(value: float) -> str:
    """A price with as many digits as it needs: two behind the point from 100 on, at least four that count below.

    >>> price(3.14159), price(0.0721)
    ('3.142', '0.07210')
    """
    if value == 0 or abs(value) >= 100:
        return f"{value:,.2f}"
    digits = 3 - math.floor(math.log10(abs(value)))
    return f"{value:,.{max(2, digits)}f}"


def _compact(value: float) -> str:
    for size, unit in _UNITS:
        if abs(value) >= size:
            return f"{value / size:,.2f} {unit}"
    return _plain(value)


def _plain(value: float) -> str:
    return f"{_unsigned_zero(value, 2):,.2f}"


def _unsigned_zero(value: float, digits: int) -> float:
    """Without the sign of a zero that rounding made."""
    return 0.0 if round(value, digits) == 0 else value


_WRITERS: Final[Mapping[Format, Callable[[float], str]]] = {
    "percent": lambda value: f"{_unsigned_zero(value * 100, 2):,.2f} %",
    "signed_percent": lambda value: f"{_unsigned_zero(value * 100, 2):+,.2f} %",
    "correlation": lambda value: f"{_unsigned_zero(value, 2):+.2f}",
    "integer": lambda value: f"{value:,.0f}",
    "hours": lambda value: f"{value:,.0f} h",
    "price": price,
    "compact": _compact,
}
