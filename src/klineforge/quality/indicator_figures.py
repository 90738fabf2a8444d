"""``mart_indicators_1h`` against the marts it is made of: every figure computed a second time, from the definitions."""

from __future__ import annotations

import polars as pl

from klineforge.quality.comparison import CANDLE, HOUR, SERIES, Comparison

INDICATORS = Comparison(
    CANDLE,
    (
        *("return_24h", "rsi_14", "vwap_deviation", "share_above_vwap_24h", "trend_persistence_24h"),
        *("efficiency_ratio_24h", "volume_ratio_30d", "beta_720h"),
    ),
    (
        *("listing_seq", "close_price", "observations_24h", "vwap_observations_24h", "trend_run_hours"),
        *("observations_720h", "beta_observations_720h"),
    ),
    absolute=1e-9,
)

_HOURS = 720
_CHANGES = 14
_LONGEST = 168
_OPENED = "open_timestamp"


def indicators_again(
    returns: pl.LazyFrame, volume: pl.LazyFrame, reference_coin: str, min_observations: int
) -> pl.DataFrame:
    """``mart_indicators_1h`` from whole histories.

    Args:
        returns: ``mart_returns_1h``.
        volume: ``mart_volume_metrics_1h``.
        reference_coin: As the indicators were made with.
        min_observations: As the indicators were made with.
    """
    moves = returns.select(*CANDLE, "listing_seq", "close_price", "prev_close", "return_pct")
    traded = volume.select(*CANDLE, "rolling_volume_24h", "vwap_24h")
    rows = moves.join(traded, on=list(CANDLE), how="inner").sort(*SERIES, _OPENED)
    key = [*SERIES, _OPENED]
    return (
        _with_runs(_with_day(rows))
        .join(_indexes(moves), on=key, how="left")
        .join(_usual_volumes(rows), on=key, how="left")
        .join(_slopes(moves, reference_coin, min_observations), on=key, how="left")
        .with_columns(
            pl.col("beta_observations_720h").fill_null(0),
            beta_720h=pl.when(pl.col("coin") == reference_coin, pl.col("beta_720h").is_not_null())
            .then(1.0)
            .otherwise("beta_720h"),
            volume_ratio_30d=pl.when(pl.col("usual") > 0).then(pl.col("rolling_volume_24h") / pl.col("usual")),
        )
        .collect(engine="streaming")
    )


def _with_day(rows: pl.LazyFrame) -> pl.LazyFrame:
    close, change, above = pl.col("close_price"), pl.col("return_pct"), pl.col("_above")
    a_day_on = rows.select(*SERIES, pl.col(_OPENED).dt.offset_by("24h"), _before=close)
    both = rows.join(a_day_on, on=[*SERIES, _OPENED], how="left").with_columns(
        _above=close > pl.col("vwap_24h"),
        vwap_deviation=close / pl.col("vwap_24h") - 1,
        return_24h=close / pl.col("_before") - 1,
    )
    day = both.sort(*SERIES, _OPENED).rolling(_OPENED, period="24h", group_by=list(SERIES))
    of_day = day.agg(
        observations_24h=change.count(),
        vwap_observations_24h=above.count(),
        share_above_vwap_24h=above.mean(),
        _up=(change > 0).sum(),
        _down=(change < 0).sum(),
        _path=(close - pl.col("prev_close")).abs().sum(),
    )
    whole, number, path = pl.col("return_24h"), pl.col("observations_24h"), pl.col("_path")
    same = pl.when(whole > 0).then("_up").when(whole < 0).then("_down")
    return both.join(of_day, on=[*SERIES, _OPENED], how="left").with_columns(
        trend_persistence_24h=pl.when(number > 0).then(same / number),
        efficiency_ratio_24h=pl.when(number == 24, path > 0).then((close - pl.col("_before")).abs() / path),
    )


