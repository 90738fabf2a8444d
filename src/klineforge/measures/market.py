"""The market in words: mover signals, trends, activity, volatility regimes, states of the market and of risk.

Thresholds are here and nowhere else. Expressions are of polars; null goes in and null comes out.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Literal

import numpy as np
import polars as pl

from klineforge.measures.risk import Numbers

WEAK, STRONG = 0.03, 0.10
"""Sizes of a return from which a move is more than weak, and strong."""
TRENDING_FROM: Final = 0.30
"""Efficiency ratio from which 24 hours count as a trend."""
ELEVATED, HIGH = 1.5, 2.0
"""Times the usual volume above which activity is elevated, and high."""
CALM_PERCENTILE, CLOSE_CORRELATION = 0.5, 0.6
"""Where the market's volatility and its mean correlation begin to count as elevated."""
VOLATILE_FROM: Final = 1.5
"""Times its median of 90 days above which the market's volatility regime is High."""
SEVERE_DRAWDOWN: Final = -0.50
"""Drawdown from which a coin is at high risk by itself."""
TRAILING: Final = timedelta(days=90)
LEAST_TRAILING: Final = 168
"""Hours of volatility that a median over the trailing 90 days needs."""

MarketState = Literal["Calm", "Transition", "Risk-On", "Risk-Off"]
RiskState = Literal["High", "Low"]


def mover_signal(change: pl.Expr) -> pl.Expr:
    """A return in bands: weak below 3 per cent, strong from 10 per cent on, bullish from zero on.

    >>> frame = pl.DataFrame({"change": [0.10, 0.03, 0.0, -0.001, -0.03, -0.1, None]})
    >>> frame.select(mover_signal(pl.col("change"))).to_series().to_list()
    ['Strong Bullish', 'Bullish', 'Weak Bullish', 'Weak Bearish', 'Bearish', 'Strong Bearish', None]

    Args:
        change: Return as a fraction; null has no signal.
    """
    size = change.abs()
    direction = pl.when(change >= 0).then(pl.lit("Bullish")).when(change < 0).then(pl.lit("Bearish"))
    strength = pl.when(size >= STRONG).then(pl.lit("Strong ")).when(size < WEAK).then(pl.lit("Weak "))
    return strength.otherwise(pl.lit("")) + direction


def trend(efficiency: pl.Expr, change: pl.Expr) -> pl.Expr:
    """Whether 24 hours went somewhere: trending up or down from an efficiency ratio of 0.30 on, else ranging.

    >>> frame = pl.DataFrame({"e": [0.3, 0.5, 0.29, None], "r": [0.02, -0.01, 0.2, 0.1]})
    >>> frame.select(trend(pl.col("e"), pl.col("r"))).to_series().to_list()
    ['Trending up', 'Trending down', 'Ranging', None]

    Args:
        efficiency: Kaufman's efficiency ratio of 24 hours, 0 to 1; null has no state.
        change: Return over the same hours, for the direction.
    """
    up = pl.when(change >= 0).then(pl.lit("Trending up")).otherwise(pl.lit("Trending down"))
    return pl.when(efficiency >= TRENDING_FROM).then(up).when(efficiency.is_not_null()).then(pl.lit("Ranging"))


def activity(ratio: float | None) -> str | None:
    """Volume against what is usual: High above twice, Elevated above 1.5 times, else Normal.

    >>> activity(1.5), activity(1.51), activity(2.01), activity(None)
    ('Normal', 'Elevated', 'High', None)
    """
    if ratio is None:
        return None
    return "High" if ratio > HIGH else "Elevated" if ratio > ELEVATED else "Normal"


def correlation_pressure(correlations: Numbers) -> Numbers:
    """Mean correlation of each coin with all others.

    Args:
        correlations: ``(coins, coins)``, not-a-number where a pair has none.

    Returns:
        One per coin; not-a-number where it has none with any other.
    """
    others = np.isfinite(correlations) & ~np.eye(len(correlations), dtype=bool)
    sums = np.where(others, correlations, 0.0).sum(axis=1)
    counts = others.sum(axis=1)
    means: Numbers = np.divide(sums, counts, out=np.full(len(correlations), np.nan), where=counts > 0)
    return means


def percentile_of_last(values: pl.Series) -> float | None:
    """Share of values that are not above the last one, itself included; None where the last is null or there is none.

    >>> percentile_of_last(pl.Series([1.0, 4.0, None, 2.0]))
    0.6666666666666666
    """
    if values.is_empty() or values[-1] is None:
        return None
    there = values.drop_nulls()
    return float((there <= values[-1]).sum()) / there.len()


def market_state(percentile: float | None, correlation: float | None, change: float | None) -> MarketState | None:
    """The market in one word, by its volatility, how closely its coins move together, and its direction.

    >>> market_state(0.2, 0.1, 0.0), market_state(0.9, 0.1, 0.0), market_state(0.9, 0.7, -0.1)
    ('Calm', 'Transition', 'Risk-Off')

    Args:
        percentile: Share of the trailing 90 days whose volatility was not above the present one, 0 to 1.
        correlation: Mean ``corr_24h``, -1 to 1.
        change: 24-hour return of the market, as a fraction.

    Returns:
        Calm where neither volatility (from its median on) nor correlation (from 0.6 on) is elevated, Transition where
        one is, and where both are Risk-On while the market does not fall, else Risk-Off. None where one is missing.
    """
    if percentile is None or correlation is None or change is None:
        return None
    elevated = (percentile >= CALM_PERCENTILE, correlation >= CLOSE_CORRELATION)
    if all(elevated):
        return "Risk-On" if change >= 0 else "Risk-Off"
    return "Transition" if any(elevated) else "Calm"


def volatility_regimes(market: pl.DataFrame) -> pl.DataFrame:
    """Whether the market is unusually volatile: above 1.5 times the median of its trailing 90 days.

    Args:
        market: ``open_timestamp``, sorted and each hour once, and ``volatility``, the mean ``rolling_vol_24h`` of the
            coins.

    Returns:
        The same with ``usual``, the median over ``(t - 90 d, t]``, and ``regime``, High or Low; both null below 168
        hours with a volatility and where the hour itself has none.
    """
    usual = pl.col("volatility").rolling_median_by("open_timestamp", TRAILING, min_samples=LEAST_TRAILING)
    high = pl.col("volatility") > VOLATILE_FROM * pl.col("usual")
    regime = pl.when(high).then(pl.lit("High")).when(high.is_not_null()).then(pl.lit("Low"))
    volatile = pl.col("volatility").is_not_null()
    return market.with_columns(usual=pl.when(volatile).then(usual)).with_columns(regime=regime)


def risk_state(drawdown: pl.Expr, regime: pl.Expr) -> pl.Expr:
    """High where a coin is half below its peak or unusually volatile, else Low.

    >>> frame = pl.DataFrame({"d": [-0.5, -0.4, -0.4, None, None], "r": ["Low", "High", None, "Medium", None]})
    >>> frame.select(risk_state(pl.col("d"), pl.col("r")))["risk_state"].to_list()
    ['High', 'High', 'Low', 'Low', None]

    Args:
        drawdown: Fraction from -1 to 0; where it is null the regime alone decides.
        regime: The coin's ``volatility_regime``; only High counts. Where it is null the drawdown alone decides.
    """
    high = (drawdown <= SEVERE_DRAWDOWN).fill_null(False) | (regime == "High").fill_null(False)
    there = drawdown.is_not_null() | regime.is_not_null()
    return pl.when(high).then(pl.lit("High")).when(there).then(pl.lit("Low")).alias("risk_state")
