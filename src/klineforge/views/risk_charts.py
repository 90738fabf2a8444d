"""The charts of Risk Management."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from klineforge.domain.writing import written
from klineforge.measures.market import VOLATILE_FROM
from klineforge.serving.catalogue import Catalogue
from klineforge.serving.intervals import coarse_enough, opened_at
from klineforge.serving.selection import Selection
from klineforge.views.drawing import Canvas, numbers
from klineforge.views.page import Chart, Column
from klineforge.views.risk_figures import Risk
from klineforge.views.theme import Theme

POINTS: Final = 1500
LINES: Final = 8
BARS: Final = 40
BINS: Final = 80
DEEP, NOTABLE = -0.40, -0.20
"""Drawdowns from which a bar is red, and from which it is more than ordinary."""
_TIME, _COIN = "open_timestamp", "coin"


def ranking(figures: Risk, catalogue: Catalogue, theme: Theme) -> Chart:
    """Coins by their deepest drawdown, coloured by severity, with where they are now."""
    rows = figures.coins.head(BARS)
    labels = [catalogue.label(coin) for coin in rows[_COIN]]
    worst = rows["worst_drawdown"].to_list()
    colours = [theme.red if depth <= DEEP else theme.orange if depth <= NOTABLE else theme.blue for depth in worst]
    height = max(260, 70 + 24 * rows.height)
    drawn = Canvas(theme, height)
    bar = {"type": "bar", "orientation": "h", "y": labels, "x": numbers(rows["worst_drawdown"]) * 100}
    drawn.add(
        {
            **bar,
            "name": "deepest in the range",
            "marker": {"color": colours, "line": {"width": 0}},
            "customdata": [[coin] for coin in rows[_COIN]],
            "hovertemplate": "%{y}: %{x:.1f} %<extra></extra>",
        }
    )
    drawn.add(
        {
            "type": "scatter",
            "mode": "markers",
            "x": numbers(rows["drawdown_pct"]) * 100,
            "y": labels,
            "name": "now",
            "marker": {"color": theme.text, "size": 8, "symbol": "line-ns-open", "line": {"width": 2}},
            "hovertemplate": "%{y}: %{x:.1f} % now<extra></extra>",
        }
    )
    drawn.layout(hovermode="closest", xaxis={"ticksuffix": " %"})
    drawn.axis(autorange="reversed", type="category", showgrid=False)
    first = rows.row(0, named=True)
    more = f" The {BARS} deepest of {figures.coins.height}." if figures.coins.height > BARS else ""
    return Chart(
        key="drawdown_ranking",
        title="Drawdown ranking",
        figure=drawn.figure(),
        alt=f"Deepest drawdown of the range: {catalogue.label(first[_COIN])} "
        f"{written(first['worst_drawdown'], 'percent')}; {sum(depth <= DEEP for depth in worst)} coins fell by 40 per "
        "cent or more.",
        frame=figures.coins.select(_COIN, "drawdown_pct", "worst_drawdown", "max_drawdown"),
        columns=(
            Column(_COIN, "Coin"),
            Column("drawdown_pct", "Drawdown now", "percent", "drawdown_pct"),
            Column("worst_drawdown", "Deepest in the range", "percent", "worst_drawdown"),
            Column("max_drawdown", "Deepest from a high of the range", "percent", "max_drawdown"),
        ),
        metrics=("worst_drawdown", "drawdown_pct"),
        height=height,
        drill=True,
        note=f"From the highest close of the listing so far. Red from 40 %, orange from 20 %.{more}",
    )


def underwater(figures: Risk, selection: Selection, catalogue: Catalogue, theme: Theme) -> Chart:
    """How far coins are below their highest close: the coin in focus as an area, the deepest others as lines."""
    interval = coarse_enough(selection.interval, selection.hours, POINTS)
    # The deepest of each interval: joining hours must not hide a fall.
    rows = (
        figures.hourly.lazy()
        .select(_COIN, _TIME, "drawdown_pct")
        .with_columns(opened_at(interval))
        .group_by(_COIN, _TIME, maintain_order=True)
        .agg(pl.col("drawdown_pct").min())
        .sort(_COIN, _TIME)
        .collect()
    )
    shown = [coin for coin in figures.coins[_COIN].head(LINES) if coin != selection.coin]
    drawn = Canvas(theme, 360)
    for coin, colour in zip(shown, theme.series * 2, strict=False):
        mine = rows.filter(pl.col(_COIN) == coin)
        drawn.line(
            mine[_TIME], mine["drawdown_pct"], catalogue.label(coin), theme.faint(colour, 0.7), width=1, scale=100
        )
    focus = rows.filter(pl.col(_COIN) == selection.coin)
    if focus.height:
        drawn.add(
            {
                "type": "scatter",
                "mode": "lines",
                "x": focus[_TIME].cast(pl.Datetime("us")).to_numpy(),
                "y": numbers(focus["drawdown_pct"]) * 100,
                "name": catalogue.label(selection.coin),
                "line": {"color": theme.red, "width": 1.5},
                "fill": "tozeroy",
                "fillcolor": theme.faint(theme.red, 0.25),
            }
        )
    drawn.axis(ticksuffix=" %", rangemode="tozero")
    worst = focus["drawdown_pct"].min() if focus.height else None
    return Chart(
        key="underwater",
        title="Underwater",
        figure=drawn.figure(),
        alt=f"Drawdown of {catalogue.label(selection.coin)} over time, {written(worst, 'percent')} at its deepest.",
        frame=rows.sort(_TIME, _COIN, descending=[True, False]),
        columns=(
            Column(_TIME, "Opened", "time"),
            Column(_COIN, "Coin"),
            Column("drawdown_pct", "Drawdown", "percent", "drawdown_pct"),
        ),
        metrics=("drawdown_pct",),
        height=360,
        note=f"The coin in focus and the {len(shown)} that fell deepest; the lowest value of each interval.",
    )


def states(figures: Risk, theme: Theme) -> Chart:
    """Coin hours of the range by risk state."""
    counts = figures.hourly.drop_nulls("risk_state")["risk_state"].value_counts().sort("risk_state")
    total = int(counts["count"].sum())
    frame = counts.with_columns(share=pl.col("count") / total if total else pl.lit(None, pl.Float64))
    colours = [theme.red if state == "High" else theme.green for state in frame["risk_state"]]
    drawn = Canvas(theme, 300)
    drawn.add(
        {
            "type": "pie",
            "labels": frame["risk_state"].to_list(),
            "values": frame["count"].to_list(),
            "hole": 0.6,
            "sort": False,
            "marker": {"colors": colours},
            "textinfo": "label+percent",
            "hovertemplate": "%{label}: %{value:,} coin hours<extra></extra>",
        },
        panel=None,
    )
    drawn.layout(hovermode="closest", showlegend=False)
    high = frame.filter(pl.col("risk_state") == "High")["share"]
    return Chart(
        key="risk_states",
        title="Distribution of risk states",
        figure=drawn.figure(),
        alt=f"{written(high[0] if high.len() else 0.0, 'percent')} of {total:,} coin hours were at high risk.",
        frame=frame,
        columns=(
            Column("risk_state", "Risk state", "text", "risk_state"),
            Column("count", "Coin hours", "integer"),
            Column("share", "Share", "percent", "risk_state_share"),
        ),
        metrics=("risk_state", "risk_state_share"),
        height=300,
    )


def volatility(figures: Risk, theme: Theme) -> Chart:
    """The market's volatility against the bound of its regime."""
    interval = coarse_enough("1h", (figures.market.height or 1), POINTS)
    rows = (
        figures.market.with_columns(opened_at(interval))
        .group_by(_TIME, maintain_order=True)
        .agg(pl.col("volatility").max(), pl.col("usual").last(), pl.col("regime").last())
        .sort(_TIME)
    )
    drawn = Canvas(theme, 300)
    drawn.line(rows[_TIME], rows["volatility"], "mean volatility of the coins", theme.violet, scale=100)
    drawn.line(rows[_TIME], rows["usual"], "median of 90 days", theme.grey, width=1, scale=100)
    drawn.line(rows[_TIME], rows["usual"], "High from here", theme.red, width=1, scale=100 * VOLATILE_FROM)
    bound = None if figures.median is None else VOLATILE_FROM * figures.median
    drawn.axis(ticksuffix=" %", rangemode="tozero")
    newest = rows["volatility"][-1] if rows.height else None
    return Chart(
        key="market_volatility",
        title="Volatility of the market",
        figure=drawn.figure(),
        alt=f"Mean 24-hour volatility of the coins: {written(newest, 'percent')} an hour in the end; High begins at "
        f"{written(bound, 'percent')}.",
        frame=rows.sort(_TIME, descending=True),
        columns=(
            Column(_TIME, "Opened", "time"),
            Column("volatility", "Volatility", "percent", "mean_volatility"),
            Column("usual", "Median of 90 days", "percent"),
            Column("regime", "Regime", "text", "market_volatility_regime"),
        ),
        metrics=("market_volatility_regime",),
        height=300,
        note="With the 90 days before the range; High is above 1.5 times the median of 90 days.",
    )


