"""The charts of Coin Deep Dive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import polars as pl

from klineforge.domain.hours import HOUR, Span
from klineforge.domain.writing import Format, written
from klineforge.measures import market
from klineforge.serving.intervals import HOURS
from klineforge.serving.selection import INTERVAL_NAMES, Selection
from klineforge.views import states
from klineforge.views.dive_figures import Dive, runs_of
from klineforge.views.drawing import Canvas, numbers, times
from klineforge.views.page import Chart, Column
from klineforge.views.theme import Theme

_TIME = "open_timestamp"
HOLE_NAMES: Final = {
    "exchange_outage": "Outage of the exchange",
    "unexplained": "Hours without a candle",
    "not_listed_yet": "Not listed yet",
    "delisted": "Delisted",
    "quarantined": "Quarantined",
}


def price(dive: Dive, selection: Selection, label: str, theme: Theme) -> Chart:
    """Candles with VWAP and volume; spikes marked; sessions, gaps and quarantined hours shaded."""
    rows, height = dive.joined, 560
    drawn = Canvas(theme, height, (0.76, 0.24))
    drawn.add(
        {
            "type": "candlestick",
            "x": times(rows[_TIME]),
            **{edge: numbers(rows[f"{edge}_price"]) for edge in ("open", "high", "low", "close")},
            "increasing": {"line": {"color": theme.green, "width": 1}, "fillcolor": theme.green},
            "decreasing": {"line": {"color": theme.red, "width": 1}, "fillcolor": theme.red},
            "name": label,
        }
    )
    drawn.line(rows[_TIME], rows["vwap_24h"], "VWAP 24 h", theme.accent)
    _mark_spikes(drawn, rows)
    colours = _by_sign(rows["close_price"] - rows["open_price"], theme, 0.6)
    drawn.bars(rows[_TIME], numbers(rows["volume"]), "Volume", colours, panel=1)
    drawn.layout(bargap=0.1)
    drawn.layout(xaxis={"anchor": "y2", "rangeslider": {"visible": False}})
    drawn.axis(title={"text": "price"})
    drawn.axis(1, title={"text": "volume"}, tickformat="~s")
    shaded = drawn.shade_sessions(selection.start, selection.end)
    _shade_holes(drawn, dive)
    return Chart(
        key="price",
        title="Price, VWAP and volume",
        figure=drawn.figure(),
        alt=_price_alt(dive, label),
        frame=rows.sort(_TIME, descending=True),
        columns=(
            Column(_TIME, "Opened", "time"),
            Column("open_price", "Open", "price"),
            Column("high_price", "High", "price"),
            Column("low_price", "Low", "price"),
            Column("close_price", "Close", "price", "close_price"),
            Column("vwap_24h", "VWAP 24 h", "price", "vwap_24h"),
            Column("volume", "Volume", "compact", "volume"),
            Column("spikes", "Spikes", "integer", "is_volume_spike"),
            Column("hours", "Hours", "integer"),
        ),
        metrics=("close_price", "vwap_24h", "volume", "is_volume_spike"),
        height=height,
        note=_note(dive, selection, shaded=shaded),
    )


def deviation(dive: Dive, theme: Theme) -> Chart:
    """Close against its VWAP."""
    drawn = Canvas(theme, 260)
    drawn.line(dive.joined[_TIME], dive.joined["vwap_deviation"], "VWAP deviation", theme.blue, scale=100)
    drawn.level(0, theme.muted, dash="solid")
    drawn.axis(ticksuffix=" %")
    alt = _last_of("Deviation of the close from its 24-hour VWAP", dive.joined["vwap_deviation"], "signed_percent")
    return _chart(dive, "vwap_deviation", "VWAP deviation", drawn, alt, "signed_percent")


def rsi(dive: Dive, theme: Theme) -> Chart:
    """RSI with the lines of overbought and oversold."""
    drawn = Canvas(theme, 260)
    drawn.line(dive.joined[_TIME], dive.joined["rsi_14"], "RSI (14)", theme.violet)
    for level, name, colour in (
        (states.OVERBOUGHT, "70 overbought", theme.red),
        (states.OVERSOLD, "30 oversold", theme.green),
    ):
        drawn.level(level, colour, name)
    drawn.axis(range=[0, 100])
    alt = _last_of("Relative strength index over 14 hours, Wilder's", dive.joined["rsi_14"], "number")
    return _chart(dive, "rsi_14", "RSI (14)", drawn, alt, "number")


def volatility(dive: Dive, theme: Theme) -> Chart:
    """Rolling volatility, with its regimes as bands behind it."""
    drawn = Canvas(theme, 280)
    length = timedelta(hours=HOURS[dive.interval])
    for regime, colour, opacity in (("High", theme.red, 0.16), ("Medium", theme.orange, 0.10)):
        spans = runs_of(dive.joined, "volatility_regime", regime, length)
        drawn.shade(spans, f"{regime} regime", theme.faint(colour, opacity))
    drawn.line(dive.joined[_TIME], dive.joined["rolling_vol_24h"], "Volatility 24 h", theme.orange, scale=100)
    drawn.axis(ticksuffix=" %", rangemode="tozero")
    alt = _last_of("Standard deviation of hourly returns over 24 hours", dive.joined["rolling_vol_24h"], "percent")
    now = dive.last("volatility_regime")
    told = f"{alt} The regime is {now}." if now else alt
    return _chart(dive, "rolling_vol_24h", "Volatility and its regime", drawn, told, "percent", "volatility_regime")


def pressure(dive: Dive, theme: Theme) -> Chart:
    """Volume per hour, and the strongest hour of each interval against its 24-hour mean."""
    rows = dive.joined
    drawn = Canvas(theme, 340, (0.5, 0.5))
    drawn.bars(rows[_TIME], numbers(rows["hourly_volume"]), "Mean hourly volume", theme.faint(theme.blue, 0.7))
    drawn.line(rows[_TIME], rows["max_spike_ratio"], "Highest spike ratio", theme.accent, panel=1)
    drawn.line(rows[_TIME], rows["volume_ratio_30d"], "24 h volume / 30 d", theme.teal, panel=1)
    for level, tone in ((market.ELEVATED, theme.orange), (market.HIGH, theme.red)):
        drawn.level(level, tone, panel=1, dash="dot")
    drawn.axis(tickformat="~s")
    drawn.axis(1, title={"text": "times usual"}, rangemode="tozero")
    alt = _last_of("Highest volume spike ratio of each interval", rows["max_spike_ratio"], "ratio")
    return Chart(
        key="volume_pressure",
        title="Volume pressure",
        figure=drawn.figure(),
        alt=f"{alt} In the range {int(rows['spikes'].sum())} hours were volume spikes.",
        frame=rows.select(_TIME, "hourly_volume", "max_spike_ratio", "spikes", "volume_ratio_30d").sort(
            _TIME, descending=True
        ),
        columns=(
            Column(_TIME, "Opened", "time"),
            Column("hourly_volume", "Volume per hour", "compact", "volume"),
            Column("max_spike_ratio", "Highest spike ratio", "ratio", "volume_spike_ratio"),
            Column("spikes", "Spikes", "integer", "is_volume_spike"),
            Column("volume_ratio_30d", "24 h volume / 30 d", "ratio", "volume_ratio_30d"),
        ),
        metrics=("volume", "volume_spike_ratio", "volume_ratio_30d"),
        height=340,
        note="Dotted: elevated above 1.5, high above 2 times the usual volume.",
    )


def persistence(dive: Dive, theme: Theme) -> Chart:
    """How long the price has gone one way, and how much of a day it stood above its VWAP."""
    rows = dive.joined
    runs = rows["trend_run_hours"]
    drawn = Canvas(theme, 340, (0.5, 0.5))
    drawn.bars(rows[_TIME], numbers(runs), "Run, hours", _by_sign(runs, theme, 0.8))
    for name, label, colour in (
        ("share_above_vwap_24h", "Share of hours above VWAP", theme.blue),
        ("trend_persistence_24h", "Share with the day's sign", theme.violet),
        ("efficiency_ratio_24h", "Efficiency ratio", theme.accent),
    ):
        drawn.line(rows[_TIME], rows[name], label, colour, panel=1)
    drawn.axis(title={"text": "hours"})
    drawn.axis(1, range=[0, 1])
    share = written(dive.last("share_above_vwap_24h"), "percent")
    return Chart(
        key="trend_persistence",
        title="Trend persistence",
        figure=drawn.figure(),
        alt=f"{_last_of('Hours in a row in one direction', rows['trend_run_hours'], 'integer')} Of the last 24 hours "
        f"{share} closed above their VWAP.",
        frame=rows.select(
            _TIME, "trend_run_hours", "share_above_vwap_24h", "trend_persistence_24h", "efficiency_ratio_24h"
        ).sort(_TIME, descending=True),
        columns=(
            Column(_TIME, "Opened", "time"),
            Column("trend_run_hours", "Run, hours", "integer", "trend_run_hours"),
            Column("share_above_vwap_24h", "Share above VWAP", "percent", "share_above_vwap_24h"),
            Column("trend_persistence_24h", "Share with the day's sign", "percent", "trend_persistence_24h"),
            Column("efficiency_ratio_24h", "Efficiency ratio", "ratio", "efficiency_ratio_24h"),
        ),
        metrics=("trend_run_hours", "share_above_vwap_24h", "trend_persistence_24h", "efficiency_ratio_24h"),
        height=340,
    )


def _mark_spikes(drawn: Canvas, rows: pl.DataFrame) -> None:
    spikes = rows.filter(pl.col("spikes") > 0)
    drawn.add(
        {
            "type": "scatter",
            "x": times(spikes[_TIME]),
            "y": numbers(spikes["high_price"]) * 1.004,
            "mode": "markers",
            "marker": {"symbol": "triangle-down", "size": 8, "color": drawn.theme.violet},
            "name": "Volume spike",
            "customdata": numbers(spikes["max_spike_ratio"]),
            "hovertemplate": "%{customdata:.1f} times the mean",
        }
    )


def _shade_holes(drawn: Canvas, dive: Dive) -> None:
    by_kind: dict[str, list[Span]] = {}
    for hole in dive.holes:
        by_kind.setdefault(hole.kind, []).append(hole.span)
    for kind, spans in by_kind.items():
        colour = drawn.theme.red if kind == "quarantined" else drawn.theme.grey
        drawn.shade(spans, HOLE_NAMES.get(kind, kind), drawn.theme.faint(colour, 0.35))


def _by_sign(values: pl.Series, theme: Theme, opacity: float) -> list[str]:
    """Green where values are not below zero, else red."""
    up, down = theme.faint(theme.green, opacity), theme.faint(theme.red, opacity)
    return [down if value < 0 else up for value in numbers(values)]


def _chart(dive: Dive, name: str, title: str, drawn: Canvas, alt: str, how: Format, *others: str) -> Chart:
    columns = (
        Column(_TIME, "Opened", "time"),
        Column(name, title, how, name),
        *(Column(other, other.replace("_", " ").capitalize(), "text", other) for other in others),
    )
    frame = dive.joined.select(_TIME, name, *others).sort(_TIME, descending=True)
    return Chart(name, title, drawn.figure(), alt, frame, columns, (name, *others), drawn.height)


def _last_of(what: str, values: pl.Series, how: Format) -> str:
    known = values.drop_nulls()
    if known.is_empty():
        return f"{what}: nothing to draw."
    edges: Sequence[object] = (known[-1], known.min(), known.max())
    last, low, high = (written(edge, how) for edge in edges)
    return f"{what}: {last} at the end, between {low} and {high}."


def _price_alt(dive: Dive, label: str) -> str:
    rows = dive.joined
    first, last = float(rows["open_price"][0]), float(rows["close_price"][-1])
    low, high = (written(edge, "price") for edge in (rows["low_price"].min(), rows["high_price"].max()))
    # An hour may be a gap and in quarantine, too.
    hours = len({hole.span.start + number * HOUR for hole in dive.holes for number in range(hole.span.hours)})
    return (
        f"{rows.height} candles of {label}: from {written(first, 'price')} to {written(last, 'price')} "
        f"({written(last / first - 1, 'signed_percent')}), between {low} and {high}; {int(rows['spikes'].sum())} hours "
        f"with volume spikes, {hours} hours without an accepted candle."
    )


def _note(dive: Dive, selection: Selection, *, shaded: bool) -> str:
    told = [f"Candles of {INTERVAL_NAMES[dive.interval]}"]
    if dive.interval != selection.interval:
        told.append(f"{INTERVAL_NAMES[selection.interval]} would be too many")
    if not shaded:
        told.append("sessions are shaded in ranges of up to 14 days")
    quarantined = [hole for hole in dive.holes if hole.kind == "quarantined"]
    if quarantined:
        last = quarantined[-1]
        told.append(
            f"{len(quarantined)} hours in quarantine, the last {last.span.start:%Y-%m-%d %H:%M} ({last.reason})"
        )
    return f"{'; '.join(told)}."
