"""The rows of ``mart_correlations`` straight from closes, as a stream of record batches: whole tables without Spark.

The same rows as the window functions of :mod:`klineforge.tables.correlations`, the reference; a property test holds the
two equal. Hours are taken a part of a year at a time, so that memory depends neither on the length of history nor,
beyond one block of hours, on the number of pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from klineforge.formulas.correlation import BREAKDOWN_CHANGE, REGIME_FLOORS, ROUNDING
from klineforge.kernels.correlation import WINDOW, Flags, Floats, Positions, hourly_returns, rolling_correlations

# An alert at t compares with t - 1 h, whose window needs returns of 24 hours, the first from a close an hour earlier.
MARGIN_HOURS = WINDOW + 1
_CELLS_PER_PART = 6_000_000
_ROWS_PER_BATCH = 200_000
_BYTES_PER_BLOCK = 32_000_000
_MICROSECONDS = 3_600_000_000

CANDLE_COLUMNS = ("exchange", "coin", "listing_seq", "open_timestamp", "close_price")
# From the weakest on, for codes that count how many floors a correlation reaches.
_REGIMES = ("Uncorrelated", *(name for name, _ in reversed(REGIME_FLOORS)))

ROWS = pa.schema(
    [
        pa.field("exchange", pa.string(), nullable=False),
        pa.field("base_coin", pa.string(), nullable=False),
        pa.field("related_coin", pa.string(), nullable=False),
        pa.field("open_timestamp", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("corr_24h", pa.float64()),
        pa.field("observations_24h", pa.int32(), nullable=False),
        pa.field("correlation_regime", pa.string()),
        pa.field("corr_breakdown_alerts", pa.bool_(), nullable=False),
        pa.field("year", pa.int32(), nullable=False),
    ]
)


def correlation_rows(candles: pa.Table, min_observations: int) -> pa.RecordBatchReader:
    """Correlate the returns of every pair of coins over the trailing day.

    Args:
        candles: ``exchange``, ``coin``, ``listing_seq``, ``open_timestamp`` on the hour in UTC and ``close_price``;
            other columns are not looked at. One row per exchange, coin and open time, in any order.
        min_observations: Hours with both returns below which a correlation is null, 2 to 24.

    Returns:
        ``mart_correlations`` as :data:`ROWS`, by year, part of the year, exchange, pair of listings and time.
    """
    grids = _grids(candles)
    return pa.RecordBatchReader.from_batches(ROWS, _batches(grids, min_observations))


@dataclass(frozen=True)
class _Grid:
    """Closes of one exchange, a column per listing.

    Args:
        exchange: Its code.
        coins: Coin of each column, in alphabetical order; one that has named several assets has a column for each.
        first: Hour since 1970 of the first candle.
        close: ``(25 + hours, n)``, NaN where there is no candle; begins 25 hours before ``first``.
    """

    exchange: str
    coins: list[str]
    first: int
    close: Floats

    @property
    def pairs(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Positions of the pairs' coins, in order."""
        one, two = np.triu_indices(len(self.coins), 1)
        return one, two


@dataclass(frozen=True)
class _Cells:
    """All pairs over a part of a year and the hour before it.

    Args:
        start: Hour since 1970 of the part's first hour, the second column of the matrices.
        present: ``(pairs, 1 + hours)``, whether both coins have a candle.
        correlation: Of the same shape; NaN where null or not present.
        observations: Of the same shape.
    """

    start: int
    present: Flags
    correlation: Floats
    observations: NDArray[np.int8]


