"""A short way for archive files without an oddity, which are nearly all of them.

Both functions give what ``parse_csv`` gives and leave every file that looks unusual to it. They differ in what they
cost: whoever only counts the candles of a file needs no table of it, and one large text is read faster than many small
ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from klineforge.contracts.bronze import KLINE_FIELDS
from klineforge.exchanges.binance.epochs import Int64s
from klineforge.exchanges.binance.parse import (
    CONVERT_FIELDS,
    SPLIT_FIELDS,
    body_of,
    parse_csv,
    with_positions,
)
from klineforge.exchanges.binance.wire import INTEGER_FIELDS

_NEWLINE: Final = 10
_COMMA: Final = 44
_ZERO: Final = 48
_MARKS: Final = np.array([_COMMA] * (len(KLINE_FIELDS) - 1) + [_NEWLINE], dtype=np.uint8)
_INTEGER_PLACES: Final = [place for place, name in enumerate(KLINE_FIELDS) if name in INTEGER_FIELDS]
# Every number of so many figures fits into 64 bits.
_MOST_FIGURES: Final = 18
_POWERS: Final = 10 ** np.arange(_MOST_FIGURES, dtype=np.int64)[::-1]
_BLOCK_BYTES: Final = 1 << 20


def clean_open_times(content: bytes) -> Int64s | None:
    """The open times, as sent, of a file in which every record is readable.

    Returns:
        One per record in file order; None when the file has to be looked at record by record.
    """
    body = body_of(content)
    if not body or not body.isascii() or b"\r" in body:
        return None
    text = np.frombuffer(body if body.endswith(b"\n") else body + b"\n", dtype=np.uint8)
    marks = np.flatnonzero((text == _NEWLINE) | (text == _COMMA))
    if len(marks) % len(_MARKS):
        return None
    ends = marks.reshape(-1, len(_MARKS))
    if not (text[ends] == _MARKS).all():
        return None
    starts = np.concatenate(([0], marks[:-1] + 1)).reshape(ends.shape)
    numbers = [_whole_numbers(text, starts[:, place], ends[:, place]) for place in _INTEGER_PLACES]
    return None if any(column is None for column in numbers) else numbers[0]


def _whole_numbers(text: npt.NDArray[np.uint8], starts: Int64s, ends: Int64s) -> Int64s | None:
    """The fields from ``starts`` to ``ends`` as numbers; None when one of them is not made of a few figures alone."""
    widths = ends - starts
    widest = int(widths.max())
    if int(widths.min()) < 1 or widest > _MOST_FIGURES:
        return None
    places = ends[:, np.newaxis] - np.arange(widest, 0, -1)
    before = places < starts[:, np.newaxis]
    # Below the figures lie larger numbers: bytes wrap around.
    figures = text[places] - np.uint8(_ZERO)
    figures[before] = 0
    return None if (figures > 9).any() else figures @ _POWERS[-widest:]


def parse_csvs(contents: Sequence[bytes]) -> list[pa.Table]:
    """Read the CSVs of several archive files.

    Returns:
        For each what ``parse_csv`` gives (``wire.RECORD_SCHEMA``).
    """
    bodies = [body_of(content) for content in contents]
    tidy = [_is_tidy(body) for body in bodies]
    together = _read_together([body for body, is_tidy in zip(bodies, tidy, strict=True) if is_tidy])
    if together is None:
        return [parse_csv(content) for content in contents]
    quick = iter(together)
    return [next(quick) if is_tidy else parse_csv(content) for content, is_tidy in zip(contents, tidy, strict=True)]


def _is_tidy(body: bytes) -> bool:
    """Whether line ends are plain, the last one included, and no number can be mistaken for a hexadecimal one."""
    odd = b"\r" in body or b"x" in body or b"X" in body
    return body.endswith(b"\n") and body.isascii() and not odd


def _read_together(bodies: Sequence[bytes]) -> list[pa.Table] | None:
    """The records of each of some tidy bodies; None when some line of one of them is blank or not clean."""
    if not bodies:
        return []
    options = pacsv.ReadOptions(use_threads=False, column_names=list(KLINE_FIELDS), block_size=_BLOCK_BYTES)
    try:
        fields = pacsv.read_csv(pa.BufferReader(b"".join(bodies)), options, SPLIT_FIELDS, CONVERT_FIELDS)
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None
    counts = [int(np.count_nonzero(np.frombuffer(body, dtype=np.uint8) == _NEWLINE)) for body in bodies]
    firsts = [0, *np.cumsum(counts)]
    # No line holds more than one record, so as many of both means one in each: no blank line in any of them.
    if fields.num_rows != firsts[-1]:
        return None
    return [with_positions(fields.slice(first, count)) for first, count in zip(firsts, counts, strict=False)]
