"""``labels_1h`` a second time: in polars, by looking at each of the coming hours in turn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from klineforge.quality.comparison import SERIES, Comparison

_HOURS = (1, 6, 24, 168)
_PATH = 24
_KNOWN = ("exchange", "coin", "available_at")
FIGURES = Comparison(
    _KNOWN,
    (*(f"forward_return_{hours}h" for hours in _HOURS), "triple_barrier_return_24h", "triple_barrier_width_24h"),
    (
        *("open_timestamp", "listing_seq", "triple_barrier_24h", "triple_barrier_end_24h"),
        *(f"forward_end_{hours}h" for hours in _HOURS),
    ),
)


@dataclass(frozen=True)
class Barriers:
    """Where the barriers of a label lie: multiples of the volatility of a day, and what that must rest on."""

    upper: float = 1.0
    lower: float = 1.0
    min_observations: int = 12


def labels_again(returns: pl.LazyFrame, barriers: Barriers) -> pl.DataFrame:
    """Every label of every candle.

    Args:
        returns: ``mart_returns_1h``, whole histories of the coins in question.
        barriers: As the labels were made with.
    """
    volatility, opened = pl.col("rolling_vol_24h"), pl.col("open_timestamp")
    has_width = (pl.col("observations_24h") >= barriers.min_observations) & (volatility > 0)
    rows = (
        returns.select(*SERIES, "open_timestamp", "close_price", "rolling_vol_24h", "observations_24h")
        .sort(*SERIES, "open_timestamp")
        .with_columns(
            available_at=opened.dt.offset_by("1h"),
            triple_barrier_width_24h=pl.when(has_width).then(volatility * _PATH**0.5),
        )
    )
    for hours in _HOURS:
        rows = _with_forward_return(rows, hours)
    return _with_barriers(rows, barriers).select(*_KNOWN, *FIGURES.exact, *FIGURES.figures).collect(engine="streaming")


def _with_forward_return(rows: pl.LazyFrame, hours: int) -> pl.LazyFrame:
    after = timedelta(hours=hours)
    later = rows.select(*SERIES, pl.col("open_timestamp") - after, pl.col("close_price").alias("later"))
    is_known = pl.col("later").is_not_null()
    return (
        rows.join(later, on=[*SERIES, "open_timestamp"], how="left", maintain_order="left")
        .with_columns(
            (pl.col("later") / pl.col("close_price")).log().alias(f"forward_return_{hours}h"),
            pl.when(is_known).then(pl.col("available_at") + after).alias(f"forward_end_{hours}h"),
        )
        .drop("later")
    )


def _with_barriers(rows: pl.LazyFrame, barriers: Barriers) -> pl.LazyFrame:
    """Look at the closes of the next 24 candles one by one, the last first: the earliest to reach a barrier stays.

    Candles are unique and in order: the 24th is 24 hours later exactly where none is missing.
    """
    close, opened, width = pl.col("close_price"), pl.col("open_timestamp"), pl.col("triple_barrier_width_24h")
    upper, lower = close * (width * barriers.upper).exp(), close * (-width * barriers.lower).exp()
    is_whole = (opened.shift(-_PATH).over(SERIES) - opened == timedelta(hours=_PATH)) & width.is_not_null()
    label, last, hours = pl.lit(0), pl.col(f"c{_PATH}"), pl.lit(_PATH)
    for step in range(_PATH, 0, -1):
        then = pl.col(f"c{step}")
        rose, fell = then >= upper, then <= lower
        label = pl.when(rose).then(1).when(fell).then(-1).otherwise(label)
        last, hours = (
            pl.when(rose | fell).then(new).otherwise(old) for new, old in ((then, last), (pl.lit(step), hours))
        )
    return rows.with_columns(
        is_whole=is_whole, **{f"c{step}": close.shift(-step).over(SERIES) for step in range(1, _PATH + 1)}
    ).with_columns(
        triple_barrier_24h=pl.when("is_whole").then(label).cast(pl.Int32),
        triple_barrier_return_24h=pl.when("is_whole").then((last / close).log()),
        triple_barrier_end_24h=pl.when("is_whole").then(pl.col("available_at") + pl.duration(hours=hours)),
    )