def _grids(candles: pa.Table) -> list[_Grid]:
    exchange = candles["exchange"].combine_chunks().dictionary_encode()
    hour = candles["open_timestamp"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy() // _MICROSECONDS
    close = candles["close_price"].to_numpy()
    names, ranks = listings_in_order(candles["coin"], candles["listing_seq"])
    owners = exchange.indices.to_numpy()
    grids = []
    for owner, code in sorted(enumerate(exchange.dictionary.to_pylist()), key=lambda item: str(item[1])):
        own = owners == owner
        coins, columns = np.unique(ranks[own], return_inverse=True)
        first, last = int(hour[own].min()), int(hour[own].max())
        grid = np.full((MARGIN_HOURS + last - first + 1, len(coins)), np.nan)
        grid[MARGIN_HOURS + hour[own] - first, columns] = close[own]
        grids.append(_Grid(str(code), [names[rank] for rank in coins], first, grid))
    return grids


def listings_in_order(coin: pa.ChunkedArray, listing_seq: pa.ChunkedArray) -> tuple[list[str], Positions]:
    """Number the listings of candles by coin and sequence.

    Args:
        coin: Coin of each candle.
        listing_seq: Which of the coin's listings it belongs to, of the same length.

    Returns:
        The coin of each listing, in order, and each candle's position in that list.
    """
    encoded = coin.combine_chunks().dictionary_encode()
    names: list[str] = encoded.dictionary.to_pylist()
    in_order = sorted(range(len(names)), key=lambda code: names[code])
    sequence = listing_seq.to_numpy().astype(np.int64)
    most = int(sequence.max(initial=0)) + 1
    codes = np.argsort(in_order)[encoded.indices.to_numpy()] * most + sequence
    listings, positions = np.unique(codes, return_inverse=True)
    return [names[in_order[code // most]] for code in listings], positions


def _batches(grids: list[_Grid], min_observations: int) -> Iterator[pa.RecordBatch]:
    parts = [(*part, grid) for grid in grids for part in _parts(grid)]
    for year, start, end, grid in sorted(parts, key=lambda part: part[:2]):
        yield from _rows(grid, year, _cells(grid, start, end, min_observations))


def _parts(grid: _Grid) -> Iterator[tuple[int, int, int]]:
    """Year, first hour and end of ranges of hours, none of which has more cells than memory should hold."""
    hours = np.arange(grid.first, grid.first + len(grid.close) - MARGIN_HOURS)
    years = hours.astype("datetime64[h]").astype("datetime64[Y]").astype(np.int64) + 1970
    pairs = max(1, len(grid.pairs[0]))
    for year in np.unique(years):
        of_year = hours[years == year]
        number = -(-of_year.size * pairs // _CELLS_PER_PART)
        for part in np.array_split(of_year, min(number, of_year.size)):
            yield int(year), int(part[0]), int(part[-1]) + 1


def _cells(grid: _Grid, start: int, end: int, min_observations: int) -> _Cells:
    one, two = grid.pairs
    shape = (len(one), end - start + 1)
    cells = _Cells(start, np.empty(shape, bool), np.empty(shape), np.empty(shape, np.int8))
    coins = len(grid.coins)
    upper = one * coins + two
    step = max(1, _BYTES_PER_BLOCK // (8 * coins * (coins + WINDOW)))
    for first in range(start - 1, end, step):
        last = min(first + step, end)
        row = first - grid.first + MARGIN_HOURS
        close = grid.close[row - WINDOW : row + last - first]
        found = rolling_correlations(hourly_returns(close)[1:], min_observations)
        columns = slice(first - start + 1, last - start + 1)
        there = ~np.isnan(close[WINDOW:]).T
        np.logical_and(there[one], there[two], out=cells.present[:, columns])
        cells.correlation[:, columns] = found.correlation.reshape(last - first, -1).T[upper]
        cells.observations[:, columns] = found.observations.reshape(last - first, -1).T[upper]
    cells.correlation[~cells.present] = np.nan
    return cells


def _rows(grid: _Grid, year: int, cells: _Cells) -> Iterator[pa.RecordBatch]:
    one, two = grid.pairs
    names = pa.array(grid.coins, pa.string())
    hours = cells.present.shape[1] - 1
    opened = (cells.start + np.arange(hours)) * _MICROSECONDS
    step = max(1, _ROWS_PER_BATCH // hours)
    for first in range(0, len(one), step):
        some = slice(first, first + step)
        here = cells.present[some, 1:]
        lengths = here.sum(axis=1)
        count = int(lengths.sum())
        if count == 0:
            continue
        before, now = cells.correlation[some, :-1], cells.correlation[some, 1:]
        correlation = now[here]
        null = np.isnan(correlation)
        alerts = np.abs(now - before) > BREAKDOWN_CHANGE + ROUNDING
        times = pa.array(np.broadcast_to(opened, here.shape)[here], pa.int64())
        yield pa.record_batch(
            [
                pa.repeat(pa.scalar(grid.exchange, pa.string()), count),
                names.take(pa.array(np.repeat(one[some], lengths))),
                names.take(pa.array(np.repeat(two[some], lengths))),
                times.cast(pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC")),
                pa.array(correlation, mask=null),
                pa.array(cells.observations[some, 1:][here].astype(np.int32)),
                pa.array(_REGIMES).take(pa.array(_floors_reached(correlation), mask=null)),
                pa.array(alerts[here]),
                pa.array(np.full(count, year, np.int32)),
            ],
            schema=ROWS,
        )


def _floors_reached(correlation: Floats) -> NDArray[np.int8]:
    """Number of regime floors that the size of a correlation reaches: its position in ``_REGIMES``."""
    size = np.abs(correlation)
    reached = np.zeros(size.shape, np.int8)
    for _, floor in REGIME_FLOORS:
        reached += size >= floor - ROUNDING
    return reached
