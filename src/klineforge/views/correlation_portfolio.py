"""Correlation & Portfolio: which coins move together, and where the risk of weights lies."""

from __future__ import annotations

from typing import Final

import numpy as np

from klineforge.domain.writing import written
from klineforge.measures import portfolio
from klineforge.serving.catalogue import Catalogue, read_catalogue
from klineforge.serving.selection import Selection
from klineforge.serving.warehouse import Warehouse
from klineforge.views import portfolio_charts
from klineforge.views.page import Kpi, Notice, Page, Section, Text, Tone
from klineforge.views.pages import View
from klineforge.views.portfolio_figures import TABLES, Portfolio, PortfolioOptions, read_portfolio
from klineforge.views.theme import Theme

_CLOSE, _LOOSE = 0.6, 0.3
_DEFINITIONS: Final = (
    "**Correlations** are those of the hourly returns over 24 hours. **Diversification** is one less the mean size of "
    "the correlations. **Effective bets** is the number of independent bets that the correlations leave: all coins as "
    "one are 1. **Share of the risk** is a coin's share in the variance of the hourly returns of the weighted "
    "portfolio; a negative one takes risk away."
)


def draw(warehouse: Warehouse, selection: Selection, options: PortfolioOptions, theme: Theme) -> Page:
    """The page.

    Args:
        warehouse: The lake.
        selection: Coins and hours.
        options: Basis, threshold, pair and weights.
        theme: Colours.

    Raises:
        UnavailableError: There are no correlations, or none of what was selected.
    """
    catalogue = read_catalogue(warehouse)
    figures = read_portfolio(warehouse, selection, options)
    notices = tuple(Notice(remark) for remark in figures.remarks)
    basis = f"at {figures.at:%Y-%m-%d %H:%M} UTC" if options.basis == "newest" else "mean of the range"
    return Page(
        key="correlation_portfolio",
        title="Correlation & Portfolio",
        subtitle=f"{selection.exchange}, {len(figures.coins)} coins, {figures.pairs.height} pairs, {basis}",
        kpis=_kpis(figures, catalogue),
        sections=(
            *([Section("What could not be shown", notices)] if notices else []),
            Section(
                "What moves together",
                (
                    portfolio_charts.heat_map(figures, catalogue, theme),
                    portfolio_charts.network(figures, catalogue, options.threshold, theme),
                ),
                columns=2,
            ),
            Section("Prices", (portfolio_charts.prices(figures, selection, catalogue, theme),)),
            Section("One pair", (portfolio_charts.pair_over_time(figures, selection, catalogue, theme),)),
            Section("Risk of the weights", (portfolio_charts.risk_of_weights(figures, catalogue, theme),)),
            Section("What the figures mean", (Text(_DEFINITIONS),)),
        ),
    )


def _kpis(figures: Portfolio, catalogue: Catalogue) -> tuple[Kpi, ...]:
    mean = portfolio.mean_correlation(figures.matrix)
    highest = portfolio.max_correlation(figures.matrix, figures.coins)
    known = int(np.isfinite(figures.matrix[np.triu_indices(len(figures.coins), 1)]).sum())
    named = f"{catalogue.label(highest.first)} and {catalogue.label(highest.second)}" if highest else "no pair"
    share = figures.weights["risk_contribution"].max()
    return (
        Kpi(
            "diversification_score",
            "Diversification",
            portfolio.diversification_score(figures.matrix),
            "percent",
            _tone(mean),
            f"{known} of {figures.pairs.height} pairs",
        ),
        Kpi("mean_correlation", "Avg correlation", mean, "correlation", _tone(mean), "no coin with itself"),
        Kpi(
            "max_correlation",
            "Max correlation",
            highest.correlation if highest else None,
            "correlation",
            _tone(highest.correlation if highest else None),
            named,
        ),
        Kpi("effective_bets", "Effective bets", figures.bets, "number", "neutral", f"of {len(figures.coins)} coins"),
        Kpi(
            "portfolio_volatility",
            "Portfolio volatility",
            figures.volatility,
            "percent",
            "neutral",
            f"a year; largest share of the risk {written(share, 'percent')}",
        ),
        Kpi(
            "weight_concentration",
            "Concentration (HHI)",
            figures.concentration,
            "ratio",
            "neutral",
            f"of {figures.weights.height} weights",
        ),
    )


def _tone(correlation: float | None) -> Tone:
    if correlation is None:
        return "muted"
    return "bad" if correlation >= _CLOSE else "warn" if correlation >= _LOOSE else "good"


CORRELATION_PORTFOLIO: Final = View(
    key="correlation_portfolio",
    title="Correlation & Portfolio",
    purpose="Which coins move together, and where the risk of a portfolio lies.",
    tables=TABLES,
    options=PortfolioOptions,
    draw=draw,
)
