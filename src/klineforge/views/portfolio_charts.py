"""The charts of Correlation & Portfolio."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from klineforge.domain.writing import written
from klineforge.measures.portfolio import edges
from klineforge.serving.catalogue import Catalogue
from klineforge.serving.intervals import coarse_enough, last_of_each
from klineforge.serving.selection import Selection
from klineforge.views.drawing import Canvas, numbers, times
from klineforge.views.page import Chart, Column
from klineforge.views.portfolio_figures import Portfolio
from klineforge.views.theme import Theme

POINTS: Final = 1500
"""Points of a line at most; longer ranges are drawn by a longer interval."""
LINES: Final = 12
LABELLED: Final = 16
"""Coins up to which the heat map writes its figures into its cells."""
DRAWN_EDGES: Final = 400
_LEVELS: Final = ((0.8, "High"), (0.5, "Medium"), (0.3, "Low"))
_TIME, _COIN = "open_timestamp", "coin"
_PAIR = (Column("base_coin", "Coin"), Column("related_coin", "and coin"))


def heat_map(figures: Portfolio, catalogue: Catalogue, theme: Theme) -> Chart:
    """The full matrix, from -1 to 1, coins that move alike side by side."""
    labels = [catalogue.label(coin) for coin in figures.coins]
    cells = figures.matrix.copy()
    np.fill_diagonal(cells, np.nan)
    few = len(labels) <= LABELLED
    height = max(320, 80 + 22 * len(labels)) if few else 620
    drawn = Canvas(theme, height)
    drawn.add(
        {
            "type": "heatmap",
            "x": labels,
            "y": labels,
            "z": cells,
            "zmin": -1,
            "zmax": 1,
            "colorscale": theme.diverging,
            "hovertemplate": "%{y} and %{x}<br>%{z:+.2f}<extra></extra>",
            "texttemplate": "%{z:.2f}" if few else "",
            "colorbar": {"thickness": 10, "outlinewidth": 0},
        }
    )
    drawn.layout(hovermode="closest")
    drawn.axis(autorange="reversed", type="category", showgrid=False)
    return Chart(
        key="heat_map",
        title="Correlation heat map",
        figure=drawn.figure(),
        alt=_strongest_alt(figures, catalogue),
        frame=figures.pairs,
        columns=(
            *_PAIR,
            Column("correlation", "Correlation", "correlation", "corr_24h"),
            Column("mean_corr", "Mean of the range", "correlation"),
            Column("correlation_regime", "Regime", "text", "correlation_regime"),
            Column("breakdowns", "Breakdowns", "integer", "corr_breakdown_alerts"),
        ),
        metrics=("corr_24h",),
        height=height,
        note="Coins that move alike stand together; a coin with itself is left empty.",
    )


def network(figures: Portfolio, catalogue: Catalogue, threshold: float, theme: Theme) -> Chart:
    """Coins on a circle in the order of the heat map, with a line between those that move together."""
    found = edges(figures.matrix, figures.coins, threshold)
    angles = np.linspace(0, 2 * np.pi, len(figures.coins), endpoint=False)
    place = {coin: (np.sin(angle), np.cos(angle)) for coin, angle in zip(figures.coins, angles, strict=True)}
    drawn = Canvas(theme, 460)
    bands = ((0.8, 1.01, 3.0), (0.5, 0.8, 1.8), (0.0, 0.5, 0.8))
    for sign, word, colour in ((1, "together", theme.red), (-1, "against each other", theme.green)):
        for low, high, width in bands:
            x: list[float] = []
            y: list[float] = []
            for edge in found[:DRAWN_EDGES]:
                if low <= sign * edge.correlation < high:
                    (x0, y0), (x1, y1) = place[edge.first], place[edge.second]
                    x += [x0, x1, np.nan]
                    y += [y0, y1, np.nan]
            if x:
                line = {"color": theme.faint(colour, 0.55), "width": width}
                name = f"{word}, from {max(low, threshold):.2g}" if low else f"{word}, below 0.5"
                drawn.add(
                    {
                        "type": "scatter",
                        "mode": "lines",
                        "x": x,
                        "y": y,
                        "name": name,
                        "line": line,
                        "hoverinfo": "skip",
                    }
                )
    degree = {coin: sum(coin in edge[:2] for edge in found) for coin in figures.coins}
    drawn.add(
        {
            "type": "scatter",
            "mode": "markers+text",
            "x": [place[coin][0] for coin in figures.coins],
            "y": [place[coin][1] for coin in figures.coins],
            "text": [catalogue.label(coin) for coin in figures.coins],
            "textposition": "middle center" if len(figures.coins) > 30 else "top center",
            "customdata": [[coin, degree[coin]] for coin in figures.coins],
            "hovertemplate": "%{text}: %{customdata[1]} lines<extra></extra>",
            "marker": {"size": 10, "color": theme.accent},
            "showlegend": False,
        }
    )
    drawn.layout(hovermode="closest", xaxis={"visible": False, "range": [-1.35, 1.35]})
    drawn.axis(visible=False, range=[-1.3, 1.3], scaleanchor="x")
    hidden = f"; the {DRAWN_EDGES} strongest of {len(found)} lines are drawn" if len(found) > DRAWN_EDGES else ""
    frame = pl.DataFrame(found, schema=["base_coin", "related_coin", "correlation"], orient="row") if found else (
        figures.pairs.select("base_coin", "related_coin", "correlation").clear()
    )  # fmt: skip
    alone = sum(number == 0 for number in degree.values())
    return Chart(
        key="network",
        title="Correlation network",
        figure=drawn.figure(),
        alt=f"{len(found)} of {figures.pairs.height} pairs have a correlation of at least {threshold:.2f} in size; "
        f"{alone} of {len(figures.coins)} coins have no such pair.",
        frame=frame,
        columns=(*_PAIR, Column("correlation", "Correlation", "correlation", "corr_24h")),
        metrics=("corr_24h",),
        height=460,
        drill=True,
        note=f"A line from a correlation of {threshold:.2f} on, in size{hidden}.",
    )


def prices(figures: Portfolio, selection: Selection, catalogue: Catalogue, theme: Theme) -> Chart:
    """Prices from 100 at the start."""
    interval = coarse_enough(selection.interval, selection.hours, POINTS)
    rows = last_of_each(figures.prices.select(_COIN, _TIME, "close_price", "index"), interval)
    last = rows.group_by(_COIN).agg(pl.col("index").last()).sort("index", _COIN)
    ends = last[_COIN].to_list()
    shown = ends if len(ends) <= LINES else [*ends[: LINES // 2], *ends[-LINES // 2 :]]
    drawn = Canvas(theme, 360)
    for coin, colour in zip(sorted(shown), theme.series * LINES, strict=False):
        mine = rows.filter(pl.col(_COIN) == coin)
        drawn.line(mine[_TIME], mine["index"], catalogue.label(coin), colour)
    drawn.level(100, theme.muted, dash="dot")
    drawn.axis(title={"text": "start = 100"})
    worst, best = last.row(0, named=True), last.row(-1, named=True)
    few = f" Drawn are the {len(shown)} of {len(ends)} coins that rose and fell most." if len(shown) < len(ends) else ""
    return Chart(
        key="normalised_prices",
        title="Prices, start = 100",
        figure=drawn.figure(),
        alt=f"From 100, {catalogue.label(best[_COIN])} came to {best['index']:.1f} and "
        f"{catalogue.label(worst[_COIN])} to {worst['index']:.1f}, the best and the worst.",
        frame=rows.sort(_TIME, _COIN, descending=[True, False]),
        columns=(
            Column(_TIME, "Hour", "time"),
            Column(_COIN, "Coin"),
            Column("close_price", "Close", "price", "close_price"),
            Column("index", "Start = 100", "number", "normalised_price"),
        ),
        metrics=("normalised_price",),
        height=360,
        note=f"Each coin from its first candle in the range.{few}",
    )


def pair_over_time(figures: Portfolio, selection: Selection, catalogue: Catalogue, theme: Theme) -> Chart:
    """One pair's correlation with the bounds of the regimes and its breakdowns."""
    first, second = figures.pair or ("", "")
    name = f"{catalogue.label(first)} and {catalogue.label(second)}"
    interval = coarse_enough("1h", selection.hours, 4 * POINTS)
    rows = last_of_each(figures.course, interval, by=())
    alerts = figures.course.filter(pl.col("corr_breakdown_alerts"))
    drawn = Canvas(theme, 340)
    drawn.line(rows[_TIME], rows["corr_24h"], "corr_24h", theme.blue)
    for level, word in _LEVELS:
        drawn.level(level, theme.muted, word, dash="dot")
        drawn.level(-level, theme.muted, dash="dot")
    drawn.add(
        {
            "type": "scatter",
            "mode": "markers",
            "x": times(alerts[_TIME]),
            "y": numbers(alerts["corr_24h"]),
            "name": "breakdown",
            "marker": {"color": theme.red, "size": 8, "symbol": "x"},
        }
    )
    drawn.axis(range=[-1.05, 1.05])
    known = figures.course.drop_nulls("corr_24h")
    regimes = known["correlation_regime"].value_counts(sort=True)
    most = regimes.row(0) if regimes.height else ("no regime", 0)
    newest = written(known["corr_24h"][-1] if known.height else None, "correlation")
    return Chart(
        key="pair_over_time",
        title=f"{name} over time",
        figure=drawn.figure(),
        alt=f"The 24-hour correlation of {name} is {newest} in the end; {most[0]} was its regime in {most[1]} of "
        f"{known.height} hours; it broke down {alerts.height} times.",
        frame=figures.course.sort(_TIME, descending=True),
        columns=(
            Column(_TIME, "Hour", "time"),
            Column("corr_24h", "Correlation", "correlation", "corr_24h"),
            Column("observations_24h", "Hours", "integer"),
            Column("correlation_regime", "Regime", "text", "correlation_regime"),
            Column("corr_breakdown_alerts", "Breakdown", "text", "corr_breakdown_alerts"),
        ),
        metrics=("corr_24h", "correlation_regime", "corr_breakdown_alerts"),
        height=340,
        note="A breakdown is a move of more than 0.5 within an hour.",
    )


