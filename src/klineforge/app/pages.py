"""The pages of the app: a view each, with the controls of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic

from klineforge.app.page_controls import of_portfolio, of_simulator
from klineforge.serving.catalogue import Catalogue
from klineforge.serving.selection import Selection
from klineforge.views.coin_deep_dive import COIN_DEEP_DIVE
from klineforge.views.correlation_portfolio import CORRELATION_PORTFOLIO
from klineforge.views.investment_simulator import INVESTMENT_SIMULATOR
from klineforge.views.market_pulse import MARKET_PULSE
from klineforge.views.pages import Options, View
from klineforge.views.risk_management import RISK_MANAGEMENT


@dataclass(frozen=True, slots=True)
class AppPage(Generic[Options]):
    """A page of the app.

    Args:
        view: What is on it.
        icon: In the navigation.
        controls: Draws the page's own controls, which are kept in the URL, and gives what they say.
    """

    view: View[Options]
    icon: str
    controls: Callable[[Selection, Catalogue], Options]


PAGES: Final[tuple[AppPage[Any], ...]] = (
    AppPage(MARKET_PULSE, ":material/monitor_heart:", lambda *_: MARKET_PULSE.options()),
    AppPage(COIN_DEEP_DIVE, ":material/candlestick_chart:", lambda *_: COIN_DEEP_DIVE.options()),
    AppPage(CORRELATION_PORTFOLIO, ":material/hub:", of_portfolio),
    AppPage(RISK_MANAGEMENT, ":material/shield:", lambda *_: RISK_MANAGEMENT.options()),
    AppPage(INVESTMENT_SIMULATOR, ":material/savings:", of_simulator),
)