def _with_runs(rows: pl.LazyFrame) -> pl.LazyFrame:
    sign = pl.col("return_pct").sign().fill_null(0)
    length = pl.int_range(1, pl.len() + 1).over(*SERIES, "_run").clip(upper_bound=_LONGEST)
    return (
        rows.sort(*SERIES, _OPENED)
        .with_columns(_run=sign.rle_id().over(SERIES))
        .with_columns(trend_run_hours=(length * sign).cast(pl.Int32))
    )


def _indexes(moves: pl.LazyFrame) -> pl.LazyFrame:
    """The index of each month from its own averages, begun 720 hours before; carried over hours without a change."""
    month = pl.col(_OPENED).dt.truncate("1mo")
    last = pl.col(_OPENED).dt.offset_by(f"{_HOURS}h").dt.truncate("1mo")
    change, place = pl.col("_change"), pl.col("_place")
    series = [*SERIES, "_month"]
    changes = (
        moves.with_columns(_change=pl.col("close_price") - pl.col("prev_close"))
        .with_columns(_month=pl.datetime_ranges(month, last, "1mo"))
        .explode("_month")
        .sort(*series, _OPENED)
        .with_columns(_place=change.is_not_null().cum_sum().over(series))
    )
    moved = changes.filter(change.is_not_null()).with_columns(_gain=change.clip(0), _loss=(-change).clip(0))
    first = [pl.col(name).filter(place <= _CHANGES).mean().over(series).alias(f"{name}_first") for name in _SIDES]
    averaged = (
        moved.with_columns(first)
        .filter(place >= _CHANGES)
        .with_columns(pl.when(place == _CHANGES).then(f"{name}_first").otherwise(name).alias(name) for name in _SIDES)
        .with_columns(pl.col(name).ewm_mean(alpha=1 / _CHANGES, adjust=False).over(series) for name in _SIDES)
        .with_columns(_both=pl.col("_gain") + pl.col("_loss"))
        .with_columns(rsi_14=pl.when(pl.col("_both") > 0).then(100 * pl.col("_gain") / pl.col("_both")))
        .select(*series, "_place", "rsi_14")
    )
    found = changes.join(averaged, on=[*series, "_place"], how="left")
    return found.filter(pl.col("_month") == month).select(*SERIES, _OPENED, "rsi_14")


_SIDES = ("_gain", "_loss")


def _usual_volumes(rows: pl.LazyFrame) -> pl.LazyFrame:
    volume = pl.col("rolling_volume_24h")
    month = rows.rolling(_OPENED, period=f"{_HOURS}h", group_by=list(SERIES))
    return month.agg(usual=volume.mean(), observations_720h=volume.count())


def _slopes(moves: pl.LazyFrame, reference_coin: str, min_observations: int) -> pl.LazyFrame:
    """Slopes of the least squares, listing of the coin by listing of the reference."""
    reference = moves.filter(pl.col("coin") == reference_coin).select(
        *HOUR, _seq=pl.col("listing_seq"), _x=pl.col("return_pct")
    )
    series = [*SERIES, "_seq"]
    both = moves.join(reference, on=list(HOUR), how="inner").sort(*series, _OPENED)
    is_known = pl.col("_x").is_not_null() & pl.col("return_pct").is_not_null()
    x, y = pl.col("_x").filter(is_known), pl.col("return_pct").filter(is_known)
    far = x - x.mean()
    slopes = both.rolling(_OPENED, period=f"{_HOURS}h", group_by=series).agg(
        beta_observations_720h=is_known.sum(),
        _spread=(far * far).sum(),
        _size=(x * x).sum(),
        _common=(far * y).sum(),
    )
    enough = pl.col("beta_observations_720h") >= min_observations
    return slopes.select(
        *SERIES,
        _OPENED,
        "beta_observations_720h",
        beta_720h=pl.when(enough, pl.col("_spread") > 1e-6 * pl.col("_size")).then(
            pl.col("_common") / pl.col("_spread")
        ),
    )
