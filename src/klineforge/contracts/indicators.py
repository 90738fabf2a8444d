"""Contract of the technical indicators. ``W(t)`` is the candles of one listing opened in ``(t - 24 h, t]``."""

from __future__ import annotations

from klineforge.contracts.marts import PRICE
from klineforge.contracts.silver import EXCHANGE, HOURS_PER_DAY, LISTING
from klineforge.domain.contract import Column, ForeignKey, TableContract

LONGEST_RUN = 168
"""Hours at which the length of a run is cut off."""

_GRAIN = ("exchange", "coin", "open_timestamp")
_NO_DAY_BEFORE = "the listing has no candle opened exactly 24 hours earlier"
_NO_VWAP = "nothing was traded in W"

MART_INDICATORS_1H = TableContract(
    name="mart_indicators_1h",
    layer="marts",
    description="Momentum, trend, relative volume and beta of each candle, as charts, risk pages and models read them.",
    grain=_GRAIN,
    time_column="open_timestamp",
    partitioned=True,
    sort_by=_GRAIN,
    subject=("exchange", "coin"),
    source="mart_returns_1h, mart_volume_metrics_1h",
    foreign_keys=(LISTING, EXCHANGE, ForeignKey(("open_timestamp",), "dim_timestamp", ("ts",))),
    rows_per_day=HOURS_PER_DAY,
    columns=(
        Column("exchange", "STRING", "Exchange code."),
        Column("coin", "STRING", "Native symbol."),
        Column("open_timestamp", "TIMESTAMP", "Hour the candle opened.", "UTC"),
        Column(
            "listing_seq",
            "INT",
            "Which of the assets the coin has named, from 1; no figure reaches back into another listing.",
            check="listing_seq >= 1",
        ),
        Column("close_price", "DOUBLE", "Closing price.", PRICE),
        Column(
            "return_24h", "DOUBLE", "close_price / close opened exactly 24 h earlier - 1.", "fraction", _NO_DAY_BEFORE
        ),
        Column(
            "rsi_14",
            "DOUBLE",
            "Relative strength index of 14 changes by Wilder, begun anew 720 hours before each calendar month.",
            "0 to 100",
            "fewer than 14 changes since then, or none of them moved the price",
            check="rsi_14 BETWEEN 0 AND 100",
        ),
        Column("vwap_deviation", "DOUBLE", "close_price / vwap_24h - 1.", "fraction", _NO_VWAP),
        Column(
            "share_above_vwap_24h",
            "DOUBLE",
            "Share of the candles of W with a vwap_24h that closed above it.",
            "0 to 1",
            "no candle of W has one",
            check="share_above_vwap_24h BETWEEN 0 AND 1",
        ),
        Column(
            "vwap_observations_24h",
            "INT",
            "Candles of W with a vwap_24h.",
            "hours",
            check="vwap_observations_24h BETWEEN 0 AND 24",
        ),
        Column(
            "trend_persistence_24h",
            "DOUBLE",
            "Share of the non-null hourly returns of W with the sign of return_24h.",
            "0 to 1",
            "return_24h is null or zero, or W has no return",
            check="trend_persistence_24h BETWEEN 0 AND 1",
        ),
        Column(
            "observations_24h",
            "INT",
            "Non-null hourly returns in W.",
            "hours",
            check="observations_24h BETWEEN 0 AND 24",
        ),
        Column(
            "trend_run_hours",
            "INT",
            "Hours up to this one in which each hourly return had one sign, 168 at most; negative for falls, "
            "0 where this hour's return is null or zero.",
            "hours",
            check=f"trend_run_hours BETWEEN -{LONGEST_RUN} AND {LONGEST_RUN}",
        ),
        Column(
            "efficiency_ratio_24h",
            "DOUBLE",
            "Kaufman: |close - close 24 h earlier| / sum of the 24 |hourly changes| between them.",
            "0 to 1",
            "one of the 24 changes is missing, or all are zero",
            check="efficiency_ratio_24h BETWEEN 0 AND 1",
        ),
        Column(
            "volume_ratio_30d",
            "DOUBLE",
            "rolling_volume_24h / its mean over the candles of (t - 720 h, t].",
            "ratio",
            "nothing was traded",
        ),
        Column(
            "observations_720h",
            "INT",
            "Candles in (t - 720 h, t].",
            "hours",
            check="observations_720h BETWEEN 1 AND 720",
        ),
        Column(
            "beta_720h",
            "DOUBLE",
            "Covariance of return_pct with that of the reference coin / variance of the latter, over (t - 720 h, t].",
            "ratio",
            "fewer than min_observations hours, the reference does not vary, or has no candle in this hour",
        ),
        Column(
            "beta_observations_720h",
            "INT",
            "Hours of (t - 720 h, t] in which both returns are non-null, the reference being the same listing as now.",
            "hours",
            check="beta_observations_720h BETWEEN 0 AND 720",
        ),
    ),
)
