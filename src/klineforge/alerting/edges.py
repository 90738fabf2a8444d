"""When a figure that crosses a threshold becomes an event: edges with hysteresis and cool-down.

Per subject there is a small machine. It begins armed. It fires at the first hour whose value is at or above ``above``,
and is armed again by an hour whose value is below ``rearm``. After it has fired it is silent for ``cool_down_hours``;
where it has been armed meanwhile and the value is at or above the threshold once these have passed, it fires then.
Hours without a value change nothing.

Such a machine remembers for ever, which would make every run read all of history. So time is cut into periods of four
weeks, the same for everybody, and each period has a machine of its own that begins at the start of the period before.
A run therefore reads between four and eight weeks back, and an hour is judged by the same figures, with the same
outcome, whether it is judged alone, with others, or in a replay of all of history.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final, NamedTuple

import polars as pl

from klineforge.domain.hours import HOUR

PERIOD_HOURS: Final = 4 * 7 * 24
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS = 3_600_000_000
FIGURES: Final = ("exchange", "subject", "hour", "value", "above", "rearm", "cool_down_hours")


def read_from(judged_from: datetime) -> datetime:
    """The first hour whose figures matter to events at ``judged_from`` or later.

    >>> read_from(datetime(1970, 3, 1, tzinfo=UTC)).date().isoformat()
    '1970-01-29'
    """
    period = (judged_from - _EPOCH) // (PERIOD_HOURS * HOUR)
    return _EPOCH + timedelta(hours=(period - 1) * PERIOD_HOURS)


class _Piece(NamedTuple):
    """Hours of one machine and one period that are all at or above the threshold, in order, with none below between.

    Args:
        machine: Number of the machine.
        period: Four weeks the hours lie in, counted from 1970.
        rearmed: Whether an hour below ``rearm`` came just before.
        cool_down: Hours of silence after an event.
        rows: Where the hours stand in the figures.
        hours: The hours, counted from 1970.
    """

    machine: int
    period: int
    rearmed: bool
    cool_down: int
    rows: list[int]
    hours: list[int]


def rising_edges(figures: pl.DataFrame, by: Iterable[str] = ("exchange", "subject")) -> pl.DataFrame:
    """The hours at which machines fire.

    Args:
        figures: The columns ``FIGURES`` and any others, one row per machine and hour; a value that is null, NaN or
            infinite counts as absent. They must reach back to ``read_from`` of the first hour that matters.
        by: The columns that name a machine.

    Returns:
        Those rows of the figures at which a machine fires, in order of hour and machine.
    """
    keys = list(by)
    over = pl.col("value") >= pl.col("above")
    under = pl.col("value") < pl.col("rearm")
    telling = (
        figures.filter(pl.col("value").is_finite() & (over | under))
        .sort(*keys, "hour")
        .with_columns(over=over, at=pl.col("hour").dt.epoch("us") // _MICROSECONDS, machine=pl.struct(keys).rle_id())
        .with_columns(
            period=pl.col("at") // PERIOD_HOURS,
            rearmed=~pl.col("over").shift(1).over("machine").fill_null(value=True),
        )
        .filter("over")
        .with_columns(
            piece=pl.struct("machine", "period", pl.col("rearmed").cast(pl.Int32).cum_sum()).rle_id(),
        )
        .with_row_index("row")
    )
    pieces = (
        telling.group_by("piece", maintain_order=True)
        .agg(
            pl.col("machine").first(),
            pl.col("period").first(),
            pl.col("rearmed").first(),
            pl.col("cool_down_hours").first(),
            pl.col("row"),
            pl.col("at"),
        )
        .drop("piece")
    )
    fired = list(_fired(_Piece(*row) for row in pieces.iter_rows()))
    return telling[sorted(fired)].select(figures.columns).sort("hour", *keys)


def _fired(pieces: Iterable[_Piece]) -> Iterator[int]:
    for _, of_machine in groupby(pieces, key=lambda piece: piece.machine):
        before: list[_Piece] = []
        for period, group in groupby(of_machine, key=lambda piece: piece.period):
            current = list(group)
            former = before if before and before[0].period == period - 1 else []
            yield from _fired_in(period, [*former, *current])
            before = current


def _fired_in(period: int, pieces: Iterable[_Piece]) -> Iterator[int]:
    """Rows at which a machine fires in a period, given the pieces of that period and of the one before."""
    armed = True
    silent_until: int | None = None
    for piece in pieces:
        armed = armed or piece.rearmed
        if not armed:
            continue
        position = 0 if silent_until is None else bisect_left(piece.hours, silent_until)
        if position == len(piece.hours):
            continue
        armed = False
        silent_until = piece.hours[position] + piece.cool_down
        if piece.period == period:
            yield piece.rows[position]