def risk_of_weights(figures: Portfolio, catalogue: Catalogue, theme: Theme) -> Chart:
    """Weights beside the shares of the risk they bring."""
    rows = figures.weights.head(40)
    labels = [catalogue.label(coin) for coin in rows[_COIN]]
    drawn = Canvas(theme, max(260, 70 + 26 * rows.height))
    for name, label, colour in (
        ("risk_contribution", "Share of the risk", theme.orange),
        ("weight", "Weight", theme.blue),
    ):
        drawn.add(
            {
                "type": "bar",
                "orientation": "h",
                "x": numbers(rows[name]) * 100,
                "y": labels,
                "name": label,
                "marker": {"color": colour, "line": {"width": 0}},
                "hovertemplate": "%{y}: %{x:.1f} %<extra></extra>",
            }
        )
    drawn.layout(hovermode="closest", barmode="group", xaxis={"ticksuffix": " %"})
    drawn.axis(autorange="reversed", type="category", showgrid=False)
    first = rows.row(0, named=True)
    return Chart(
        key="risk_of_weights",
        title="Concentration of risk",
        figure=drawn.figure(),
        alt=f"{catalogue.label(first[_COIN])} has {written(first['weight'], 'percent')} of the weight and brings "
        f"{written(first['risk_contribution'], 'percent')} of the portfolio's variance, the largest share.",
        frame=figures.weights,
        columns=(
            Column(_COIN, "Coin"),
            Column("weight", "Weight", "percent", "weight"),
            Column("risk_contribution", "Share of the risk", "percent", "risk_contribution"),
        ),
        metrics=("weight", "risk_contribution"),
        height=max(260, 70 + 26 * rows.height),
        note=f"Over the {figures.complete_hours:,} hours in which all of them have a return.",
    )


def _strongest_alt(figures: Portfolio, catalogue: Catalogue) -> str:
    known = figures.pairs.drop_nulls("correlation")
    if known.is_empty():
        return "Correlation heat map: no pair has a correlation."
    told = [
        f"{catalogue.label(row['base_coin'])} and {catalogue.label(row['related_coin'])} "
        f"{written(row['correlation'], 'correlation')}"
        for row in known.sort("correlation", descending=True).rows(named=True)
    ]
    return f"Correlation of {len(figures.coins)} coins: highest {told[0]}, lowest {told[-1]}."
