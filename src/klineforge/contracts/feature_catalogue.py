"""The feature catalogue: every column of ``features_1h`` beside its key; contract, table and docs are made from it."""

from __future__ import annotations

from klineforge.contracts.coin_features import CALENDAR_FEATURES, COIN_FEATURES
from klineforge.contracts.feature_spec import DAY, REFERENCE, WEEK, FeatureSpec
from klineforge.contracts.indicator_features import INDICATOR_COUNTS, INDICATOR_FEATURES
from klineforge.contracts.market_features import MARKET_FEATURES

_FACT, _RETURNS = "fact_1h_klines", "mart_returns_1h"
_PAIRS, _BREADTH = "mart_correlations", "mart_market_breadth_1h"


def _count(name: str, unit: str, formula: str, hours: int, source: str, lookback: int | None = None) -> FeatureSpec:
    back = hours if lookback is None else lookback
    return FeatureSpec(name, "INT", unit, formula, hours, back, source, role="count", check=f"{name} >= 0")


_COUNTS = (
    _count("n_candles_24h", "candles", "Candles of W.", DAY, _FACT, DAY - 1),
    _count("n_candles_168h", "candles", "Candles of W.", WEEK, _FACT, WEEK - 1),
    _count("n_returns_24h", "returns", "Non-null log returns of W.", DAY, _RETURNS),
    _count("n_returns_168h", "returns", "Non-null log returns of W.", WEEK, _RETURNS),
    _count("n_taker_24h", "candles", "Candles of W that tell taker volumes.", DAY, _FACT, DAY - 1),
    _count("n_coins_1h", "coins", "Coins of the exchange and hour with a log_return_1h.", 1, _RETURNS),
    _count("n_coins_24h", "coins", "Coins of the exchange and hour with a log_return_24h.", DAY, _RETURNS),
    _count("n_coins_168h", "coins", "Coins of the exchange and hour with a log_return_168h.", WEEK, _RETURNS),
    _count("n_coins_vwap_24h", "coins", "Coins of the exchange and hour with a vwap_24h.", DAY, _BREADTH),
    _count("n_market_pairs_24h", "pairs", "Pairs of the exchange and hour with a corr_24h.", DAY, _BREADTH),
    _count("n_corr_btc_24h", "returns", f"Hours of W in which coin and {REFERENCE} both have a return.", DAY, _PAIRS),
    _count("n_pairs_24h", "pairs", "Pairs of the coin with a corr_24h.", DAY, _PAIRS),
)

FEATURES: tuple[FeatureSpec, ...] = (
    *COIN_FEATURES,
    *INDICATOR_FEATURES,
    *MARKET_FEATURES,
    *CALENDAR_FEATURES,
    *_COUNTS,
    *INDICATOR_COUNTS,
)
"""Columns of ``features_1h`` beside its key, features first, then the counts they rest on."""
