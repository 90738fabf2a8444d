"""The controls that single pages have beside the shared ones; what they say is kept in the URL."""

from __future__ import annotations

from typing import Final, Literal

import streamlit as st

from klineforge.app.options import choice, number, weights
from klineforge.serving.catalogue import Catalogue
from klineforge.serving.selection import Selection
from klineforge.views.portfolio_figures import Basis, PortfolioOptions
from klineforge.views.simulator_figures import Every, SimulatorOptions

_BASES: Final[dict[Basis, str]] = {"newest": "of the newest hour", "range": "mean of the range"}
_HOW: Final[dict[Literal["once"] | Every, str]] = {
    "once": "all at once",
    "1d": "every day",
    "1w": "every week",
    "1M": "every 30 days",
}
_LARGEST: Final = 1e9
_WEIGHED: Final = 3
"""Coins of the portfolio that is weighed before anything is chosen."""


def of_portfolio(selection: Selection, catalogue: Catalogue) -> PortfolioOptions:
    """Basis, threshold, pair and weights of Correlation & Portfolio.

    Args:
        selection: What is shown.
        catalogue: What the lake has to offer.
    """
    coins = selection.all_coins(catalogue)
    with st.expander("Correlations, pair and weights", icon=":material/tune:"):
        basis = choice("basis", "Correlations", tuple(_BASES), "newest", _BASES.__getitem__)
        threshold = number("threshold", "Lines of the network from", 0.6, low=0.0, high=1.0, step=0.05)
        first = choice(
            "pair_with", "Pair: the coin in focus and", ("", *coins), "", lambda name: _pair(name, catalogue)
        )
        parts = weights("weights", "Weights", coins, _even(selection, coins), catalogue.label)
    pair = (selection.coin, first) if first and first != selection.coin else None
    return PortfolioOptions(basis, threshold, pair, tuple(parts.items()))


def of_simulator(selection: Selection, catalogue: Catalogue) -> SimulatorOptions:
    """Amount, how often, fee and basket of the Investment Simulator.

    Args:
        selection: What is shown; its range is when money is in.
        catalogue: What the lake has to offer.
    """
    coins = catalogue.coins[selection.exchange]
    with st.expander("Money, purchases and basket", expanded=True, icon=":material/tune:"):
        amount = number("amount", "Amount", 1000.0, low=0.01, high=_LARGEST, step=100.0, told="In the quote asset.")
        how = choice("every", "Purchases", tuple(_HOW), "once", _HOW.__getitem__)
        fee = number("fee", "Fee of a purchase, %", 0.1, low=0.0, high=50.0, step=0.05)
        parts = weights("basket", "Basket", coins, {selection.coin: 1.0}, catalogue.label)
    return SimulatorOptions(amount, None if how == "once" else how, fee / 100, tuple(parts.items()))


def _pair(name: str, catalogue: Catalogue) -> str:
    return catalogue.label(name) if name else "the pair that moves together most"


def _even(selection: Selection, coins: tuple[str, ...]) -> dict[str, float]:
    """The coin in focus and the first others, all the same."""
    others = [coin for coin in coins if coin != selection.coin]
    focus = [selection.coin] if selection.coin in coins else []
    return dict.fromkeys([*focus, *others][:_WEIGHED], 1.0)
