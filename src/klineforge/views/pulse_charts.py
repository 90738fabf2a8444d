"""The charts of Market Pulse."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import numpy as np
import polars as pl

from klineforge.domain.writing import written
from klineforge.serving.catalogue import Catalogue
from klineforge.serving.intervals import HOURS, coarse_enough, last_of_each, opened_at
from klineforge.serving.selection import INTERVAL_NAMES, Interval, Selection
from klineforge.views.drawing import SHADED_UP_TO, Canvas, numbers, times
from klineforge.views.listings import of_newest_listing
from klineforge.views.page import Chart, Column
from klineforge.views.pulse_figures import Pulse
from klineforge.views.theme import Theme

POINTS: Final = 1500
"""Points of a line at most; longer ranges are drawn by a longer interval."""
LINES: Final = 12
"""Coins drawn one by one at most; of more, those that rose and fell most."""
CELLS: Final = 168
"""Columns of the heat strip at most, the newest."""
_TIME, _COIN = "open_timestamp", "coin"
_BASE = 100.0


def direction(pulse: Pulse, selection: Selection, catalogue: Catalogue, theme: Theme) -> Chart:
    """Where prices went: the close of one coin, or of several coins and the market from 100 at the start."""
    interval = coarse_enough(selection.interval, selection.hours, POINTS)
    # A price from 100 is that of one asset: of what the symbol named last.
    present = pulse.hourly.filter(of_newest_listing())
    closes = last_of_each(present.select(_COIN, _TIME, "close_price"), interval)
    coins = closes[_COIN].unique().sort().to_list()
    drawn = Canvas(theme, 380)
    shaded = drawn.shade_sessions(selection.start, selection.end)
    note = _note(interval, selection, shaded=shaded)
    if len(coins) == 1:
        label = catalogue.label(coins[0])
        drawn.line(closes[_TIME], closes["close_price"], label, theme.blue, width=2)
        drawn.axis(title={"text": "close"})
        alt = _moved(closes["close_price"], f"Closing price of {label}")
        shown_of_one = (Column(_TIME, "Hour", "time"), Column("close_price", "Close", "price", "close_price"))
        return Chart(
            "direction",
            "Close price",
            drawn.figure(),
            alt,
            closes,
            shown_of_one,
            ("close_price",),
            380,
            note=f"{note}.",
        )
    indexed = closes.with_columns(index=_BASE * pl.col("close_price") / pl.col("close_price").first().over(_COIN))
    market = _market_index(pulse, interval)
    shown = _extremes(indexed)
    for coin, colour in zip(shown, theme.series * LINES, strict=False):
        rows = indexed.filter(pl.col(_COIN) == coin)
        drawn.line(rows[_TIME], rows["index"], catalogue.label(coin), theme.faint(colour, 0.75), width=1.2)
    drawn.line(market[_TIME], market["index"], "Market, equal weights", theme.text, width=2.6)
    drawn.axis(title={"text": "start = 100"})
    few = (
        f"; drawn are the {len(shown)} of {len(coins)} coins that rose and fell most" if len(shown) < len(coins) else ""
    )
    alt = _moved(market["index"], f"The market of {len(coins)} coins, equally weighted and 100 at the start,")
    columns = (
        Column(_COIN, "Coin"),
        Column(_TIME, "Hour", "time"),
        Column("close_price", "Close", "price", "close_price"),
        Column("index", "Start = 100", "number", "normalised_price"),
    )
    return Chart(
        "direction",
        "Market direction",
        drawn.figure(),
        alt,
        indexed,
        columns,
        ("normalised_price",),
        380,
        note=note + few + ".",
    )


def heat_strip(pulse: Pulse, selection: Selection, catalogue: Catalogue, theme: Theme) -> Chart:
    """Returns of every coin, hour by hour or by a longer interval, the newest to the right."""
    returns = (
        pulse.hourly.lazy()
        .filter(pl.col(_TIME) > pulse.at - timedelta(hours=(CELLS + 1) * HOURS[selection.interval]))
        .select(_COIN, _TIME, "return_pct")
        .with_columns(opened_at(selection.interval))
        .group_by(_COIN, _TIME, maintain_order=True)
        .agg(interval_return=_compounded("return_pct"))
        .collect()
    )
    newest = returns[_TIME].unique().sort().tail(CELLS)
    returns = returns.filter(pl.col(_TIME) >= newest[0]) if newest.len() else returns
    wide = returns.pivot(on=_COIN, index=_TIME, values="interval_return", sort_columns=True).sort(_TIME)
    coins = [name for name in wide.columns if name != _TIME]
    values = wide.select(coins).to_numpy().T if coins else np.empty((0, 0))
    known = np.abs(values[np.isfinite(values)]) if values.size else np.array([])
    limit = float(np.quantile(known, 0.98)) if known.size else 0.01
    height = max(220, 60 + 20 * len(coins))
    labels = [catalogue.label(coin) for coin in coins]
    drawn = Canvas(theme, height)
    drawn.add(
        {
            "type": "heatmap",
            "x": times(wide[_TIME]),
            "y": labels,
            "z": values * 100,
            "zmin": -limit * 100,
            "zmax": limit * 100,
            "colorscale": theme.gains,
            "hovertemplate": "%{y}<br>%{x|%Y-%m-%d %H:%M}<br>%{z:+.2f} %<extra></extra>",
            "colorbar": {"ticksuffix": " %", "thickness": 10, "outlinewidth": 0},
        }
    )
    drawn.layout(hovermode="closest")
    drawn.axis(autorange="reversed", showgrid=False, type="category")
    name = INTERVAL_NAMES[selection.interval]
    return Chart(
        key="heat_strip",
        title=f"Returns by {name.removeprefix('1 ')}",
        figure=drawn.figure(),
        alt=_strip_alt(returns, catalogue, name),
        frame=returns.sort(_TIME, _COIN, descending=[True, False]),
        columns=(
            Column(_TIME, "Opened", "time"),
            Column(_COIN, "Coin"),
            Column("interval_return", "Return", "signed_percent", "interval_return"),
        ),
        metrics=("interval_return",),
        height=height,
        note=f"The newest {newest.len()} intervals; green rose, red fell. Empty cells have no candle, or none before.",
    )


def breadth(pulse: Pulse, selection: Selection, theme: Theme) -> Chart:
    """How many coins rose and fell, and how many are above their VWAP."""
    interval = coarse_enough(selection.interval, selection.hours, POINTS)
    rows = (
        pulse.breadth.with_columns(opened_at(interval))
        .group_by(_TIME, maintain_order=True)
        .agg(
            pl.col("advancers").mean(),
            pl.col("decliners").mean(),
            pl.col("share_above_vwap_24h").last(),
            pl.col("mean_corr_24h").last(),
        )
    )
    drawn = Canvas(theme, 380, (0.6, 0.4))
    for name, sign, colour in (("advancers", 1, theme.green), ("decliners", -1, theme.red)):
        drawn.bars(rows[_TIME], numbers(rows[name]) * sign, name.capitalize(), theme.faint(colour, 0.8))
    for name, label, colour in (
        ("share_above_vwap_24h", "Share above VWAP", theme.blue),
        ("mean_corr_24h", "Mean correlation", theme.violet),
    ):
        drawn.line(rows[_TIME], rows[name], label, colour, panel=1)
    drawn.layout(barmode="relative", bargap=0)
    drawn.axis(title={"text": "coins"})
    shaded = drawn.shade_sessions(selection.start, selection.end)
    return Chart(
        key="breadth",
        title="Market breadth",
        figure=drawn.figure(),
        alt=_breadth_alt(rows),
        frame=rows.sort(_TIME, descending=True),
        columns=(
            Column(_TIME, "Opened", "time"),
            Column("advancers", "Advancers", "number", "advancers"),
            Column("decliners", "Decliners", "number", "decliners"),
            Column("share_above_vwap_24h", "Share above VWAP", "percent", "market_share_above_vwap_24h"),
            Column("mean_corr_24h", "Mean correlation", "correlation", "mean_corr_24h"),
        ),
        metrics=("advancers", "decliners", "market_share_above_vwap_24h", "mean_corr_24h"),
        height=380,
        note=_note(interval, selection, shaded=shaded) + "; all coins of the exchange, mean number per hour.",
    )


def _market_index(pulse: Pulse, interval: Interval) -> pl.DataFrame:
    """The value of equal amounts in every coin, set right every hour, 100 after the first hour of the range."""
    inside = pulse.market.filter(pl.col(_TIME) >= pulse.hourly[_TIME].min())
    grown = 1 + pl.col("mean_return").fill_null(0)
    indexed = inside.with_columns(index=grown.cum_prod()).select(
        _TIME, pl.col("index") * _BASE / pl.col("index").first()
    )
    return last_of_each(indexed, interval, by=())


def _extremes(indexed: pl.DataFrame) -> list[str]:
    last = indexed.group_by(_COIN).agg(pl.col("index").last()).sort("index", _COIN)
    if last.height <= LINES:
        return last[_COIN].sort().to_list()
    return [*last.head(LINES // 2)[_COIN], *last.tail(LINES // 2)[_COIN]]


def _compounded(name: str) -> pl.Expr:
    """Returns joined into one; null where there is none."""
    joined = (1 + pl.col(name)).product() - 1
    return pl.when(pl.col(name).is_not_null().any()).then(joined)


def _note(interval: Interval, selection: Selection, *, shaded: bool) -> str:
    asked = (
        "" if interval == selection.interval else f", because {INTERVAL_NAMES[selection.interval]} would be too many"
    )
    sessions = "" if shaded else f"; sessions are shaded up to {SHADED_UP_TO // timedelta(days=1)} days"
    return f"Drawn by {INTERVAL_NAMES[interval]}{asked}{sessions}"


def _moved(values: pl.Series, what: str) -> str:
    known = values.drop_nulls()
    if known.is_empty():
        return f"{what}: nothing to draw."
    first, last = float(known[0]), float(known[-1])
    change = written(last / first - 1 if first else None, "signed_percent")
    low, high = (written(float(edge), "price") for edge in (known.min(), known.max()))  # type: ignore[arg-type]
    return (
        f"{what} went from {written(first, 'price')} to {written(last, 'price')} ({change}), between {low} and {high}."
    )


def _strip_alt(returns: pl.DataFrame, catalogue: Catalogue, name: str) -> str:
    known = returns.drop_nulls("interval_return")
    if known.is_empty():
        return "Heat map of returns: nothing to draw."
    best, worst = (known.sort("interval_return", descending=down).row(0, named=True) for down in (True, False))
    told = [
        f"{word} {catalogue.label(row[_COIN])} {written(row['interval_return'], 'signed_percent')} at "
        f"{row[_TIME]:%Y-%m-%d %H:%M}"
        for word, row in (("highest", best), ("lowest", worst))
    ]
    return f"Heat map of returns per {name} and coin: {', '.join(told)}."


def _breadth_alt(rows: pl.DataFrame) -> str:
    if rows.is_empty():
        return "Market breadth: nothing to draw."
    last = rows.row(-1, named=True)
    return (
        f"Bars of coins that rose and fell: in the newest interval {last['advancers']:.1f} rose and "
        f"{last['decliners']:.1f} fell per hour; {written(last['share_above_vwap_24h'], 'percent')} of coins are above "
        f"their VWAP, the mean correlation is {written(last['mean_corr_24h'], 'correlation')}."
    )
