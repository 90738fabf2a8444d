"""Features of a coin among the others of its exchange: ranks, the market's own move, and correlations.

They read the same hour of every coin of the exchange, and no later one.
"""

from __future__ import annotations

from klineforge.contracts.feature_spec import DAY, REFERENCE, WEEK, FeatureSpec

_RETURNS, _PAIRS, _BREADTH = "mart_returns_1h", "mart_correlations", "mart_market_breadth_1h"
_SHARE = "`{0}` BETWEEN 0 AND 1"
_CORRELATION = "`{0}` BETWEEN -1 AND 1"


def _rank(hours: int) -> FeatureSpec:
    name = f"momentum_rank_{hours}h"
    return FeatureSpec(
        name,
        "DOUBLE",
        "0 (weakest) to 1 (strongest)",
        f"(rank of close / close {hours} h earlier among the exchange's coins of the hour - 1) / (coins ranked - 1); "
        "equal ones share the lower rank.",
        hours,
        hours,
        _RETURNS,
        f"log_return_{hours}h is null, or no other coin of the hour has one",
        f"n_coins_{hours}h",
        2,
        check=_SHARE.format(name),
    )


def _market_return(hours: int) -> FeatureSpec:
    return FeatureSpec(
        f"market_return_{hours}h",
        "DOUBLE",
        "natural log",
        f"Mean log_return_{hours}h of the exchange's coins of the hour, unweighted.",
        hours,
        hours,
        _RETURNS,
        f"no coin of the hour has a log_return_{hours}h",
        f"n_coins_{hours}h",
        1,
    )


MARKET_FEATURES: tuple[FeatureSpec, ...] = (
    *map(_rank, (DAY, WEEK)),
    *map(_market_return, (1, DAY)),
    FeatureSpec(
        "market_dispersion_1h",
        "DOUBLE",
        "fraction",
        "Sample standard deviation of return_pct across the exchange's coins of the hour.",
        1,
        1,
        _BREADTH,
        "fewer than two coins have a return",
        "n_coins_1h",
        2,
    ),
    FeatureSpec(
        "market_advancers_1h",
        "DOUBLE",
        "share, 0 to 1",
        "Share of the exchange's coins whose price rose in the hour, of those with a return.",
        1,
        1,
        _BREADTH,
        "no coin of the hour has a return",
        "n_coins_1h",
        1,
        check=_SHARE.format("market_advancers_1h"),
    ),
    FeatureSpec(
        "market_above_vwap_24h",
        "DOUBLE",
        "share, 0 to 1",
        "Share of the exchange's coins that closed above their vwap_24h.",
        DAY,
        DAY - 1,
        _BREADTH,
        "no coin of the hour has a vwap_24h",
        "n_coins_vwap_24h",
        1,
        check=_SHARE.format("market_above_vwap_24h"),
    ),
    FeatureSpec(
        "market_mean_corr_24h",
        "DOUBLE",
        "-1 to 1",
        "Mean corr_24h of the exchange's pairs of the hour.",
        DAY,
        DAY,
        _BREADTH,
        "no pair of the hour has one",
        "n_market_pairs_24h",
        1,
        tolerance=1e-12,
    ),
    FeatureSpec(
        "corr_btc_24h",
        "DOUBLE",
        "-1 to 1",
        f"corr_24h with {REFERENCE}; 1 for that coin itself where volatility_24h is above zero.",
        DAY,
        DAY,
        _PAIRS,
        "too few common returns (parameter correlations.min_observations), a side that does not vary, or no candle of "
        "the reference coin",
        "n_corr_btc_24h",
        check=_CORRELATION.format("corr_btc_24h"),
        tolerance=1e-12,
    ),
    FeatureSpec(
        "mean_corr_24h",
        "DOUBLE",
        "-1 to 1",
        "Mean corr_24h of the pairs that the coin is part of.",
        DAY,
        DAY,
        _PAIRS,
        "no pair of the coin has one",
        "n_pairs_24h",
        1,
        tolerance=1e-12,
    ),
)
