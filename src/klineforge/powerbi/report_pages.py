"""The five pages of the Power BI report: which visual shows which figures. Where it stands is ``report_files``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from klineforge.measures.registry import metric
from klineforge.powerbi.model import AMOUNT, MEASURES

Field = tuple[str, str]
"""Table and column, or ``MEASURES`` and the label of a measure."""


@dataclass(frozen=True, slots=True)
class Visual:
    """One visual.

    Args:
        kind: Name of the visual in Power BI.
        title: Heading.
        roles: Fields by the role they play.
    """

    kind: str
    title: str
    roles: Mapping[str, tuple[Field, ...]]


def _m(key: str) -> Field:
    return (MEASURES, metric(key).label)


_HOUR: Final[Field] = ("dim_timestamp", "ts")
_COIN: Final[Field] = ("dim_coins", "coin")


def _card(key: str) -> Visual:
    return Visual("card", metric(key).label, {"Values": (_m(key),)})


def _slicer(field: Field, title: str) -> Visual:
    return Visual("slicer", title, {"Values": (field,)})


def _line(title: str, *keys: str, series: Field | None = None) -> Visual:
    roles = {"Category": (_HOUR,), "Y": tuple(map(_m, keys))}
    return Visual("lineChart", title, roles if series is None else {**roles, "Series": (series,)})


def _table(title: str, first: Field, *keys: str) -> Visual:
    return Visual("tableEx", title, {"Values": (first, *map(_m, keys))})


def _bars(title: str, category: Field, key: str) -> Visual:
    return Visual("clusteredBarChart", title, {"Category": (category,), "Y": (_m(key),)})


_SHARED: Final = (
    _slicer(("dim_exchange", "exchange"), "Exchange"),
    _slicer(_COIN, "Coin"),
    _slicer(("dim_timestamp", "date"), "Date"),
)
PAGES: Final[Mapping[str, tuple[Visual, ...]]] = MappingProxyType(
    {
        "market_pulse": (
            *_SHARED,
            *map(_card, ("mean_return_24h", "mean_volatility", "mean_correlation", "market_state")),
            _table("Top movers", _COIN, "close_price", "return_24h", "mover_signal_band", "volume_spike_ratio",
                   "volume_ratio_30d", "volatility_regime", "trend_state", "correlation_pressure", "mover_rank"),
            _line("Market direction", "normalised_price", series=_COIN),
            _line("Breadth", "advancers", "decliners"),
            _bars("24h return", _COIN, "return_24h"),
        ),
        "coin_deep_dive": (
            *_SHARED,
            *map(_card, ("close_price", "vwap_deviation", "rsi_14", "volume_pressure", "volume_activity")),
            _line("Close price and VWAP", "close_price", "vwap_24h"),
            _line("RSI (14)", "rsi_14"),
            _line("Volatility", "rolling_vol_24h"),
            _line("Volume spikes", "max_volume_spike_ratio", "volume_ratio_30d"),
        ),
        "correlation_portfolio": (
            *_SHARED,
            *map(_card, ("diversification_score", "mean_correlation", "max_correlation", "corr_breakdown_alerts")),
            Visual(
                "pivotTable",
                "Correlation of hourly returns",
                {
                    "Rows": (("mart_correlations", "base_coin"),),
                    "Columns": (("mart_correlations", "related_coin"),),
                    "Values": (_m("corr_24h"),),
                },
            ),
            _line("Price comparison, start = 100", "normalised_price", series=_COIN),
            _line("Correlation over time", "corr_24h"),
            _bars("Annual volatility", _COIN, "annual_volatility"),
        ),
        "risk_management": (
            *_SHARED,
            *map(_card, ("market_volatility_regime", "worst_drawdown", "risk_state", "risk_state_share")),
            _bars("Drawdown ranking", _COIN, "drawdown_pct"),
            _line("Underwater", "drawdown_pct", series=_COIN),
            _table("Risk", _COIN, "var_95", "cvar_95", "var_99", "cvar_99", "sharpe", "sortino", "beta_720h"),
            Visual(
                "donutChart",
                "Hours by volatility regime",
                {"Category": (("mart_returns_1h", "volatility_regime"),), "Y": (_m("coin_hours"),)},
            ),
        ),
        "investment_simulator": (
            _slicer(_COIN, "Coin"),
            _slicer(("dim_timestamp", "date"), "Start and end"),
            _slicer((AMOUNT, AMOUNT), "Amount"),
            *map(_card, ("initial_investment", "final_value", "net_pnl", "total_return", "cagr")),
            _line("Value over time", "final_value"),
            _line("Drawdown from the all-time high", "drawdown_pct"),
        ),
    }
)  # fmt: skip
