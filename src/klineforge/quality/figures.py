"""The marts against the fact: every figure computed a second time, in polars, from the definitions of the documents.

Nothing here is shared with the formulas that make the tables, so that a mistake in those, or a value somebody changed,
does not agree with itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_

import polars as pl

from klineforge.quality.finding import SAMPLES, Finding

SERIES = ("exchange", "coin", "listing_seq")
CANDLE = ("exchange", "coin", "open_timestamp")
PAIR_HOUR = ("exchange", "base_coin", "related_coin", "open_timestamp")
HOUR = ("exchange", "open_timestamp")

_RETURNS, _VOLUME, _MOVERS = "mart_returns_1h", "mart_volume_metrics_1h", "mart_top_movers"
_CORRELATIONS, _BREADTH = "mart_correlations", "mart_market_breadth_1h"
_DAY = "24h"
# Both sides round in their own order; a change that matters to anybody is far above this.
_RELATIVE = 1e-9
_ABSOLUTE = 1e-12
_NEAR_A_THRESHOLD = 1e-9


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
    volatile = _with_last_day(moved, rolling_vol_24h=change.std(ddof=1), observations_24h=change.len())
    return _with_last_day(volatile, mean_vol=pl.col("rolling_vol_24h").mean()).collect(engine="streaming")


def volume_again(fact: pl.LazyFrame) -> pl.DataFrame:
    """``mart_volume_metrics_1h`` from candles and the 23 hours before each.

    Args:
        fact: ``fact_1h_klines``, whole histories of the coins in question.
    """
    volume, value, mean = pl.col("volume"), pl.col("quote_volume"), pl.col("avg_volume_24h")
    candles = fact.select(*CANDLE, "listing_seq", "close_price", "volume", "quote_volume")
    rolled = _with_last_day(
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


def correlations_again(
    fact: pl.LazyFrame, pairs: Sequence[tuple[str, str, str]], min_observations: int
) -> pl.DataFrame:
    """``mart_correlations`` of some pairs by two passes over each window.

    Args:
        fact: ``fact_1h_klines``, whole histories of the coins in question.
        pairs: Exchange, base coin and related coin.
        min_observations: Hours below which a correlation is null.
    """
    made = returns_only(fact)
    wanted = pl.LazyFrame(pairs, schema=["exchange", "base_coin", "related_coin"], orient="row")
    side = {
        name: made.select(
            *HOUR, pl.col("coin").alias(f"{name}_coin"), pl.col("listing_seq").alias(f"{name}_seq"),
            pl.col("return_pct").alias(name),
        )
        for name in ("base", "related")
    }
    both = (
        wanted.join(side["base"], on=["exchange", "base_coin"])
        .join(side["related"], on=[*HOUR, "related_coin"])
        .with_columns(base=pl.when(pl.col("related").is_not_null()).then("base"))
        .with_columns(related=pl.when(pl.col("base").is_not_null()).then("related"))
    )
    series = ("exchange", "base_coin", "related_coin", "base_seq", "related_seq")
    base, related = pl.col("base").drop_nulls(), pl.col("related").drop_nulls()
    rolled = _with_last_day(
        both.sort(*series, "open_timestamp"),
        by=series,
        observations_24h=base.len(),
        correlation=pl.corr(base, related),
        flat=(base.n_unique() < 2) | (related.n_unique() < 2),
    )
    is_enough = (pl.col("observations_24h") >= min_observations) & ~pl.col("flat")
    return rolled.select(
        *PAIR_HOUR,
        "observations_24h",
        corr_24h=pl.when(is_enough & pl.col("correlation").is_finite()).then(pl.col("correlation").clip(-1, 1)),
    ).collect(engine="streaming")


def returns_only(fact: pl.LazyFrame) -> pl.LazyFrame:
    """Hourly returns of candles, null where there is none an hour earlier."""
    an_hour_before = pl.col("open_timestamp").shift(1) == pl.col("open_timestamp").dt.offset_by("-1h")
    close = pl.col("close_price")
    return (
        fact.select(*CANDLE, "listing_seq", "close_price")
        .sort(*SERIES, "open_timestamp")
        .with_columns(return_pct=pl.when(an_hour_before).then(close / close.shift(1) - 1).over(SERIES))
    )


def compared(
    table: str,
    again: pl.DataFrame,
    held: pl.LazyFrame,
    key: Sequence[str],
    figures: Sequence[str],
    *,
    exact: Sequence[str] = (),
) -> list[Finding]:
    """Compare a table with what was computed again.

    Args:
        table: Its name.
        again: Every row it should hold.
        held: The rows it holds.
        key: What tells rows apart.
        figures: Columns that may differ by rounding.
        exact: Columns that may not.

    Returns:
        ``one_row_each``: keys that are missing or too many; ``figures_again``: rows with another value.
    """
    rows = held.select(*key, *figures, *exact).collect(engine="streaming")
    marked = again.with_columns(_again=pl.lit(value=True)).join(
        rows.with_columns(_held=pl.lit(value=True)), on=list(key), how="full", coalesce=True, suffix="_held"
    )
    alone = marked.filter(pl.col("_again").is_null() | pl.col("_held").is_null())
    together = marked.filter(pl.col("_again") & pl.col("_held"))
    apart = [_differs(name, f"{name}_held") for name in figures]
    other = [pl.col(name).ne_missing(pl.col(f"{name}_held")) for name in exact]
    wrong = together.filter(reduce(or_, [*apart, *other]))
    return [
        _finding(table, "one_row_each", max(again.height, rows.height), alone, key),
        _finding(table, "figures_again", together.height, wrong, key),
    ]


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
    wrong = both.filter(
        pl.col("expected").ne_missing(pl.col("volatility_regime")) & ~near.fill_null(value=False)
    )
    return _finding(_RETURNS, "regime_fits", both.height, wrong, CANDLE)


def pairs_of_hours(fact: pl.LazyFrame, correlations: pl.LazyFrame) -> Finding:
    """Each hour holds one correlation per pair of the coins that have a candle.

    Args:
        fact: ``fact_1h_klines`` of some hours.
        correlations: ``mart_correlations`` of the same hours.
    """
    coins = pl.col("coins").cast(pl.Int64)
    wanted = fact.group_by(HOUR).agg(pl.len().alias("coins")).with_columns(pairs=coins * (coins - 1) // 2)
    both = (
        wanted.filter(pl.col("pairs") > 0)
        .join(correlations.group_by(HOUR).agg(pl.len().alias("held")), on=list(HOUR), how="full", coalesce=True)
        .with_columns(pl.col("pairs", "held").fill_null(0))
        .collect(engine="streaming")
    )
    wrong = both.filter(pl.col("pairs") != pl.col("held").cast(pl.Int64))
    return _finding(_CORRELATIONS, "every_pair_of_the_hour", both.height, wrong, (*HOUR, "pairs", "held"))


def breadth_again(returns: pl.LazyFrame, volume: pl.LazyFrame, correlations: pl.LazyFrame) -> pl.DataFrame:
    """``mart_market_breadth_1h`` from the three marts it is made of.

    Args:
        returns: ``mart_returns_1h``, whole hours.
        volume: ``mart_volume_metrics_1h`` of the same hours.
        correlations: ``mart_correlations`` of the same hours.
    """
    change, above = pl.col("return_pct"), pl.col("close_price") > pl.col("vwap_24h")
    moves = returns.group_by(HOUR).agg(
        coins_with_return=change.count(),
        advancers=(change > 0).sum(),
        decliners=(change < 0).sum(),
        unchanged=(change == 0).sum(),
        mean_return=change.mean(),
        return_dispersion=change.std(ddof=1),
    )
    prices = volume.group_by(HOUR).agg(coins_with_vwap=above.count(), share_above_vwap_24h=above.mean())
    pairs = correlations.group_by(HOUR).agg(
        pairs_with_correlation=pl.col("corr_24h").count(), mean_corr_24h=pl.col("corr_24h").mean()
    )
    return (
        moves.join(prices, on=list(HOUR), how="left")
        .join(pairs, on=list(HOUR), how="left")
        .with_columns(
            pl.col("pairs_with_correlation").fill_null(0),
            advance_decline_ratio=pl.when(pl.col("decliners") > 0).then(pl.col("advancers") / pl.col("decliners")),
        )
        .collect(engine="streaming")
    )


def _with_last_day(
    rows: pl.LazyFrame, *, by: Sequence[str] = SERIES, **figures: pl.Expr
) -> pl.LazyFrame:
    """Add aggregates over ``(t - 24 h, t]`` of each series; rows are in order of series and time."""
    day = rows.rolling("open_timestamp", period=_DAY, group_by=list(by)).agg(**figures)
    return rows.join(day, on=[*by, "open_timestamp"], how="left", maintain_order="left")


def _differs(one: str, other: str) -> pl.Expr:
    near = (pl.col(one) - pl.col(other)).abs() <= _ABSOLUTE + _RELATIVE * pl.col(one).abs()
    return pl.col(one).is_null().ne(pl.col(other).is_null()) | near.fill_null(value=True).not_()


def _finding(table: str, rule: str, checked: int, broken: pl.DataFrame, named: Sequence[str]) -> Finding:
    sample: tuple[Mapping[str, object], ...] = tuple(broken.select(named).head(SAMPLES).iter_rows(named=True))
    way_out = f"Make it anew with: kedro klineforge rebuild {table}" if broken.height else ""
    return Finding(table, rule, "error", checked, broken.height, sample, way_out)
