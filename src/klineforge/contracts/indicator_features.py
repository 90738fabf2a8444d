"""Features that are figures of ``mart_indicators_1h``, under names that tell their windows."""

from __future__ import annotations

from klineforge.contracts.feature_spec import DAY, REFERENCE, WEEK, FeatureSpec

_INDICATORS = "mart_indicators_1h"
_SHARE = "share, 0 to 1"
_MONTH = 720
# A calendar month of 31 days is followed from 720 hours before it on, and its first change needs one close more.
_RSI_BACK = 31 * DAY - 1 + _MONTH + 1

INDICATOR_NAMES = {
    "vwap_deviation_24h": "vwap_deviation",
    "share_above_vwap_24h": "share_above_vwap_24h",
    "rsi_14": "rsi_14",
    "trend_persistence_24h": "trend_persistence_24h",
    "trend_run_168h": "trend_run_hours",
    "efficiency_ratio_24h": "efficiency_ratio_24h",
    "volume_ratio_720h": "volume_ratio_30d",
    "beta_720h": "beta_720h",
    "n_vwap_24h": "vwap_observations_24h",
    "n_candles_720h": "observations_720h",
    "n_beta_720h": "beta_observations_720h",
}
"""Features and counts that the mart has under other names, or the same."""

INDICATOR_FEATURES: tuple[FeatureSpec, ...] = (
    FeatureSpec(
        "vwap_deviation_24h",
        "DOUBLE",
        "fraction",
        "close / vwap_24h - 1.",
        DAY,
        DAY - 1,
        _INDICATORS,
        "nothing was traded in W",
        "n_candles_24h",
    ),
    FeatureSpec(
        "share_above_vwap_24h",
        "DOUBLE",
        _SHARE,
        "Share of the candles of W with a vwap_24h that closed above it.",
        DAY,
        2 * (DAY - 1),
        _INDICATORS,
        "no candle of W has a vwap_24h",
        "n_vwap_24h",
        1,
    ),
    FeatureSpec(
        "rsi_14",
        "DOUBLE",
        "0 to 100",
        "Relative strength index of 14 changes by Wilder, begun anew 720 hours before each calendar month.",
        14,
        _RSI_BACK,
        _INDICATORS,
        "fewer than 14 changes since then, or none of them moved the price",
        check="rsi_14 BETWEEN 0 AND 100",
    ),
    FeatureSpec(
        "trend_persistence_24h",
        "DOUBLE",
        _SHARE,
        "Share of the non-null hourly returns of W with the sign of the return over 24 h.",
        DAY,
        DAY,
        _INDICATORS,
        "the listing has no candle opened exactly 24 h earlier, the return since then is zero, or W has no return",
        "n_returns_24h",
        1,
    ),
    FeatureSpec(
        "trend_run_168h",
        "INT",
        "hours, signed",
        "Hours up to this one in which each hourly return had one sign, 168 at most; negative for falls, 0 where this "
        "hour's return is null or zero.",
        WEEK,
        WEEK,
        _INDICATORS,
        count_column="n_returns_168h",
        check="trend_run_168h BETWEEN -168 AND 168",
    ),
    FeatureSpec(
        "efficiency_ratio_24h",
        "DOUBLE",
        _SHARE,
        "Kaufman: |close - close 24 h earlier| / sum of the 24 |hourly changes| between them.",
        DAY,
        DAY,
        _INDICATORS,
        "one of the 24 changes is missing, or all are zero",
        "n_returns_24h",
        DAY,
    ),
    FeatureSpec(
        "volume_ratio_720h",
        "DOUBLE",
        "ratio",
        "Volume of 24 h / mean of the same figure over the candles of W.",
        _MONTH,
        _MONTH - 1 + DAY - 1,
        _INDICATORS,
        "nothing was traded",
        "n_candles_720h",
    ),
    FeatureSpec(
        "beta_720h",
        "DOUBLE",
        "ratio",
        f"Covariance of return_pct with that of {REFERENCE} / variance of the latter, over W.",
        _MONTH,
        _MONTH,
        _INDICATORS,
        "fewer common returns than the parameter indicators.min_observations, the reference coin does not vary, or has "
        "no candle in this hour",
        "n_beta_720h",
    ),
)


def _count(name: str, unit: str, formula: str, window: int, lookback: int) -> FeatureSpec:
    return FeatureSpec(name, "INT", unit, formula, window, lookback, _INDICATORS, role="count", check=f"{name} >= 0")


INDICATOR_COUNTS: tuple[FeatureSpec, ...] = (
    _count("n_vwap_24h", "candles", "Candles of W with a vwap_24h.", DAY, 2 * (DAY - 1)),
    _count("n_candles_720h", "candles", "Candles of W.", _MONTH, _MONTH - 1),
    _count("n_beta_720h", "returns", f"Hours of W in which coin and {REFERENCE} both have a return.", _MONTH, _MONTH),
)
