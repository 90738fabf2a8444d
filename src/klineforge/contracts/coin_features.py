"""Features of a coin by itself: its returns, ranges, volumes and drawdowns, and the hour of the week.

``W`` is the listing's candles opened in ``(t - window, t]``, ``t`` being ``open_timestamp``: a range of time, so that a
missing hour makes a sample smaller and its count tells.
"""

from __future__ import annotations

from klineforge.contracts.feature_spec import DAY, MINIMUM, WEEK, FeatureSpec

_FACT, _RETURNS, _VOLUME = "fact_1h_klines", "mart_returns_1h", "mart_volume_metrics_1h"
_LOG, _FRACTION, _PER_HOUR = "natural log", "fraction", "natural log per hour"


def _return(hours: int) -> FeatureSpec:
    return FeatureSpec(
        f"log_return_{hours}h",
        "DOUBLE",
        _LOG,
        f"ln(close / close of the listing's candle opened exactly {hours} h earlier).",
        hours,
        hours,
        _RETURNS,
        f"the listing has no candle opened exactly {hours} h earlier",
    )


def _volatility(hours: int) -> FeatureSpec:
    return FeatureSpec(
        f"volatility_{hours}h",
        "DOUBLE",
        _PER_HOUR,
        "Sample standard deviation of the hourly log returns of W.",
        hours,
        hours,
        _RETURNS,
        f"fewer than {MINIMUM[hours]} returns in W",
        f"n_returns_{hours}h",
        MINIMUM[hours],
    )


def _range(name: str, hours: int, formula: str) -> FeatureSpec:
    return FeatureSpec(
        f"{name}_{hours}h",
        "DOUBLE",
        _PER_HOUR,
        formula,
        hours,
        hours - 1,
        _FACT,
        f"fewer than {MINIMUM[hours]} candles in W",
        f"n_candles_{hours}h",
        MINIMUM[hours],
    )


def _moment(name: str, unit: str, formula: str, check: str | None = None) -> FeatureSpec:
    return FeatureSpec(name, "INT" if check else "BOOLEAN", unit, formula, 0, 0, "available_at", check=check)


_PARKINSON = "sqrt(mean of ln(high / low)^2 over W / (4 ln 2))."
_GARMAN_KLASS = "sqrt(mean over W of ln(high / low)^2 / 2 - (2 ln 2 - 1) ln(close / open)^2)."
_IMBALANCE = "(taker buy volume - taker sell volume) / volume"

COIN_FEATURES: tuple[FeatureSpec, ...] = (
    *map(_return, (1, 6, DAY, WEEK)),
    *map(_volatility, (DAY, WEEK)),
    *(_range("parkinson", hours, _PARKINSON) for hours in (DAY, WEEK)),
    *(_range("garman_klass", hours, _GARMAN_KLASS) for hours in (DAY, WEEK)),
    FeatureSpec(
        "volume_ratio_24h",
        "DOUBLE",
        "ratio",
        "volume / mean hourly volume of W.",
        DAY,
        DAY - 1,
        _VOLUME,
        f"fewer than {MINIMUM[DAY]} candles in W, or nothing was traded in them",
        "n_candles_24h",
        MINIMUM[DAY],
    ),
    FeatureSpec(
        "taker_imbalance_1h",
        "DOUBLE",
        "-1 (all sold) to 1 (all bought)",
        f"{_IMBALANCE} of the candle.",
        1,
        0,
        _FACT,
        "nothing was traded, or the exchange does not tell taker volumes",
    ),
    FeatureSpec(
        "taker_imbalance_24h",
        "DOUBLE",
        "-1 (all sold) to 1 (all bought)",
        f"{_IMBALANCE}, each summed over the candles of W that tell taker volumes.",
        DAY,
        DAY - 1,
        _FACT,
        f"fewer than {MINIMUM[DAY]} such candles in W, or nothing was traded in them",
        "n_taker_24h",
        MINIMUM[DAY],
    ),
    FeatureSpec(
        "drawdown",
        "DOUBLE",
        _FRACTION,
        "close / highest close of the listing so far - 1.",
        None,
        None,
        _RETURNS,
        check="drawdown BETWEEN -1 AND 0",
    ),
    FeatureSpec(
        "drawdown_168h",
        "DOUBLE",
        _FRACTION,
        "close / highest close of W - 1.",
        WEEK,
        WEEK - 1,
        _RETURNS,
        f"fewer than {MINIMUM[WEEK]} candles in W",
        "n_candles_168h",
        MINIMUM[WEEK],
        check="drawdown_168h BETWEEN -1 AND 0",
    ),
)

CALENDAR_FEATURES: tuple[FeatureSpec, ...] = (
    _moment("hour_of_day", "0-23", "UTC hour of available_at.", "hour_of_day BETWEEN 0 AND 23"),
    _moment("day_of_week", "0-6", "UTC weekday of available_at, 0 = Sunday.", "day_of_week BETWEEN 0 AND 6"),
    _moment("hour_of_week", "0-167", "day_of_week * 24 + hour_of_day.", "hour_of_week BETWEEN 0 AND 167"),
    _moment("is_weekend", "yes or no", "available_at is on a Saturday or Sunday, UTC."),
    _moment("asia_session", "yes or no", "hour_of_day is from 0 to 7."),
    _moment("eu_session", "yes or no", "hour_of_day is from 7 to 15."),
    _moment("us_session", "yes or no", "hour_of_day is from 13 to 20."),
)
