"""Tones of the words that figures become; the words and their thresholds are those of ``measures.market``."""

from __future__ import annotations

from typing import Final

import polars as pl

from klineforge.measures.market import (
    CALM_PERCENTILE,
    CLOSE_CORRELATION,
    ELEVATED,
    HIGH,
    TRENDING_FROM,
    MarketState,
    activity,
    market_state,
    mover_signal,
    percentile_of_last,
    trend,
)
from klineforge.views.page import Tone

__all__ = [
    "ACTIVITY_TONES",
    "CALM_PERCENTILE",
    "CLOSE_CORRELATION",
    "ELEVATED",
    "HIGH",
    "OVERBOUGHT",
    "OVERSOLD",
    "REGIME_TONES",
    "SIGNAL_TONES",
    "STATE_TONES",
    "TRENDING_FROM",
    "TREND_TONES",
    "MarketState",
    "activity",
    "market_state",
    "mover_signal",
    "percentile_of_last",
    "signs",
    "tones",
    "trend",
]

OVERSOLD, OVERBOUGHT = 30.0, 70.0

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
