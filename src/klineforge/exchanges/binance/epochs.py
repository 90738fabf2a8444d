"""Open times as sent, in milliseconds or microseconds, to hours. The unit is told per value (facts: both occur)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from klineforge.domain.hours import RangeSet, Span

Int64s = npt.NDArray[np.int64]

_MILLISECONDS: Final = (10**11, 10**14)
_MICROSECONDS: Final = (10**14, 10**17)
_HOUR_US: Final = 3_600_000_000
UNREADABLE: Final = np.int64(-1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def open_micros(records: pa.Table) -> Int64s:
    """Open times in epoch microseconds, row by row; ``UNREADABLE`` where there is none or its unit is unknown."""
    opened = records.column("open_time")
    filled = opened.fill_null(0) if opened.null_count else opened
    return micros_of(filled.to_numpy().astype(np.int64, copy=False))


def micros_of(values: Int64s) -> Int64s:
    """Open times as sent in epoch microseconds; ``UNREADABLE`` where the unit is unknown."""
    micros = np.full(len(values), UNREADABLE, dtype=np.int64)
    in_ms = (values >= _MILLISECONDS[0]) & (values < _MILLISECONDS[1])
    in_us = (values >= _MICROSECONDS[0]) & (values < _MICROSECONDS[1])
    micros[in_ms] = values[in_ms] * 1000
    micros[in_us] = values[in_us]
    return micros


def inside(micros: Int64s, span: Span) -> npt.NDArray[np.bool_]:
    """Which instants lie in a span."""
    return (micros >= to_micros(span.start)) & (micros < to_micros(span.end))


def hours_of(micros: Int64s) -> RangeSet:
    """The UTC hours that hold the instants; unreadable ones are left out."""
    hours = micros[micros != UNREADABLE] // _HOUR_US
    if not len(hours):
        return ()
    if not (np.diff(hours) > 0).all():
        hours = np.unique(hours)
    breaks = np.flatnonzero(np.diff(hours) != 1)
    firsts = np.concatenate(([0], breaks + 1))
    lasts = np.concatenate((breaks, [len(hours) - 1]))
    return tuple(
        Span(to_instant(int(hours[first]) * _HOUR_US), to_instant((int(hours[last]) + 1) * _HOUR_US))
        for first, last in zip(firsts, lasts, strict=True)
    )


def to_micros(instant: datetime) -> int:
    """Epoch microseconds of an instant, exactly."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def to_millis(instant: datetime) -> int:
    """Epoch milliseconds of an instant."""
    return to_micros(instant) // 1000


def to_instant(micros: int) -> datetime:
    """The UTC instant of epoch microseconds."""
    return _EPOCH + timedelta(microseconds=micros)
