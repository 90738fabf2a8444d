"""Faults inside the CSV of archive files (exchange-protocols §1.7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from klineforge.simulator.faults.kinds import Asked, archive_fault, lines_fault

Change = Callable[[list[str], int], str]
"""From all fields of a row and a position among them to the new field there."""

_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)
_BROKEN: Mapping[str, Mapping[int, Change]] = {
    "high_below_low": {2: lambda fields, _: fields[3], 3: lambda fields, _: fields[2]},
    "negative": {4: lambda fields, _: "-" + fields[4]},
    "zero": {4: lambda _fields, _: "0.00000000"},
    "nan": {4: lambda _fields, _: "NaN"},
    "empty": {4: lambda _fields, _: ""},
    "taker": {9: lambda fields, _: "9" + fields[5]},
    "quote": {7: lambda fields, _: "9" + fields[7]},
    "no_trades": {8: lambda _fields, _: "0"},
}


@archive_fault("csv")
def dress(csv: bytes, _asked: Asked, *, form: str = "header") -> bytes:
    """Give the CSV a header, a byte order mark (bom), crlf line ends or blank lines; or all of them."""
    text = csv.decode()
    if form in {"header", "all"}:
        text = f"{_HEADER}\n{text}"
    if form in {"blank", "all"}:
        text = text.replace("\n", "\n\n", 1) + "\n"
    if form in {"crlf", "all"}:
        text = text.replace("\n", "\r\n")
    return (("\ufeff" if form in {"bom", "all"} else "") + text).encode()


@lines_fault
def repeat(lines: list[str], _asked: Asked, *, first: int = 2, rows: int = 3, copies: int = 3) -> list[str]:
    """Have a block of rows several times over."""
    return lines[:first] + lines[first : first + rows] * copies + lines[first + rows :]


@lines_fault
def disorder(lines: list[str], _asked: Asked) -> list[str]:
    """Have the rows backwards."""
    return lines[::-1]


@lines_fault
def conflict(lines: list[str], _asked: Asked, *, row: int = 3) -> list[str]:
    """Have a row a second time, first with half its volumes."""
    return [*lines[:row], _edited(lines[row], {5: _half, 9: _half}), *lines[row:]]


@lines_fault
def merge(lines: list[str], _asked: Asked, *, row: int = 3) -> list[str]:
    """Have two rows on one line."""
    return [*lines[:row], lines[row] + lines[row + 1], *lines[row + 2 :]]


@lines_fault
def cut_line(lines: list[str], _asked: Asked) -> list[str]:
    """End in the middle of the last line."""
    return [*lines[:-1], lines[-1][:40]]


@lines_fault
def shift(lines: list[str], _asked: Asked, *, first: int = 5, rows: int = 3, seconds: float = 1694.789) -> list[str]:
    """Have rows that open and close that many seconds too late."""
    moved = {0: _later(seconds), 6: _later(seconds)}
    return lines[:first] + [_edited(line, moved) for line in lines[first : first + rows]] + lines[first + rows :]


@lines_fault
def close_early(lines: list[str], _asked: Asked, *, row: int = 5, seconds: float = 4400.0) -> list[str]:
    """Have a row whose close time is that many seconds too early; above 3600 it closes before it opens."""
    return [*lines[:row], _edited(lines[row], {6: _later(-seconds)}), *lines[row + 1 :]]


@lines_fault
def unit(lines: list[str], _asked: Asked, *, first: int = 5, rows: int = 3) -> list[str]:
    """Give the times of some rows in the other unit: microseconds among milliseconds, or the reverse."""

    def other(fields: list[str], position: int) -> str:
        finer = "999" if position == 6 else "000"
        return fields[position] + finer if len(fields[position]) < 16 else fields[position][:-3]

    swapped: dict[int, Change] = {0: other, 6: other}
    return lines[:first] + [_edited(line, swapped) for line in lines[first : first + rows]] + lines[first + rows :]


@lines_fault
def stray(lines: list[str], _asked: Asked, *, row: int = 3, days: float = 400.0) -> list[str]:
    """Have one more row whose time lies that many days outside the file."""
    away = _later(days * 86400)
    return [*lines[:row], _edited(lines[row], {0: away, 6: away}), *lines[row:]]


@lines_fault
def partial(lines: list[str], _asked: Asked, *, rows: int = 7) -> list[str]:
    """Have the first rows only."""
    return lines[:rows]


@lines_fault
def lack(lines: list[str], _asked: Asked, *, first: int = 5, rows: int = 2) -> list[str]:
    """Lack some rows in the middle."""
    return lines[:first] + lines[first + rows :]


@lines_fault
def differ(lines: list[str], _asked: Asked, *, first: int = 4, rows: int = 2) -> list[str]:
    """Have rows with half the volume that others say."""
    halved = {5: _half, 9: _half}
    return lines[:first] + [_edited(line, halved) for line in lines[first : first + rows]] + lines[first + rows :]


@lines_fault
def broken(lines: list[str], _asked: Asked, *, rule: str = "high_below_low", row: int = 4) -> list[str]:
    """Have a row that breaks a rule: high_below_low, negative, zero, nan, empty, taker, quote or no_trades."""
    return [*lines[:row], _edited(lines[row], _BROKEN.get(rule, {})), *lines[row + 1 :]]


def _edited(line: str, changes: Mapping[int, Change]) -> str:
    """A line with some fields replaced; each change sees the fields as they were."""
    fields = line.split(",")
    edited = [changes[at](fields, at) if at in changes else field for at, field in enumerate(fields)]
    return ",".join(edited)


def _later(seconds: float) -> Change:
    """Move a time, in whatever unit it is."""

    def moved(fields: list[str], position: int) -> str:
        unit = 1000 if len(fields[position]) < 16 else 1_000_000
        return str(int(fields[position]) + round(seconds * unit))

    return moved


def _half(fields: list[str], position: int) -> str:
    return f"{Decimal(fields[position]) / 2:.8f}"
