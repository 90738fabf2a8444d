"""The figures behind Risk Management: every coin's risk over the range, and the market's volatility over time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import polars as pl

from klineforge.domain.hours import HOUR
from klineforge.measures import risk
from klineforge.measures.market import TRAILING, RiskState, risk_state, volatility_regimes
from klineforge.serving.explanation import Explanation, UnavailableError
from klineforge.serving.selection import Selection
from klineforge.serving.warehouse import Warehouse
from klineforge.views.listings import of_newest_listing

TABLES: Final = ("dim_coins", "mart_returns_1h", "mart_indicators_1h")
FALLS: Final = 5
_TIME, _COIN = "open_timestamp", "coin"
_COLUMNS = (
    _COIN,
    _TIME,
    "listing_seq",
    "close_price",
    "return_pct",
    "rolling_vol_24h",
    "volatility_regime",
    "drawdown_pct",
)


@dataclass(frozen=True, slots=True)
class RiskOptions:
    """What of the page can be chosen beside the selection: nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Risk:
    """What the page shows.

    Args:
        at: Newest hour of the range, UTC.
        coins: One row per coin, the deepest drawdown of the range first: its risk over the range and its state in its
            own newest hour.
        hourly: Returns, drawdown and risk state of every coin and hour of the range.
        market: One row per hour of the range and the 90 days before its end: mean volatility of the coins, its usual
            size over the trailing 90 days, and its regime.
        median: The usual size at the newest hour.
        regime: The market's volatility regime.
        state: High where at least one coin with a candle in the newest hour is at high risk.
        falls: The deepest falls of the coin in focus within the range.
        missing: Why parts of the figures are not there.
    """

    at: datetime
    coins: pl.DataFrame
    hourly: pl.DataFrame
    market: pl.DataFrame
    median: float | None
    regime: RiskState | None
    state: RiskState | None
    falls: pl.DataFrame
    missing: tuple[Explanation, ...]


def read_risk(warehouse: Warehouse, selection: Selection) -> Risk:
    """Read the figures of a selection.

    Raises:
        UnavailableError: There are no returns, or none of what was selected.
    """
    hourly = warehouse.read(
        "mart_returns_1h",
        _COLUMNS,
        exchange=selection.exchange,
        coins=selection.coins,
        start=selection.start,
        end=selection.end,
    )
    asked = f"{selection.exchange} from {selection.start:%Y-%m-%d %H:%M} to {selection.end:%Y-%m-%d %H:%M}"
    warehouse.require(hourly, "mart_returns_1h", asked)
    hourly = hourly.with_columns(risk_state=risk_state(pl.col("drawdown_pct"), pl.col("volatility_regime")))
    at: datetime = hourly[_TIME].max()  # type: ignore[assignment]  # polars: any literal
    betas, missing = _betas(warehouse, selection, at)
    asked_for = ("coin risk", selection.exchange, selection.coins, selection.start, selection.end)
    risks = warehouse.derived(("mart_returns_1h",), asked_for, lambda: _coins(hourly))
    coins = risks.join(betas, on=_COIN, how="left").sort("worst_drawdown", _COIN)
    market = _market(warehouse, selection, at)
    now = market.row(by_predicate=pl.col(_TIME) == at, named=True)
    return Risk(
        at=at,
        coins=coins,
        hourly=hourly,
        market=market,
        median=now["usual"],
        regime=now["regime"],
        state=_state(hourly.filter(pl.col(_TIME) == at)["risk_state"]),
        falls=_falls(warehouse, selection),
        missing=missing,
    )


