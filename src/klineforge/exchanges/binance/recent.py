"""Comparing a candle as sent now with the same candle as sent before."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

import pyarrow as pa

from klineforge.contracts.bronze import KLINE_FIELDS
from klineforge.exchanges.coverage import RawCandle

# The twelfth field carries nothing.
COMPARED_FIELDS: Final = KLINE_FIELDS[:-1]
_EPOCHS: Final = frozenset({"open_time", "close_time"})
_MICROSECONDS_FROM: Final = 10**14


def raw_candle(records: pa.Table, row: int) -> RawCandle:
    """The meaningful fields of one record, as sent; epochs in milliseconds."""
    return normalised_candle(tuple(records.column(name)[row].as_py() for name in COMPARED_FIELDS))


def normalised_candle(values: tuple[int | str | None, ...]) -> RawCandle:
    """Fields in the order of ``COMPARED_FIELDS`` with epochs in milliseconds whatever unit they were sent in."""
    return tuple(
        value // 1000 if name in _EPOCHS and isinstance(value, int) and value >= _MICROSECONDS_FROM else value
        for name, value in zip(COMPARED_FIELDS, values, strict=True)
    )


def same_candle(one: RawCandle, other: RawCandle) -> bool:
    """Whether two revisions say the same; numbers are compared by value, so ``1.0`` equals ``1.00000000``."""
    return all(left == right or _same_number(left, right) for left, right in zip(one, other, strict=True))


def _same_number(left: int | str | None, right: int | str | None) -> bool:
    if left is None or right is None:
        return False
    try:
        return Decimal(left) == Decimal(right)
    except InvalidOperation:
        # Not numbers: then only equal text is the same.
        return False
