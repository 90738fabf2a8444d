"""Figures as words: mover signals, market states, activity. Thresholds are here and nowhere else."""

from __future__ import annotations

from typing import Final, Literal

import polars as pl

from klineforge.views.page import Tone

WEAK, STRONG = 0.03, 0.10
"""Sizes of a return from which a move is more than weak, and strong."""
TRENDING_FROM = 0.30
"""Efficiency ratio from which 24 hours count as a trend."""
ELEVATED, HIGH = 1.5, 2.0
"""Times the usual volume above which activity is elevated, and high."""
CALM_PERCENTILE, CLOSE_CORRELATION = 0.5, 0.6
"""Where the market's volatility and its mean correlation begin to count as elevated."""
OVERSOLD, OVERBOUGHT = 30.0, 70.0

MarketState = Literal["Calm", "Transition", "Risk-On", "Risk-Off"]

SIGNAL_TONES: Final[dict[str, Tone]] = {
    "Strong Bullish": "good",
    "Bullish": "good",
    "Weak Bullish": "neutral",
    "Weak Bearish": "neutral",
    "Bearish": "bad",
    "Strong Bearish": "bad",
}
STATE_TONES: Final[dict[str, Tone]] = {"Calm": "good", "Transition": "warn", "Risk-On": "accent", "Risk-Off": "bad"}
REGIME_TONES: Final[dict[str, Tone]] = {"Low": "good", "Medium": "warn", "High": "bad"}
ACTIVITY_TONES: Final[dict[str, Tone]] = {"Normal": "neutral", "Elevated": "warn", "High": "bad"}
TREND_TONES: Final[dict[str, Tone]] = {"Trending up": "good", "Trending down": "bad", "Ranging": "muted"}


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


def percentile_of_last(values: pl.Series) -> float | None:
    """Share of values that are not above the last one, itself included; None where the last is null or there is none.

    >>> percentile_of_last(pl.Series([1.0, 4.0, None, 2.0]))
    0.6666666666666666
    """
    if values.is_empty() or values[-1] is None:
        return None
    known = values.drop_nulls()
    return float((known <= values[-1]).sum()) / known.len()


def tones(words: pl.Expr, meaning: dict[str, Tone]) -> pl.Expr:
    """The tone of each word.

    Args:
        words: Words; those without a meaning are neutral.
        meaning: Tone by word.
    """
    return words.replace_strict(meaning, default="neutral", return_dtype=pl.String)


def signs(values: pl.Expr) -> pl.Expr:
    """Good above zero, bad below, else neutral.

    Args:
        values: Figures of which more is better.
    """
    return pl.when(values > 0).then(pl.lit("good")).when(values < 0).then(pl.lit("bad")).otherwise(pl.lit("neutral"))
