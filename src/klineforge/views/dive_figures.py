"""The figures behind Coin Deep Dive: one coin, hour by hour, with the hours that have no candle."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from klineforge.domain.hours import HOUR, Span
from klineforge.serving.explanation import Explanation, UnavailableError
from klineforge.serving.intervals import candles, coarse_enough, opened_at
from klineforge.serving.selection import Interval, Selection
from klineforge.serving.warehouse import Warehouse

TABLES = (
    "dim_coins",
    "fact_1h_klines",
    "mart_returns_1h",
    "mart_volume_metrics_1h",
    "mart_indicators_1h",
    "kline_gaps",
    "quarantine_klines",
)
CANDLES = 1500
"""Candles drawn at most; longer ranges are drawn by a longer interval."""
_TIME = "open_timestamp"
_FACT = (_TIME, "open_price", "high_price", "low_price", "close_price", "volume", "quote_volume")
_RETURNS = (_TIME, "rolling_vol_24h", "volatility_regime", "drawdown_pct", "return_pct")
_VOLUME = (_TIME, "vwap_24h", "volume_spike_ratio", "is_volume_spike")
_INDICATORS = (
    _TIME,
    "return_24h",
    "rsi_14",
    "vwap_deviation",
    "share_above_vwap_24h",
    "trend_persistence_24h",
    "trend_run_hours",
    "efficiency_ratio_24h",
    "volume_ratio_30d",
)
_AT_THE_END = (*_RETURNS[1:4], "vwap_24h", *_INDICATORS[1:])


@dataclass(frozen=True, slots=True)
class Hole:
    """Hours without a candle, and why: a kind of ``kline_gaps``, or ``quarantined`` with the rules that were broken."""

    span: Span
    kind: str
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Dive:
    """What Coin Deep Dive shows.

    Args:
        hourly: One row per candle of the range, with every figure; those of tables that are missing are null.
        joined: The same by ``interval``: prices and volumes of candles of that length, ``max_spike_ratio`` and
            ``spikes`` of their hours, other figures as of their last hour.
        interval: Of ``joined``; longer than asked for where the range has too many candles.
        holes: Hours of the range without a candle.
        missing: Why parts of the figures are not there.
    """

    hourly: pl.DataFrame
    joined: pl.DataFrame
    interval: Interval
    holes: tuple[Hole, ...]
    missing: tuple[Explanation, ...]

    @property
    def at(self) -> datetime:
        """The newest hour, UTC."""
        newest: datetime = self.hourly[_TIME][-1]
        return newest

    def last(self, name: str) -> float | str | None:
        """A figure at the newest hour."""
        value: float | str | None = self.hourly[name][-1]
        return value


def read_dive(warehouse: Warehouse, selection: Selection) -> Dive:
    """Read the figures of the selection's coin.

    Raises:
        UnavailableError: There are no candles, or none of that coin and range.
    """
    reader = _Reader(warehouse, selection)
    fact = reader.required("fact_1h_klines", _FACT)
    hourly = fact
    newest: datetime = fact[_TIME].max()  # type: ignore[assignment]  # polars: any literal
    for table, columns in (
        ("mart_returns_1h", _RETURNS),
        ("mart_volume_metrics_1h", _VOLUME),
        ("mart_indicators_1h", _INDICATORS),
    ):
        hourly = hourly.join(reader.optional(table, columns, newest), on=_TIME, how="left")
    hourly = hourly.sort(_TIME)
    interval = coarse_enough(selection.interval, selection.hours, CANDLES)
    traded = set(hourly[_TIME])
    # A record that was refused beside an accepted candle of its hour leaves no hole.
    refused = dict.fromkeys(hole for hole in reader.quarantined() if hole.span.start not in traded)
    holes = (*reader.gaps(), *refused)
    return Dive(hourly, _joined(hourly, interval), interval, holes, tuple(reader.missing))


class _Reader:
    """Reads tables about the selection's coin; those the page can do without are remembered when they are missing."""

    def __init__(self, warehouse: Warehouse, selection: Selection) -> None:
        self._warehouse = warehouse
        self._selection = selection
        self.missing: list[Explanation] = []

    def required(self, table: str, columns: tuple[str, ...]) -> pl.DataFrame:
        selection = self._selection
        rows = self._read(table, columns, selection.start, selection.end)
        asked = f"{selection.coin} from {selection.start:%Y-%m-%d %H:%M} to {selection.end:%Y-%m-%d %H:%M}"
        return self._warehouse.require(rows, table, asked)

    def optional(self, table: str, columns: tuple[str, ...], newest: datetime) -> pl.DataFrame:
        rows = self._or_none(table, columns, self._selection.start, self._selection.end)
        if not any(problem.table == table for problem in self.missing):
            late = self._warehouse.lag(table, newest)
            self.missing += [late] if late else []
        return rows

    def gaps(self) -> tuple[Hole, ...]:
        """Gaps that overlap the range, cut to it; hours before a listing and after it are none of the chart's."""
        rows = self._or_none("kline_gaps", ("gap_start", "gap_end", "kind"), None, self._selection.end)
        found = []
        for start, end, kind in rows.iter_rows():
            first, last = max(start, self._selection.start), min(end, self._selection.end)
            if first < last:
                found.append(Hole(Span(first, last), kind))
        return tuple(found)

    def quarantined(self) -> tuple[Hole, ...]:
        """Hours whose candle was refused."""
        start, end = self._selection.start, self._selection.end
        rows = self._or_none("quarantine_klines", (_TIME, "reasons"), None, None).drop_nulls(_TIME)
        inside = rows.filter(pl.col(_TIME).is_between(start, end, closed="left"))
        hours = inside.with_columns(pl.col(_TIME).dt.truncate("1h")).sort(_TIME)
        return tuple(Hole(Span(hour, hour + HOUR), "quarantined", ", ".join(why)) for hour, why in hours.iter_rows())

    def _or_none(
        self, table: str, columns: tuple[str, ...], start: datetime | None, end: datetime | None
    ) -> pl.DataFrame:
        try:
            return self._read(table, columns, start, end)
        except UnavailableError as problem:
            self.missing.append(problem.explanation)
            return self._warehouse.no_rows(table, columns)

    def _read(self, table: str, columns: tuple[str, ...], start: datetime | None, end: datetime | None) -> pl.DataFrame:
        chosen = self._selection
        return self._warehouse.read(
            table, columns, exchange=chosen.exchange, coins=(chosen.coin,), start=start, end=end
        )


