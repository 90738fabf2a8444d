"""Risk Management: how far coins have fallen, how much they move, and what an hour can cost."""

from __future__ import annotations

from typing import Final

import polars as pl

from klineforge.domain.writing import written
from klineforge.serving.catalogue import Catalogue, read_catalogue
from klineforge.serving.selection import Selection
from klineforge.serving.warehouse import Warehouse
from klineforge.views import risk_charts, states
from klineforge.views.page import Column, Kpi, Notice, Page, Section, Table, Text, Tone
from klineforge.views.pages import View
from klineforge.views.risk_figures import FALLS, TABLES, Risk, RiskOptions, read_risk
from klineforge.views.theme import Theme

_STATE_TONES: Final[dict[str, Tone]] = {"High": "bad", "Low": "good"}
_DEFINITIONS: Final = (
    "**Risk state** is High for a coin at least 50 % below its highest close so far, or in a High volatility regime; "
    "the market's is High where at least one coin's is. **Market volatility regime** is High while the mean volatility "
    "of the coins is above 1.5 times its median of 90 days. **VaR** is the loss of an hour that 95 or 99 % of the "
    "hours did not exceed, **CVaR** the mean loss of the others, both historical. **Sharpe** and **Sortino** are of "
    "hourly returns at 8,760 hours a year, without a risk-free rate. **Beta** is to the reference coin over 720 hours."
)


def draw(warehouse: Warehouse, selection: Selection, options: RiskOptions, theme: Theme) -> Page:  # noqa: ARG001
    """The page.

    Args:
        warehouse: The lake.
        selection: Coins and hours; the coin in focus has its falls and its returns drawn.
        options: None.
        theme: Colours.

    Raises:
        UnavailableError: There are no returns, or none of what was selected.
    """
    catalogue = read_catalogue(warehouse)
    figures = read_risk(warehouse, selection)
    notices = tuple(Notice.of(explanation) for explanation in figures.missing)
    return Page(
        key="risk_management",
        title="Risk Management",
        subtitle=f"{selection.exchange}, {figures.coins.height} coins, as of {figures.at:%Y-%m-%d %H:%M} UTC",
        kpis=_kpis(figures, catalogue),
        sections=(
            *([Section("What is missing", notices)] if notices else []),
            Section("Risk of every coin", (_coins(figures, catalogue),)),
            Section(
                "Drawdowns",
                (
                    risk_charts.ranking(figures, catalogue, theme),
                    risk_charts.underwater(figures, selection, catalogue, theme),
                ),
            ),
            Section("Deepest falls", (_falls(figures, selection, catalogue),)),
            Section(
                "States and returns",
                (
                    risk_charts.states(figures, theme),
                    risk_charts.volatility(figures, theme),
                    risk_charts.distribution(figures, selection, catalogue, theme),
                ),
                columns=2,
            ),
            Section("What the figures mean", (Text(_DEFINITIONS),)),
        ),
    )


def _kpis(figures: Risk, catalogue: Catalogue) -> tuple[Kpi, ...]:
    worst = figures.coins.row(0, named=True)
    counted = figures.hourly["risk_state"].drop_nulls()
    share = float((counted == "High").sum()) / counted.len() if counted.len() else None
    newest = figures.coins.filter(pl.col("open_timestamp") == figures.at)["risk_state"]
    median = written(figures.median, "percent")
    return (
        Kpi(
            "market_volatility_regime",
            "Market volatility regime",
            figures.regime,
            "text",
            _STATE_TONES.get(figures.regime or "", "muted"),
            f"median of 90 days {median} an hour",
        ),
        Kpi(
            "worst_drawdown",
            "Worst drawdown",
            worst["worst_drawdown"],
            "percent",
            "bad",
            catalogue.label(worst["coin"]),
        ),
        Kpi(
            "risk_state",
            "Risk state",
            figures.state,
            "text",
            _STATE_TONES.get(figures.state or "", "muted"),
            f"{int((newest == 'High').sum())} of {newest.len()} coins at high risk",
        ),
        Kpi("risk_state_share", "Hours at high risk", share, "percent", "neutral", "of the coin hours of the range"),
    )


def _coins(figures: Risk, catalogue: Catalogue) -> Table:
    frame = figures.coins.with_columns(
        states.tones(pl.col("risk_state"), _STATE_TONES).alias("state_tone"),
        states.tones(pl.col("volatility_regime"), states.REGIME_TONES).alias("regime_tone"),
        states.signs(pl.col("sharpe")).alias("sharpe_tone"),
        pl.col("coin").replace(dict(catalogue.labels)).alias("name"),
    )
    return Table(
        key="coin_risk",
        title="Risk of every coin",
        frame=frame,
        drill="coin",
        columns=(
            Column("name", "Coin"),
            Column("risk_state", "Risk state", "text", "risk_state", tone="state_tone"),
            Column("volatility_regime", "Volatility regime", "text", "volatility_regime", tone="regime_tone"),
            Column("drawdown_pct", "Drawdown now", "percent", "drawdown_pct"),
            Column("worst_drawdown", "Deepest", "percent", "worst_drawdown"),
            Column("annual_volatility", "Volatility a year", "percent", "annual_volatility"),
            Column("var_95", "VaR 95 %", "percent", "var_95"),
            Column("cvar_95", "CVaR 95 %", "percent", "cvar_95"),
            Column("var_99", "VaR 99 %", "percent", "var_99"),
            Column("cvar_99", "CVaR 99 %", "percent", "cvar_99"),
            Column("sharpe", "Sharpe", "ratio", "sharpe", tone="sharpe_tone"),
            Column("sortino", "Sortino", "ratio", "sortino"),
            Column("calmar", "Calmar", "ratio", "calmar"),
            Column("beta_720h", "Beta", "ratio", "beta_720h"),
            Column("hours", "Returns", "integer"),
        ),
        note="Over the range; states are those of a coin's newest hour. Choose a row to open the coin's own page.",
    )


def _falls(figures: Risk, selection: Selection, catalogue: Catalogue) -> Table:
    label = catalogue.label(selection.coin)
    return Table(
        key="deepest_falls",
        title=f"The {FALLS} deepest falls of {label}",
        frame=figures.falls,
        columns=(
            Column("depth", "Depth", "percent", "max_drawdown"),
            Column("peak", "Peak", "time"),
            Column("trough", "Trough", "time"),
            Column("recovered", "Recovered", "time"),
            Column("drawdown_hours", "Below the peak", "hours", "drawdown_hours"),
        ),
        note="From the highest close within the range; one without a recovery is still going on.",
    )


RISK_MANAGEMENT: Final = View(
    key="risk_management",
    title="Risk Management",
    purpose="How far coins have fallen, how much they move, and what an hour can cost.",
    tables=TABLES,
    options=RiskOptions,
    draw=draw,
)
