"""What words about the market mean to the reader: the tones of signals, states and regimes."""

from __future__ import annotations

from typing import Final

import polars as pl

from klineforge.views.page import Tone

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
