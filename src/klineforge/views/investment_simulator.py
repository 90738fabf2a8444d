"""Investment Simulator: what money put into a coin or a basket would have become."""

from __future__ import annotations

from typing import Final

import polars as pl

from klineforge.measures.simulation import story
from klineforge.serving.catalogue import Catalogue, read_catalogue
from klineforge.serving.intervals import coarse_enough, last_of_each, opened_at
from klineforge.serving.selection import Selection
from klineforge.serving.warehouse import Warehouse
from klineforge.views.drawing import Canvas
from klineforge.views.page import Chart, Column, Kpi, Notice, Page, Section, Table, Text, Tone
from klineforge.views.pages import View
from klineforge.views.simulator_figures import TABLES, Simulation, SimulatorOptions, read_simulation
from klineforge.views.theme import Theme

POINTS: Final = 1500
NAMED: Final = 3
"""Coins of a basket that are named; of more, the rest is counted."""
_TIME = "open_timestamp"
_HOW: Final = {"1d": "every day", "1w": "every week", "1M": "every 30 days"}
_CAVEAT: Final = (
    "Purchases are made at the close of their hour, fees are taken from each; weights are those at the purchase and "
    "nothing is sold or rebalanced. A coin without a candle keeps its last price. The drawdown is that of the money "
    "that is in: new purchases do not hide it. What happened says nothing about what will."
)


def draw(warehouse: Warehouse, selection: Selection, options: SimulatorOptions, theme: Theme) -> Page:
    """The page.

    Args:
        warehouse: The lake.
        selection: The coin in focus, and the hours in which money is in.
        options: Amount, how often, fee, basket.
        theme: Colours.

    Raises:
        UnavailableError: None of the coins has a candle in the range.
        ValueError: When the options make no sense.
    """
    catalogue = read_catalogue(warehouse)
    made = read_simulation(warehouse, selection, catalogue, options)
    name = _name(made, catalogue)
    first, last = made.opened[0], made.opened[-1]
    told = story(name, made.plan, made.course, f"{first:%Y-%m-%d %H:%M}", f"{last:%Y-%m-%d %H:%M}", made.money)
    rows = _rows(made)
    return Page(
        key="investment_simulator",
        title="Investment Simulator",
        subtitle=f"{selection.exchange}, {name}, {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC, "
        f"{_HOW[options.every] if options.every else 'all at once'}",
        kpis=_kpis(made, catalogue),
        sections=(
            Section("In a sentence", (Text(told), *(Notice(remark) for remark in made.remarks))),
            Section("Value", (_value(made, rows, selection, name, catalogue, theme),)),
            Section("Drawdown", (_drawdown(made, rows, selection, name, catalogue, theme),)),
            Section("What is held in the end", (_holdings(made, catalogue),)),
            Section("How it is computed", (Text(_CAVEAT),)),
        ),
    )


def _name(made: Simulation, catalogue: Catalogue) -> str:
    labels = [catalogue.label(coin) for coin in made.coins]
    more = f" and {len(labels) - NAMED} more" if len(labels) > NAMED else ""
    return ", ".join(labels[:NAMED]) + more


def _kpis(made: Simulation, catalogue: Catalogue) -> tuple[Kpi, ...]:
    course, money = made.course, made.money
    tone: Tone = "good" if course.profit >= 0 else "bad"
    regular = made.plan.every is not None
    than = f"{catalogue.label(made.reference)}: " if made.reference else ""
    other = made.benchmark
    return (
        Kpi("initial_investment", "Invested", made.plan.amount, "money", "neutral", money),
        Kpi("final_value", "Final value", course.final, "money", tone, money),
        Kpi("net_pnl", "Net P&L", course.profit, "money", tone, money),
        Kpi(
            "total_return",
            "Return",
            course.total_return,
            "signed_percent",
            tone,
            f"{than}{other.total_return * 100:+,.2f} %" if other else "",
        ),
        Kpi(
            "money_weighted_return" if regular else "cagr",
            "Money-weighted return" if regular else "CAGR",
            course.rate,
            "signed_percent",
            tone if course.rate is not None else "muted",
            "a year",
        ),
        Kpi(
            "max_drawdown",
            "Max drawdown",
            course.max_drawdown,
            "percent",
            "neutral",
            f"{than}{other.max_drawdown * 100:,.2f} %" if other else "",
        ),
        Kpi("fees_paid", "Fees", course.fees, "money", "neutral", money),
    )


