"""``features_1h`` a second time: in polars, from the definitions in docs/features.md, not from the recipes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from klineforge.contracts.feature_catalogue import FEATURES
from klineforge.contracts.indicator_features import INDICATOR_NAMES
from klineforge.quality.comparison import CANDLE, HOUR, SERIES, Comparison

KNOWN = ("exchange", "coin", "available_at")
_EXACT = ("INT", "BOOLEAN")
FIGURES = Comparison(
    KNOWN,
    tuple(spec.name for spec in FEATURES if spec.dtype not in _EXACT),
    ("open_timestamp", "listing_seq", *(spec.name for spec in FEATURES if spec.dtype in _EXACT)),
    # What docs/features.md promises: correlations near zero, and sums that cancel, have the rounding of large ones.
    absolute=1e-9,
)
# Half of each window.
_LEAST = {24: 12, 168: 84}


@dataclass(frozen=True)
class Inputs:
    """The tables that features are made from, whole histories of the exchanges in question."""

    candles: pl.LazyFrame
    returns: pl.LazyFrame
    volume: pl.LazyFrame
    indicators: pl.LazyFrame
    correlations: pl.LazyFrame
    breadth: pl.LazyFrame


def features_again(tables: Inputs, reference_coin: str) -> pl.DataFrame:
    """Every feature of every candle.

    Args:
        tables: What they are made from.
        reference_coin: The coin that ``corr_btc_24h`` refers to.
    """
    copied = [pl.col(name).alias(feature) for feature, name in INDICATOR_NAMES.items()]
    is_reference, moves = pl.col("coin") == reference_coin, pl.col("volatility_24h") > 0
    own = _of_coins(tables).collect(engine="streaming").lazy()
    return (
        own.join(tables.volume.select(*CANDLE, "volume_spike_ratio"), on=list(CANDLE))
        .join(tables.indicators.select(*CANDLE, *copied), on=list(CANDLE))
        .join(_of_hours(tables.breadth), on=list(HOUR))
        .join(_of_pairs(tables.correlations, reference_coin), on=list(CANDLE), how="left")
        .with_columns(
            *_ranks(),
            volume_ratio_24h=_where(pl.col("n_candles_24h") >= _LEAST[24], pl.col("volume_spike_ratio")),
            corr_btc_24h=_where(is_reference, _where(moves, pl.lit(1.0)), pl.col("corr_btc_24h")),
            n_corr_btc_24h=_where(is_reference, pl.col("n_returns_24h"), pl.col("n_corr_btc_24h").fill_null(0)),
            n_pairs_24h=pl.col("n_pairs_24h").fill_null(0),
            available_at=pl.col("open_timestamp").dt.offset_by("1h"),
        )
        .with_columns(**_of_calendar())
        .select(*KNOWN, "open_timestamp", "listing_seq", *(spec.name for spec in FEATURES))
        .collect(engine="streaming")
    )


def _of_coins(tables: Inputs) -> pl.LazyFrame:
    """What the windows of a coin's own candles say."""
    prices = ("open_price", "high_price", "low_price", "volume", "taker_buy_volume")
    squared = (pl.col("high_price") / pl.col("low_price")).log().pow(2)
    body = (pl.col("close_price") / pl.col("open_price")).log().pow(2)
    bought = pl.col("taker_buy_volume")
    rows = (
        tables.returns.select(*SERIES, "open_timestamp", "close_price", "log_return", "drawdown_pct")
        .join(tables.candles.select(*CANDLE, *prices), on=list(CANDLE))
        .sort(*SERIES, "open_timestamp")
        .with_columns(squared=squared, garman=squared / 2 - (2 * math.log(2) - 1) * body)
        .with_columns(told=_where(bought.is_not_null(), pl.col("volume")))
    )
    change = pl.col("log_return").drop_nulls()
    for hours in (24, 168):
        rows = _with_window(
            rows,
            hours,
            n_candles=pl.len(),
            n_returns=change.len(),
            spread=change.std(ddof=1),
            squared=pl.col("squared").mean(),
            garman=pl.col("garman").mean(),
            peak=pl.col("close_price").max(),
            n_taker=pl.col("told").count(),
            told=pl.col("told").sum(),
            bought=bought.sum(),
        )
    for hours in (6, 24, 168):
        rows = _with_close_before(rows, hours)
    return rows.with_columns(**_own_figures())


def _with_window(rows: pl.LazyFrame, hours: int, **figures: pl.Expr) -> pl.LazyFrame:
    named = {f"{name}_{hours}h": figure for name, figure in figures.items()}
    window = rows.rolling("open_timestamp", period=f"{hours}h", group_by=list(SERIES)).agg(**named)
    return rows.join(window, on=[*SERIES, "open_timestamp"], how="left", maintain_order="left")


