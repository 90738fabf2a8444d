"""The pages of the report, in order."""

from __future__ import annotations

from typing import Any, Final

from klineforge.views.coin_deep_dive import COIN_DEEP_DIVE
from klineforge.views.correlation_portfolio import CORRELATION_PORTFOLIO
from klineforge.views.investment_simulator import INVESTMENT_SIMULATOR
from klineforge.views.market_pulse import MARKET_PULSE
from klineforge.views.pages import View
from klineforge.views.risk_management import RISK_MANAGEMENT

VIEWS: Final[tuple[View[Any], ...]] = (
    MARKET_PULSE,
    COIN_DEEP_DIVE,
    CORRELATION_PORTFOLIO,
    RISK_MANAGEMENT,
    INVESTMENT_SIMULATOR,
)