def _joined(hourly: pl.DataFrame, interval: Interval) -> pl.DataFrame:
    """Candles of an interval with the figures of their last hour, and the strongest volume of their hours."""
    spikes = (
        hourly.with_columns(opened_at(interval))
        .group_by(_TIME, maintain_order=True)
        .agg(
            *(pl.col(name).last() for name in _AT_THE_END),
            max_spike_ratio=pl.col("volume_spike_ratio").max(),
            spikes=pl.col("is_volume_spike").sum().cast(pl.Int32),
        )
    )
    bars = candles(hourly.select(_FACT), interval, by=())
    return bars.join(spikes, on=_TIME, how="left").with_columns(hourly_volume=pl.col("volume") / pl.col("hours"))


def runs_of(rows: pl.DataFrame, name: str, value: str, length: timedelta) -> list[Span]:
    """Unbroken stretches in which a column has a value.

    Args:
        rows: Sorted by ``open_timestamp``.
        name: Column.
        value: Wanted.
        length: Length of a row's interval.
    """
    spans: list[Span] = []
    for opened in rows.filter(pl.col(name) == value)[_TIME]:
        if spans and spans[-1].end == opened:
            spans[-1] = Span(spans[-1].start, opened + length)
        else:
            spans.append(Span(opened, opened + length))
    return spans