def _with_close_before(rows: pl.LazyFrame, hours: int) -> pl.LazyFrame:
    earlier = rows.select(
        *SERIES, pl.col("open_timestamp").dt.offset_by(f"{hours}h"), pl.col("close_price").alias(f"close_{hours}h")
    )
    return rows.join(earlier, on=[*SERIES, "open_timestamp"], how="left", maintain_order="left")


def _own_figures() -> dict[str, pl.Expr]:
    close, bought, volume = pl.col("close_price"), pl.col("taker_buy_volume"), pl.col("volume")
    told, taken = pl.col("told_24h"), pl.col("bought_24h")
    has_taker = (pl.col("n_taker_24h") >= _LEAST[24]) & (told != 0)
    figures = {
        "log_return_1h": pl.col("log_return"),
        **{f"log_return_{hours}h": (close / pl.col(f"close_{hours}h")).log() for hours in (6, 24, 168)},
        "taker_imbalance_1h": _where(volume != 0, (2 * bought - volume) / volume),
        "taker_imbalance_24h": _where(has_taker, (2 * taken - told) / told),
        "drawdown": pl.col("drawdown_pct"),
        "drawdown_168h": _where(pl.col("n_candles_168h") >= _LEAST[168], close / pl.col("peak_168h") - 1),
    }
    for hours, least in _LEAST.items():
        is_enough = pl.col(f"n_candles_{hours}h") >= least
        figures |= {
            f"volatility_{hours}h": _where(pl.col(f"n_returns_{hours}h") >= least, pl.col(f"spread_{hours}h")),
            f"parkinson_{hours}h": _where(is_enough, (pl.col(f"squared_{hours}h") / (4 * math.log(2))).sqrt()),
            f"garman_klass_{hours}h": _where(is_enough, pl.col(f"garman_{hours}h").clip(lower_bound=0).sqrt()),
        }
    moves = {hours: figures[f"log_return_{hours}h"] for hours in (1, 24, 168)}
    figures |= {f"n_coins_{hours}h": move.count().over(HOUR) for hours, move in moves.items()}
    return figures | {f"market_return_{hours}h": moves[hours].mean().over(HOUR) for hours in (1, 24)}


def _ranks() -> list[pl.Expr]:
    def rank(hours: int) -> pl.Expr:
        others = pl.col(f"n_coins_{hours}h").cast(pl.Int64) - 1
        place = (pl.col("close_price") / pl.col(f"close_{hours}h")).rank("min").over(HOUR).cast(pl.Int64) - 1
        return _where(others > 0, place / others).alias(f"momentum_rank_{hours}h")

    return [rank(24), rank(168)]


def _of_hours(breadth: pl.LazyFrame) -> pl.LazyFrame:
    coins = pl.col("coins_with_return")
    return breadth.select(
        *HOUR,
        market_dispersion_1h=pl.col("return_dispersion"),
        market_advancers_1h=_where(coins > 0, pl.col("advancers") / coins),
        market_above_vwap_24h=pl.col("share_above_vwap_24h"),
        n_coins_vwap_24h=pl.col("coins_with_vwap"),
        market_mean_corr_24h=pl.col("mean_corr_24h"),
        n_market_pairs_24h=pl.col("pairs_with_correlation"),
    )


def _of_pairs(correlations: pl.LazyFrame, reference_coin: str) -> pl.LazyFrame:
    sides = [
        correlations.select(
            *HOUR, pl.col(one).alias("coin"), pl.col(two).alias("other"), "corr_24h", "observations_24h"
        )
        for one, two in (("base_coin", "related_coin"), ("related_coin", "base_coin"))
    ]
    reference = pl.col("other") == reference_coin
    return (
        pl.concat(sides)
        .group_by(CANDLE)
        .agg(
            corr_btc_24h=pl.col("corr_24h").filter(reference).first(),
            n_corr_btc_24h=pl.col("observations_24h").filter(reference).first(),
            mean_corr_24h=pl.col("corr_24h").mean(),
            n_pairs_24h=pl.col("corr_24h").count(),
        )
    )


def _of_calendar() -> dict[str, pl.Expr]:
    known = pl.col("available_at")
    hour, day = known.dt.hour().cast(pl.Int32), (known.dt.weekday() % 7).cast(pl.Int32)
    return {
        "hour_of_day": hour,
        "day_of_week": day,
        "hour_of_week": day * 24 + hour,
        "is_weekend": day.is_in([0, 6]),
        "asia_session": hour <= 7,
        "eu_session": (hour >= 7) & (hour <= 15),
        "us_session": (hour >= 13) & (hour <= 20),
    }


def _where(condition: pl.Expr, value: pl.Expr, otherwise: pl.Expr | None = None) -> pl.Expr:
    return pl.when(condition).then(value).otherwise(otherwise)