def _coins(hourly: pl.DataFrame) -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    for (coin,), mine in hourly.filter(of_newest_listing()).group_by(_COIN, maintain_order=True):
        returns = mine["return_pct"].cast(pl.Float64).to_numpy()
        closes = mine["close_price"].to_numpy()
        newest = mine.row(-1, named=True)
        lowest = mine["drawdown_pct"].min()
        span = (newest[_TIME] - mine[_TIME][0]) / HOUR
        growth = risk.growth_rate(closes[-1] / closes[0], span)
        fallen = risk.max_drawdown(closes)
        rows.append(
            {
                _COIN: coin,
                _TIME: newest[_TIME],
                "drawdown_pct": newest["drawdown_pct"],
                "worst_drawdown": lowest,
                "max_drawdown": fallen,
                "risk_state": newest["risk_state"],
                "volatility_regime": newest["volatility_regime"],
                "annual_volatility": risk.annualised_volatility(returns),
                "var_95": risk.value_at_risk(returns, 0.95),
                "cvar_95": risk.conditional_value_at_risk(returns, 0.95),
                "var_99": risk.value_at_risk(returns, 0.99),
                "cvar_99": risk.conditional_value_at_risk(returns, 0.99),
                "sharpe": risk.sharpe_ratio(returns),
                "sortino": risk.sortino_ratio(returns),
                "calmar": growth / -fallen if growth is not None and fallen else None,
                "hours": int(np.isfinite(returns).sum()),
            }
        )
    # Where no coin has a figure its column would have no type.
    words = dict.fromkeys(("risk_state", "volatility_regime"), pl.String)
    kinds = {name: words.get(name, pl.Float64) for name in rows[0] if name not in {_COIN, _TIME, "hours"}}
    return pl.DataFrame(rows, schema_overrides=kinds, infer_schema_length=None)


def _betas(warehouse: Warehouse, selection: Selection, at: datetime) -> tuple[pl.DataFrame, tuple[Explanation, ...]]:
    columns = (_COIN, "beta_720h")
    try:
        rows = warehouse.read(
            "mart_indicators_1h",
            columns,
            exchange=selection.exchange,
            coins=selection.coins,
            start=at,
            end=at + HOUR,
        )
    except UnavailableError as problem:
        return warehouse.no_rows("mart_indicators_1h", columns), (problem.explanation,)
    return rows, ()


def _market(warehouse: Warehouse, selection: Selection, at: datetime) -> pl.DataFrame:
    """Mean volatility of the selected coins, hour by hour; aggregated while it is read."""
    # The first hour of the range has 90 days before it, too.
    since = selection.start - TRAILING

    def query(rows: pl.LazyFrame) -> pl.LazyFrame:
        wanted = rows.filter(
            pl.col("year").is_between(since.year, at.year),
            pl.col(_TIME) > since - HOUR,
            pl.col(_TIME) <= at,
            pl.col("exchange") == selection.exchange,
        )
        if selection.coins:
            wanted = wanted.filter(pl.col(_COIN).is_in(list(selection.coins)))
        return wanted.group_by(_TIME).agg(volatility=pl.col("rolling_vol_24h").mean()).sort(_TIME)

    key = ("market", selection.exchange, selection.coins, since, at)
    return volatility_regimes(warehouse.aggregate("mart_returns_1h", key, query))


def _state(states: pl.Series) -> RiskState | None:
    known = states.drop_nulls()
    if known.is_empty():
        return None
    return "High" if (known == "High").any() else "Low"


def _falls(warehouse: Warehouse, selection: Selection) -> pl.DataFrame:
    rows = warehouse.read(
        "mart_returns_1h",
        (_COIN, _TIME, "listing_seq", "close_price"),
        exchange=selection.exchange,
        coins=(selection.coin,),
        start=selection.start,
        end=selection.end,
    )
    rows = rows.filter(of_newest_listing())
    opened = rows[_TIME].to_list()
    last = opened[-1] if opened else None
    told = [
        {
            _COIN: selection.coin,
            "depth": fall.depth,
            "peak": opened[fall.peak],
            "trough": opened[fall.trough],
            "recovered": None if fall.recovery is None else opened[fall.recovery],
            "drawdown_hours": ((last if fall.recovery is None else opened[fall.recovery]) - opened[fall.peak]) / HOUR,
        }
        for fall in risk.worst_drawdowns(rows["close_price"].to_numpy(), FALLS)
    ]
    moment = pl.Datetime("us", "UTC")
    schema: dict[str, Any] = {
        _COIN: pl.String,
        "depth": pl.Float64,
        "peak": moment,
        "trough": moment,
        "recovered": moment,
        "drawdown_hours": pl.Float64,
    }
    return pl.DataFrame(told, schema=schema)
