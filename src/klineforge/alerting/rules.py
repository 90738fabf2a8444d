"""Rules about figures: from rows of marts to events. Pure functions of their arguments, hour by hour (alerting.edges).

Every function takes rows of a mart that reach back to ``edges.read_from`` of the first hour that matters and gives the
events of all hours in them; those of the hours before that one may lack what happened earlier and are the caller's to
drop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import polars as pl

from klineforge.alerting.edges import rising_edges
from klineforge.alerting.events import Event
from klineforge.alerting.settings import Rule, Threshold

_REGIMES: Final = {"Low": 0.0, "Medium": 1.0, "High": 2.0}


def volume_spikes(volume: pl.DataFrame, rule: Rule) -> list[Event]:
    """Hours in which a coin's volume was many times its 24-hour mean.

    Args:
        volume: ``exchange, coin, open_timestamp, volume_spike_ratio`` of ``mart_volume_metrics_1h``.
        rule: ``above`` and ``rearm`` are ratios.
    """
    fired = rising_edges(_with_thresholds(volume, rule, pl.col("volume_spike_ratio")))
    return [
        _event(rule, row, f"{row['subject']}: volume {row['value']:.1f} times its 24-hour mean")
        for row in fired.iter_rows(named=True)
    ]


def volatility_regimes(returns: pl.DataFrame, rule: Rule) -> list[Event]:
    """Hours in which a coin's volatility regime became High; armed again by an hour in which it is Low.

    Args:
        returns: ``exchange, coin, open_timestamp, volatility_regime, rolling_vol_24h`` of ``mart_returns_1h``.
        rule: ``above`` is the volatility from which on a High regime counts; the regime compares a coin with itself,
            and a calm coin's High is nothing to tell.
    """
    figures = _with_thresholds(returns, rule, pl.col("rolling_vol_24h"), "volatility_regime")
    level = pl.col("volatility_regime").replace_strict(_REGIMES, return_dtype=pl.Float64)
    too_calm = (level == _REGIMES["High"]) & (pl.col("value") < pl.col("above"))
    levels = figures.with_columns(
        volatility="value",
        least="above",
        value=pl.when(too_calm).then(_REGIMES["Medium"]).otherwise(level),
        above=pl.lit(_REGIMES["High"]),
        rearm=pl.lit(_REGIMES["Medium"]),
    )
    return [
        _event(
            rule,
            {**row, "value": row["volatility"], "above": row["least"]},
            f"{row['subject']}: volatility regime turned High, {row['volatility']:.2%} per hour over 24 hours",
        )
        for row in rising_edges(levels).iter_rows(named=True)
    ]


def drawdown_steps(returns: pl.DataFrame, rule: Rule) -> list[Event]:
    """Hours in which a coin fell through a step below its highest close; once per step and descent.

    Args:
        returns: ``exchange, coin, open_timestamp, drawdown_pct`` of ``mart_returns_1h``.
        rule: ``steps`` and the share of a step below which it is armed again.

    Returns:
        Where a coin falls through several steps in one hour, an event for the deepest of them.
    """
    figures = [
        _with_thresholds(returns, _step_of(rule, number), -pl.col("drawdown_pct")).with_columns(step=number)
        for number in range(max((len(one.steps) for one in _all_thresholds(rule)), default=0))
    ]
    if not figures:
        return []
    fired = rising_edges(pl.concat(figures), by=("exchange", "subject", "step"))
    deepest = fired.sort("above").unique(("exchange", "subject", "hour"), keep="last").sort("hour", "subject")
    return [
        replace(
            _event(
                rule, row, f"{row['subject']}: {row['value']:.1%} below its highest close, beyond {row['above']:.0%}"
            ),
            step=f"{row['above']:g}",
        )
        for row in deepest.iter_rows(named=True)
    ]


def top_movers(movers: pl.DataFrame, rule: Rule) -> list[Event]:
    """Hours in which a coin among the strongest movers moved a lot on a lot of volume.

    Args:
        movers: ``exchange, coin, open_timestamp, mover_signal, mover_rank, return_pct`` of ``mart_top_movers``.
        rule: ``above`` and ``rearm`` are mover signals; coins beyond ``ranks`` count as not moving.
    """
    signal = pl.when(pl.col("mover_rank") <= rule.threshold.ranks).then("mover_signal").otherwise(0.0)
    fired = rising_edges(_with_thresholds(movers, rule, signal, "return_pct", "mover_rank"))
    return [
        _event(
            rule,
            row,
            f"{row['subject']}: moved {row['return_pct']:+.1%} in an hour, number {row['mover_rank']} of the exchange, "
            f"signal {row['value']:.2f}",
        )
        for row in fired.iter_rows(named=True)
    ]


def correlation_breakdowns(pairs: pl.DataFrame, rule: Rule) -> list[Event]:
    """Hours in which the correlations of many pairs of an exchange moved at once: one event per hour and exchange.

    Args:
        pairs: ``exchange, open_timestamp, broken, worst_pair, worst_change`` from ``broken_pairs``.
        rule: ``above`` and ``rearm`` are numbers of pairs.
    """
    figures = pairs.select(
        "exchange",
        pl.col("exchange").alias("subject"),
        pl.col("open_timestamp").alias("hour"),
        pl.col("broken").cast(pl.Float64).alias("value"),
        *_threshold_columns(rule.threshold),
        "worst_pair",
        "worst_change",
    )
    return [
        _event(
            rule,
            row,
            f"{row['exchange']}: {row['value']:.0f} pairs broke down, worst {row['worst_pair']} by "
            f"{row['worst_change']:.2f}",
        )
        for row in rising_edges(figures).iter_rows(named=True)
    ]


def broken_pairs(correlations: pl.LazyFrame, change: float) -> pl.LazyFrame:
    """How many correlations broke down, per exchange and hour.

    Args:
        correlations: ``mart_correlations``; read twice, so that only the pairs it marks are kept in memory.
        change: By how much a correlation has to move since the hour before, at least the 0.5 that the mart marks.

    Returns:
        ``exchange, open_timestamp, broken, worst_pair, worst_change``; every hour with a pair has a row.
    """
    key = ("exchange", "base_coin", "related_coin", "open_timestamp")
    marked = correlations.filter("corr_breakdown_alerts").select(*key, "corr_24h")
    before = marked.select(*key[:-1], pl.col("open_timestamp") - pl.duration(hours=1))
    former = correlations.select(*key, pl.col("corr_24h").alias("former")).join(before, on=key, how="semi")
    moved = (
        marked.join(former.with_columns(pl.col("open_timestamp") + pl.duration(hours=1)), on=key)
        .with_columns(moved=(pl.col("corr_24h") - pl.col("former")).abs())
        .filter(pl.col("moved") >= change)
        .sort("moved", "base_coin", "related_coin", descending=(True, False, False))
        .group_by("exchange", "open_timestamp", maintain_order=True)
        .agg(
            pl.len().alias("broken"),
            pl.concat_str("base_coin", "related_coin", separator="/").first().alias("worst_pair"),
            pl.col("moved").first().alias("worst_change"),
        )
    )
    hours = correlations.select("exchange", "open_timestamp").unique()
    return hours.join(moved, on=("exchange", "open_timestamp"), how="left").with_columns(pl.col("broken").fill_null(0))


def _event(rule: Rule, row: Mapping[str, Any], message: str) -> Event:
    return Event(
        rule.name,
        rule.severity,
        row["subject"],
        row["hour"],
        message,
        exchange=row["exchange"],
        value=row["value"],
        threshold=row["above"],
    )


def _with_thresholds(rows: pl.DataFrame, rule: Rule, value: pl.Expr, *kept: str) -> pl.DataFrame:
    """Figures for ``rising_edges``; coins for which the rule is off are left out."""
    coins = rows.select("coin").unique()["coin"].to_list()
    known = [(coin, rule.threshold_of(coin)) for coin in coins]
    thresholds = pl.DataFrame(
        [(coin, one.above, one.rearm, one.cool_down_hours) for coin, one in known if one is not None],
        schema={"coin": pl.String, "above": pl.Float64, "rearm": pl.Float64, "cool_down_hours": pl.Int64},
        orient="row",
    )
    return rows.join(thresholds, on="coin").select(
        "exchange",
        pl.concat_str("exchange", "coin", separator="/").alias("subject"),
        pl.col("open_timestamp").alias("hour"),
        value.alias("value"),
        "above",
        "rearm",
        "cool_down_hours",
        *kept,
    )


def _threshold_columns(threshold: Threshold) -> list[pl.Expr]:
    return [
        pl.lit(threshold.above).alias("above"),
        pl.lit(threshold.rearm).alias("rearm"),
        pl.lit(threshold.cool_down_hours, dtype=pl.Int64).alias("cool_down_hours"),
    ]


def _all_thresholds(rule: Rule) -> list[Threshold]:
    return [rule.threshold, *(one for one in rule.by_coin.values() if one is not None)]


def _step_of(rule: Rule, number: int) -> Rule:
    """The rule for the step of that number alone; coins with fewer steps have none."""

    def step(threshold: Threshold | None) -> Threshold | None:
        if threshold is None or number >= len(threshold.steps):
            return None
        above = threshold.steps[number]
        return replace(threshold, above=above, rearm=above * threshold.rearm)

    general = step(rule.threshold)
    by_coin = {coin: step(one) for coin, one in rule.by_coin.items()}
    return replace(rule, threshold=general or Threshold(above=float("inf")), by_coin=by_coin)