def _rows(made: Simulation) -> pl.DataFrame:
    other = made.benchmark
    nothing = pl.lit(None, pl.Float64)
    return pl.DataFrame(
        {
            _TIME: made.opened,
            "value": made.course.value,
            "contributed": made.course.contributed,
            "drawdown": made.course.drawdown,
        }
    ).with_columns(
        benchmark=nothing if other is None else pl.Series(other.value),
        benchmark_drawdown=nothing if other is None else pl.Series(other.drawdown),
    )


def _value(
    made: Simulation, rows: pl.DataFrame, selection: Selection, name: str, catalogue: Catalogue, theme: Theme
) -> Chart:
    interval = coarse_enough(selection.interval, rows.height, POINTS)
    shown = last_of_each(rows.select(_TIME, "value", "contributed", "benchmark"), interval, by=())
    drawn = Canvas(theme, 380)
    drawn.line(shown[_TIME], shown["value"], name, theme.accent, width=2)
    if made.reference and made.coins != (made.reference,):
        drawn.line(shown[_TIME], shown["benchmark"], catalogue.label(made.reference), theme.blue)
    drawn.line(shown[_TIME], shown["contributed"], "invested", theme.grey, width=1)
    drawn.axis(title={"text": made.money})
    columns = [
        Column(_TIME, "Hour", "time"),
        Column("value", "Value", "money", "portfolio_value"),
        Column("contributed", "Invested", "money", "initial_investment"),
        Column("benchmark", "BTC", "money", "benchmark_value"),
    ]
    low, high = float(made.course.value.min()), float(made.course.value.max())
    return Chart(
        key="value_over_time",
        title="Value over time",
        figure=drawn.figure(),
        alt=f"{made.plan.amount:,.2f} {made.money} in {name} became {made.course.final:,.2f}, between {low:,.2f} and "
        f"{high:,.2f} on the way"
        + (
            f"; in {catalogue.label(made.reference)} {made.benchmark.final:,.2f}."
            if made.benchmark and made.reference
            else "."
        ),
        frame=shown.sort(_TIME, descending=True),
        columns=tuple(columns if made.reference else columns[:3]),
        metrics=("portfolio_value", "benchmark_value"),
        height=380,
    )


def _drawdown(
    made: Simulation, rows: pl.DataFrame, selection: Selection, name: str, catalogue: Catalogue, theme: Theme
) -> Chart:
    interval = coarse_enough(selection.interval, rows.height, POINTS)
    # The deepest of each interval: joining hours must not hide a fall.
    shown = (
        rows.select(_TIME, "drawdown", "benchmark_drawdown")
        .with_columns(opened_at(interval))
        .group_by(_TIME, maintain_order=True)
        .agg(pl.col("drawdown").min(), pl.col("benchmark_drawdown").min())
    )
    drawn = Canvas(theme, 300)
    drawn.line(shown[_TIME], shown["drawdown"], name, theme.red, scale=100)
    if made.reference and made.coins != (made.reference,):
        drawn.line(shown[_TIME], shown["benchmark_drawdown"], catalogue.label(made.reference), theme.blue, scale=100)
    drawn.axis(ticksuffix=" %", rangemode="tozero")
    return Chart(
        key="drawdown_over_time",
        title="Drawdown over time",
        figure=drawn.figure(),
        alt=f"How far {name} was below its highest value; {made.course.max_drawdown * 100:.2f} % at its deepest.",
        frame=shown.sort(_TIME, descending=True),
        columns=(
            Column(_TIME, "Hour", "time"),
            Column("drawdown", "Drawdown", "percent", "max_drawdown"),
            Column("benchmark_drawdown", "BTC", "percent", "max_drawdown"),
        ),
        metrics=("max_drawdown",),
        height=300,
    )


def _holdings(made: Simulation, catalogue: Catalogue) -> Table:
    frame = made.holdings.with_columns(pl.col("coin").replace(dict(catalogue.labels)).alias("name"))
    return Table(
        key="holdings",
        title="Holdings",
        frame=frame,
        columns=(
            Column("name", "Coin"),
            Column("weight", "Weight", "percent", "weight"),
            Column("units", "Units", "price"),
            Column("close_price", "Last price", "price", "close_price"),
            Column("value", f"Value in {made.money}", "money", "portfolio_value"),
        ),
        drill="coin",
    )


INVESTMENT_SIMULATOR: Final = View(
    key="investment_simulator",
    title="Investment Simulator",
    purpose="What money put into a coin or a basket would have become.",
    tables=TABLES,
    options=SimulatorOptions,
    draw=draw,
)
