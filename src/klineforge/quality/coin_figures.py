"""The marts of single coins against the fact: every figure computed a second time, from the definitions.

Nothing here is shared with the formulas that make the tables, so that a mistake in those, or a value somebody changed,
does not agree with itself.
"""

from __future__ import annotations

import polars as pl

from klineforge.quality.comparison import CANDLE, HOUR, SERIES, Comparison, finding, with_last_day
from klineforge.quality.finding import Finding

_NEAR_A_THRESHOLD = 1e-9

RETURNS = Comparison(
    CANDLE,
    ("return_pct", "log_return", "rolling_vol_24h", "drawdown_pct"),
    ("close_price", "prev_close", "running_peak_price", "observations_24h", "listing_seq"),
)
VOLUME = Comparison(
    CANDLE,
    ("rolling_volume_24h", "avg_volume_24h", "volume_spike_ratio", "vwap_24h"),
    ("close_price", "volume", "quote_volume", "observations_24h", "is_volume_spike"),
)
MOVERS = Comparison(
    CANDLE,
    ("mover_signal",),
    ("return_pct", "log_return", "rolling_vol_24h", "volume_spike_ratio", "mover_rank"),
)


def returns_again(fact: pl.LazyFrame) -> pl.DataFrame:
    """``mart_returns_1h`` from whole histories of candles, without the regime's name: ``mean_vol`` is its measure.

    Args:
        fact: ``fact_1h_klines``, whole histories of the coins in question.
    """
    candles = fact.select(*CANDLE, "listing_seq", "close_price").sort(*SERIES, "open_timestamp")
    an_hour_before = pl.col("open_timestamp").shift(1) == pl.col("open_timestamp").dt.offset_by("-1h")
    close, before = pl.col("close_price"), pl.col("prev_close")
    moved = candles.with_columns(
        prev_close=pl.when(an_hour_before).then(close.shift(1)).over(SERIES),
        running_peak_price=close.cum_max().over(SERIES),
    ).with_columns(
        return_pct=close / before - 1,
        log_return=(close / before).log(),
        drawdown_pct=close / pl.col("running_peak_price") - 1,
    )
    change = pl.col("return_pct").drop_nulls()
    volatile = with_last_day(moved, rolling_vol_24h=change.std(ddof=1), observations_24h=change.len())
    return with_last_day(volatile, mean_vol=pl.col("rolling_vol_24h").mean()).collect(engine="streaming")


def volatility_regimes(again: pl.DataFrame, held: pl.LazyFrame) -> Finding:
    """The regime's name fits its measures, except where rounding decides.

    Args:
        again: From ``returns_again``.
        held: ``mart_returns_1h``.
    """
    ratio = pl.col("rolling_vol_24h") / pl.col("mean_vol")
    name = pl.when(ratio > 1.5).then(pl.lit("High")).when(ratio > 1).then(pl.lit("Medium")).otherwise(pl.lit("Low"))
    expected = pl.when(pl.col("rolling_vol_24h").is_not_null()).then(
        pl.when(pl.col("mean_vol") == 0).then(pl.lit("Low")).otherwise(name)
    )
    near = ((ratio - 1.5).abs() < _NEAR_A_THRESHOLD) | ((ratio - 1).abs() < _NEAR_A_THRESHOLD)
    both = again.with_columns(expected=expected).join(
        held.select(*CANDLE, "volatility_regime").collect(engine="streaming"), on=list(CANDLE)
    )
    wrong = both.filter(pl.col("expected").ne_missing(pl.col("volatility_regime")) & ~near.fill_null(value=False))
    return finding("mart_returns_1h", "regime_fits", both.height, wrong, CANDLE)


def volume_again(fact: pl.LazyFrame) -> pl.DataFrame:
    """``mart_volume_metrics_1h`` from candles and the 23 hours before each.

    Args:
        fact: ``fact_1h_klines``, whole histories of the coins in question.
    """
    volume, value, mean = pl.col("volume"), pl.col("quote_volume"), pl.col("avg_volume_24h")
    candles = fact.select(*CANDLE, "listing_seq", "close_price", "volume", "quote_volume")
    rolled = with_last_day(
        candles.sort(*SERIES, "open_timestamp"),
        rolling_volume_24h=volume.sum(),
        avg_volume_24h=volume.mean(),
        observations_24h=volume.len(),
        rolling_quote_volume_24h=value.sum(),
    )
    total = pl.col("rolling_volume_24h")
    return rolled.with_columns(
        volume_spike_ratio=pl.when(mean != 0).then(volume / mean),
        is_volume_spike=volume > 2 * mean,
        vwap_24h=pl.when(total != 0).then(pl.col("rolling_quote_volume_24h") / total),
    ).collect(engine="streaming")


def movers_again(returns: pl.LazyFrame, volume: pl.LazyFrame) -> pl.DataFrame:
    """``mart_top_movers`` from the two marts it is made of.

    Args:
        returns: ``mart_returns_1h``, whole hours.
        volume: ``mart_volume_metrics_1h`` of the same hours.
    """
    joined = returns.select(*CANDLE, "return_pct", "log_return", "rolling_vol_24h").join(
        volume.select(*CANDLE, "volume_spike_ratio"), on=list(CANDLE), how="full", coalesce=True
    )
    signalled = joined.with_columns(mover_signal=pl.col("return_pct").abs() * pl.col("volume_spike_ratio"))
    ranked = signalled.sort(*HOUR, "mover_signal", "coin", descending=[False, False, True, False], nulls_last=True)
    return ranked.with_columns(mover_rank=pl.int_range(1, pl.len() + 1).over(HOUR)).collect(engine="streaming")
