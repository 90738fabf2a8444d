"""The label catalogue: every column of ``labels_1h`` beside its key. Labels look ahead and never become features."""

from __future__ import annotations

from klineforge.contracts.feature_spec import FeatureSpec

_RETURNS = "mart_returns_1h"
HORIZONS = (1, 6, 24, 168)
"""Hours over which forward returns are given."""
BARRIER_HOURS = 24
"""Hours after which the third barrier ends a triple-barrier label."""
_DECIDED = f"an hour of the {BARRIER_HOURS} after available_at has not closed yet or has no candle of the listing"


def _forward(hours: int) -> tuple[FeatureSpec, FeatureSpec]:
    unknown = f"the listing has no candle, or none yet, opened exactly {hours} h later"
    value = FeatureSpec(
        f"forward_return_{hours}h",
        "DOUBLE",
        "natural log",
        f"ln(close of the listing's candle opened exactly {hours} h later / close).",
        hours,
        0,
        _RETURNS,
        unknown,
        horizon_hours=hours,
        role="label",
    )
    end = FeatureSpec(
        f"forward_end_{hours}h",
        "TIMESTAMP",
        "UTC",
        f"available_at + {hours} h: when forward_return_{hours}h becomes known.",
        hours,
        0,
        _RETURNS,
        unknown,
        horizon_hours=hours,
        role="label_end",
    )
    return value, end


_UNDECIDED = f"{_DECIDED}; or triple_barrier_width_24h is null"
_BARRIERS = (
    FeatureSpec(
        "triple_barrier_24h",
        "INT",
        "-1, 0 or 1",
        "1 where a close reaches the upper barrier before any reaches the lower one, -1 the other way round, 0 where "
        "none of the next 24 does.",
        BARRIER_HOURS,
        24,
        _RETURNS,
        _UNDECIDED,
        horizon_hours=BARRIER_HOURS,
        role="label",
        check="triple_barrier_24h BETWEEN -1 AND 1",
    ),
    FeatureSpec(
        "triple_barrier_return_24h",
        "DOUBLE",
        "natural log",
        "ln(close that ends the label / close).",
        BARRIER_HOURS,
        24,
        _RETURNS,
        _UNDECIDED,
        horizon_hours=BARRIER_HOURS,
        role="label",
    ),
    FeatureSpec(
        "triple_barrier_end_24h",
        "TIMESTAMP",
        "UTC",
        "available_at of the candle whose close ends the label: the first beyond a barrier, else the 24th.",
        BARRIER_HOURS,
        24,
        _RETURNS,
        _UNDECIDED,
        horizon_hours=BARRIER_HOURS,
        role="label_end",
        check="triple_barrier_end_24h > available_at",
    ),
    FeatureSpec(
        "triple_barrier_width_24h",
        "DOUBLE",
        "natural log",
        "rolling_vol_24h * sqrt(24), known at available_at: the barriers lie this far from the close, times the "
        "parameters labels.upper and labels.lower.",
        24,
        24,
        _RETURNS,
        "fewer than labels.min_observations returns in the 24 h before, or the price did not move in them",
        role="label_scale",
    ),
)

LABELS: tuple[FeatureSpec, ...] = (*(spec for hours in HORIZONS for spec in _forward(hours)), *_BARRIERS)
"""Columns of ``labels_1h`` beside its key."""
LABEL_ENDS = {
    **{f"forward_return_{hours}h": f"forward_end_{hours}h" for hours in HORIZONS},
    "triple_barrier_24h": "triple_barrier_end_24h",
    "triple_barrier_return_24h": "triple_barrier_end_24h",
}
"""Which column tells when a label is known."""
