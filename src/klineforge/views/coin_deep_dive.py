"""Coin Deep Dive: everything about one coin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from klineforge.domain.hours import HOUR
from klineforge.domain.writing import written
from klineforge.measures import market
from klineforge.serving.catalogue import read_catalogue
from klineforge.serving.selection import INTERVAL_NAMES, Selection
from klineforge.serving.warehouse import Warehouse
from klineforge.views import dive_charts, states
from klineforge.views.dive_figures import TABLES, Dive, read_dive
from klineforge.views.page import Column, Kpi, Notice, Page, Section, Table, Tone
from klineforge.views.pages import View
from klineforge.views.theme import Theme


@dataclass(frozen=True, slots=True)
class CoinDeepDiveOptions:
    """What of the page can be chosen beside the selection: nothing."""


def draw(warehouse: Warehouse, selection: Selection, options: CoinDeepDiveOptions, theme: Theme) -> Page:  # noqa: ARG001
    """The page about the selection's coin.

    Args:
        warehouse: The lake.
        selection: Coin, hours and interval.
        options: None.
        theme: Colours.

    Raises:
        UnavailableError: There are no candles, or none of that coin and range.
    """
    label = read_catalogue(warehouse).label(selection.coin)
    dive = read_dive(warehouse, selection)
    notices = tuple(Notice.of(explanation) for explanation in dive.missing)
    return Page(
        key="coin_deep_dive",
        title=f"Deep Dive: {label}",
        subtitle=f"{selection.exchange}, {dive.hourly.height:,} hourly candles by {INTERVAL_NAMES[dive.interval]}, "
        f"figures of {dive.at:%Y-%m-%d %H:%M} UTC",
        kpis=_kpis(dive),
        sections=(
            *([Section("What is missing", notices)] if notices else []),
            Section("Price", (dive_charts.price(dive, selection, label, theme),)),
            Section("Momentum", (dive_charts.deviation(dive, theme), dive_charts.rsi(dive, theme)), columns=2),
            Section("Volatility", (dive_charts.volatility(dive, theme),)),
            Section(
                "Volume and trend", (dive_charts.pressure(dive, theme), dive_charts.persistence(dive, theme)), columns=2
            ),
            Section("Hours without a candle", (_holes(dive),)),
        ),
    )


def _kpis(dive: Dive) -> tuple[Kpi, ...]:
    change, deviation = _number(dive, "return_24h"), _number(dive, "vwap_deviation")
    strength, ratio = _number(dive, "rsi_14"), _number(dive, "volume_ratio_30d")
    regime = dive.last("volatility_regime")
    spread = dive.hourly["volume_spike_ratio"].drop_nulls()
    mean = float(spread.mean()) if spread.len() else None  # type: ignore[arg-type]  # polars: any literal
    highest = float(spread.max()) if spread.len() else None  # type: ignore[arg-type]
    spikes = int(dive.hourly["is_volume_spike"].sum())
    doing = market.activity(ratio)
    run = _number(dive, "trend_run_hours")
    return (
        Kpi("close_price", "Last price", _number(dive, "close_price"), "price", "accent", f"{dive.at:%Y-%m-%d %H:%M}"),
        Kpi("return_24h", "24h return", change, "signed_percent", _sign(change), _signal(change)),
        Kpi("vwap_deviation", "VWAP deviation", deviation, "signed_percent", _sign(deviation), "from the 24-hour VWAP"),
        Kpi("rsi_14", "RSI (14)", strength, "number", *_strength(strength)),
        Kpi("rolling_vol_24h", "Volatility 24h", _number(dive, "rolling_vol_24h"), "percent",
            states.REGIME_TONES.get(str(regime), "muted"), f"regime {regime or 'unknown'}"),
        Kpi("volume_pressure", "Volume pressure", mean, "ratio", "neutral",
            f"mean of the range, highest {written(highest, 'ratio')}"),
        Kpi("volume_activity", "Volume activity", doing, "text", states.ACTIVITY_TONES.get(doing or "", "muted"),
            f"24 h are {written(ratio, 'ratio')} times the 30-day mean; {spikes} spikes"),
        Kpi("trend_run_hours", "Trend persistence", run, "hours", _sign(run),
            f"in a row; {written(dive.last('share_above_vwap_24h'), 'percent')} of a day above VWAP"),
    )  # fmt: skip


def _number(dive: Dive, name: str) -> float | None:
    value = dive.last(name)
    return float(value) if value is not None else None


def _sign(value: float | None) -> Tone:
    return "neutral" if not value else "good" if value > 0 else "bad"


def _signal(change: float | None) -> str:
    named: str | None = pl.select(market.mover_signal(pl.lit(change, pl.Float64))).item()
    return named or "no candle 24 hours earlier"


def _strength(value: float | None) -> tuple[Tone, str]:
    if value is None:
        return "muted", "too few candles"
    if value >= states.OVERBOUGHT:
        return "bad", "overbought"
    return ("good", "oversold") if value <= states.OVERSOLD else ("neutral", "between 30 and 70")


def _holes(dive: Dive) -> Table:
    frame = pl.DataFrame(
        [
            {
                "start": hole.span.start,
                "end": hole.span.end,
                "hours": hole.span.hours,
                "kind": dive_charts.HOLE_NAMES.get(hole.kind, hole.kind),
                "reason": hole.reason,
            }
            for hole in dive.holes
        ],
        schema={
            "start": pl.Datetime("us", "UTC"),
            "end": pl.Datetime("us", "UTC"),
            "hours": pl.Int64,
            "kind": pl.String,
            "reason": pl.String,
        },
    ).sort("start", descending=True)
    # Counted, because the tables that know of gaps may be missing.
    opened = dive.hourly["open_timestamp"]
    lacking = (opened[-1] - opened[0]) // HOUR + 1 - opened.n_unique()
    if frame.height:
        told = ""
    elif lacking:
        told = f"{lacking:,} hours between the first and the last candle have none; why is not known here."
    else:
        told = "Every hour from the first to the last candle shown has an accepted one."
    return Table(
        key="holes",
        title="Gaps and quarantined hours",
        frame=frame,
        columns=(
            Column("start", "From", "time"),
            Column("end", "To", "time"),
            Column("hours", "Hours", "hours"),
            Column("kind", "Kind", "text", "kline_gaps"),
            Column("reason", "Rules broken"),
        ),
        note=told,
    )


COIN_DEEP_DIVE: Final = View(
    key="coin_deep_dive",
    title="Coin Deep Dive",
    purpose="Everything about one coin: price, volume, momentum, volatility, and the hours that have no candle.",
    tables=TABLES,
    options=CoinDeepDiveOptions,
    draw=draw,
)
