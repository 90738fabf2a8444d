"""The marts of pairs and of whole hours against those of single coins: computed a second time, from the definitions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import polars as pl

from klineforge.quality.comparison import CANDLE, HOUR, SERIES, Comparison, finding, with_last_day
from klineforge.quality.finding import Finding

PAIR = ("exchange", "base_coin", "related_coin")
PAIR_HOUR = (*PAIR, "open_timestamp")

_REGIMES = (("High", 0.8), ("Medium", 0.5), ("Low", 0.3))
_BREAKDOWN = 0.5
# Correlations agree within that; which side of a threshold they lie on is decided by rounding.
_NEAR_A_THRESHOLD = 1e-9

# What docs/definitions.md promises of the mart; a correlation near zero has the rounding of a large one.
CORRELATIONS = Comparison(PAIR_HOUR, ("corr_24h",), ("observations_24h",), absolute=1e-9)
BREADTH = Comparison(
    HOUR,
    ("advance_decline_ratio", "mean_return", "return_dispersion", "share_above_vwap_24h", "mean_corr_24h"),
    ("coins_with_return", "advancers", "decliners", "unchanged", "coins_with_vwap", "pairs_with_correlation"),
)


def pairs_of_coins(fact: pl.LazyFrame) -> list[tuple[str, str, str]]:
    """The pairs that can have rows: exchange, base coin, related coin, in order.

    Args:
        fact: ``fact_1h_klines``, whole.
    """
    coins = fact.select("exchange", "coin").unique().collect(engine="streaming").sort("exchange", "coin").rows()
    return [(one[0], one[1], two[1]) for one, two in combinations(coins, 2) if one[0] == two[0]]


def of_pairs(correlations: pl.LazyFrame, pairs: Sequence[tuple[str, str, str]]) -> pl.LazyFrame:
    """The rows of some pairs."""
    return correlations.join(_frame(pairs), on=list(PAIR), how="semi")


def _frame(pairs: Sequence[tuple[str, str, str]]) -> pl.LazyFrame:
    return pl.LazyFrame(pairs, schema=dict.fromkeys(PAIR, pl.String), orient="row")


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
    return finding("mart_correlations", "every_pair_of_the_hour", both.height, wrong, (*HOUR, "pairs", "held"))


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
    wanted = _frame(pairs)
    side = {
        name: made.select(
            *HOUR,
            pl.col("coin").alias(f"{name}_coin"),
            pl.col("listing_seq").alias(f"{name}_seq"),
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
    rolled = with_last_day(
        both.sort(*series, "open_timestamp"),
        by=series,
        observations_24h=base.len(),
        correlation=pl.corr(base, related),
        flat=(base.n_unique() < 2) | (related.n_unique() < 2),
    )
    is_enough = (pl.col("observations_24h") >= min_observations) & ~pl.col("flat")
    return rolled.select(
        *PAIR_HOUR,
        "base_seq",
        "related_seq",
        "observations_24h",
        corr_24h=pl.when(is_enough & pl.col("correlation").is_finite()).then(pl.col("correlation").clip(-1, 1)),
    ).collect(engine="streaming")


def regimes_and_breakdowns(again: pl.DataFrame, held: pl.LazyFrame) -> list[Finding]:
    """Regimes and breakdowns fit the correlations, except where rounding decides.

    Args:
        again: From ``correlations_again``, whole histories of some pairs.
        held: ``mart_correlations`` of the same pairs.

    Returns:
        ``regime_fits`` and ``breakdown_fits``.
    """
    value, size = pl.col("corr_24h"), pl.col("corr_24h").abs()
    series = [*PAIR, "base_seq", "related_seq"]
    an_hour_before = pl.col("open_timestamp").shift(1) == pl.col("open_timestamp").dt.offset_by("-1h")
    moved = pl.when(an_hour_before).then((value - value.shift(1)).abs()).over(series)
    regime = pl.when(value.is_not_null()).then(
        pl.coalesce(*(pl.when(size >= floor).then(pl.lit(name)) for name, floor in _REGIMES), pl.lit("Uncorrelated"))
    )
    both = (
        again.sort(*series, "open_timestamp")
        .with_columns(regime=regime, moved=moved)
        .with_columns(is_breakdown=(pl.col("moved") > _BREAKDOWN).fill_null(value=False))
        .join(
            held.select(*PAIR_HOUR, "correlation_regime", "corr_breakdown_alerts").collect(engine="streaming"),
            on=list(PAIR_HOUR),
        )
    )
    beside = [(size - floor).abs() < _NEAR_A_THRESHOLD for _, floor in _REGIMES]
    named = pl.col("regime").ne_missing(pl.col("correlation_regime"))
    at_the_edge = (pl.col("moved") - _BREAKDOWN).abs() < _NEAR_A_THRESHOLD
    told = pl.col("is_breakdown").ne_missing(pl.col("corr_breakdown_alerts"))
    wrong = {
        "regime_fits": named & ~pl.any_horizontal(beside).fill_null(value=False),
        "breakdown_fits": told & ~at_the_edge.fill_null(value=False),
    }
    return [finding("mart_correlations", rule, both.height, both.filter(it), PAIR_HOUR) for rule, it in wrong.items()]


def returns_only(fact: pl.LazyFrame) -> pl.LazyFrame:
    """Hourly returns of candles, null where there is none an hour earlier."""
    an_hour_before = pl.col("open_timestamp").shift(1) == pl.col("open_timestamp").dt.offset_by("-1h")
    close = pl.col("close_price")
    return (
        fact.select(*CANDLE, "listing_seq", "close_price")
        .sort(*SERIES, "open_timestamp")
        .with_columns(return_pct=pl.when(an_hour_before).then(close / close.shift(1) - 1).over(SERIES))
    )


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