def distribution(figures: Risk, selection: Selection, catalogue: Catalogue, theme: Theme) -> Chart:
    """Hourly returns of the coin in focus, with the values at risk."""
    mine = figures.hourly.filter(pl.col(_COIN) == selection.coin).drop_nulls("return_pct")
    told = figures.coins.filter(pl.col(_COIN) == selection.coin)
    counts, edges = np.histogram(mine["return_pct"].to_numpy() * 100, bins=BINS)
    middles = (edges[1:] + edges[:-1]) / 2
    drawn = Canvas(theme, 300)
    edge = -100 * told["var_95"][0] if told.height and told["var_95"][0] is not None else -np.inf
    drawn.add(
        {
            "type": "bar",
            "x": middles,
            "y": counts,
            "name": "hours",
            "marker": {
                "color": [theme.red if middle <= edge else theme.blue for middle in middles],
                "line": {"width": 0},
            },
            "hovertemplate": "%{x:.2f} %: %{y:,} hours<extra></extra>",
        }
    )
    drawn.layout(hovermode="closest", bargap=0.05, xaxis={"ticksuffix": " %"}, showlegend=False)
    drawn.axis(title={"text": "hours"})
    frame = pl.DataFrame({"from_return": edges[:-1] / 100, "to_return": edges[1:] / 100, "hours": counts})
    label = catalogue.label(selection.coin)
    risks = [written(told[name][0] if told.height else None, "percent") for name in ("var_95", "cvar_95", "var_99")]
    return Chart(
        key="return_distribution",
        title=f"Hourly returns of {label}",
        figure=drawn.figure(),
        alt=f"{mine.height:,} hourly returns of {label}: value at risk {risks[0]} (95 %) and {risks[2]} (99 %), mean "
        f"loss beyond the former {risks[1]}.",
        frame=frame,
        columns=(
            Column("from_return", "From", "signed_percent"),
            Column("to_return", "To", "signed_percent"),
            Column("hours", "Hours", "integer"),
        ),
        metrics=("var_95", "cvar_95", "var_99", "cvar_99"),
        height=300,
        note="Red: beyond the value at risk of 95 %.",
    )
