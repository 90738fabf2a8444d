"""Silver against bronze: every candle comes from the record it should, and none is lost on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import or_

import polars as pl

from klineforge.quality.comparison import SERIES, Comparison, compared
from klineforge.quality.expected import AS_SENT, CANDLE, NUMBERS, SOURCE, best_revisions
from klineforge.quality.finding import SAMPLES, Finding

STAGE, FACT, QUARANTINE, GAPS = "stage_binance_klines", "fact_1h_klines", "quarantine_klines", "kline_gaps"
RUNS = "kline_runs"
KLINES, CHECKPOINTS = "binance_klines_daily", "binance_ingestion_checkpoints"
_REBUILD = "Make it anew with: kedro klineforge rebuild {}"
# Sums of the same figures in another order.
_RELATIVE = 1e-9
_FLAGS = ("close_timestamp", "is_irregular_close", "is_zero_volume")
_RUNS = Comparison((*SERIES, "first_hour"), (), ("last_hour", "candles"))


def reconcile(klines: pl.LazyFrame, stage: pl.LazyFrame, fact: pl.LazyFrame, refused: pl.LazyFrame) -> list[Finding]:
    """Compare some hours of silver with bronze.

    Args:
        klines: ``binance_klines_daily`` of the hours.
        stage: ``stage_binance_klines`` of the same hours.
        fact: ``fact_1h_klines`` of the same hours.
        refused: ``quarantine_klines``, at least those that name one of the hours.
    """
    wanted = best_revisions(klines).collect(engine="streaming")
    staged = stage.select(*CANDLE, *SOURCE, *AS_SENT, *NUMBERS).collect(engine="streaming")
    accepted = fact.select(*CANDLE, *NUMBERS, *_FLAGS, "trade_count").collect(engine="streaming")
    rejected = refused.filter(pl.col("open_timestamp").is_not_null()).select(*CANDLE).collect(engine="streaming")
    return [
        _stage_is_best_revision(wanted, staged),
        _fact_and_quarantine_are_stage(staged, accepted, rejected),
        *_sums(wanted.join(rejected, on=list(CANDLE), how="anti"), accepted),
    ]


def _stage_is_best_revision(wanted: pl.DataFrame, staged: pl.DataFrame) -> Finding:
    both = wanted.join(staged, on=list(CANDLE), how="full", coalesce=True, suffix="_held")
    # A record of bronze whose number is not plain is judged by silver's rules, not here.
    wrong = [pl.col(f"plain_{name}") & pl.col(name).ne_missing(pl.col(f"{name}_held")) for name in NUMBERS]
    elsewhere = [pl.col(name).ne_missing(pl.col(f"{name}_held")) for name in (*SOURCE, *AS_SENT)]
    broken = both.filter(_any([*elsewhere, *wrong]))
    return _finding(STAGE, "best_revision_of_bronze", wanted.height, broken, CANDLE)


def _fact_and_quarantine_are_stage(staged: pl.DataFrame, accepted: pl.DataFrame, rejected: pl.DataFrame) -> Finding:
    placed = pl.concat(
        [accepted.with_columns(is_accepted=pl.lit(value=True)), rejected.with_columns(is_accepted=pl.lit(value=False))],
        how="diagonal",
    )
    both = (
        _flagged(staged)
        .with_columns(is_staged=pl.lit(value=True))
        .join(placed, on=list(CANDLE), how="full", coalesce=True, suffix="_held")
    )
    lost = pl.col("is_accepted").is_null() | pl.col("is_staged").is_null()
    other = _any([pl.col(name).ne_missing(pl.col(f"{name}_held")) for name in (*NUMBERS, *_FLAGS, "trade_count")])
    twice = pl.struct(CANDLE).is_duplicated()
    broken = both.filter(lost | (pl.col("is_accepted") & other) | twice)
    return _finding(FACT, "accepted_or_quarantined", staged.height, broken, CANDLE)


def _flagged(staged: pl.DataFrame) -> pl.DataFrame:
    """Staged candles with the close time and the flags that the fact must have."""
    ends = pl.col("open_timestamp").dt.offset_by("1h")
    in_time = [pl.col("close_timestamp") == ends.dt.offset_by(step) for step in ("-1ms", "-1us")]
    return staged.with_columns(
        is_irregular_close=~pl.any_horizontal(in_time).fill_null(value=False),
        is_zero_volume=pl.col("volume") == 0,
    ).with_columns(close_timestamp=ends.dt.offset_by("-1ms"))


def _sums(wanted: pl.DataFrame, accepted: pl.DataFrame) -> Iterator[Finding]:
    for name in ("volume", "quote_volume"):
        sums = (
            wanted.group_by("coin")
            .agg(pl.col(name).sum().alias("bronze"))
            .join(accepted.group_by("coin").agg(pl.col(name).sum().alias("fact")), on="coin", how="full", coalesce=True)
            .fill_null(0.0)
        )
        apart = (pl.col("bronze") - pl.col("fact")).abs() > _RELATIVE * pl.max_horizontal("bronze", "fact").abs()
        yield _finding(FACT, f"{name}_adds_up", sums.height, sums.filter(apart), ("coin", "bronze", "fact"))


def runs_again(fact: pl.LazyFrame, runs: pl.LazyFrame) -> list[Finding]:
    """``kline_runs`` computed a second time: unbroken hours of one listing within a month.

    Args:
        fact: ``fact_1h_klines``, whole.
        runs: ``kline_runs``, whole.
    """
    opened = pl.col("open_timestamp")
    month = opened.dt.truncate("1mo")
    follows = (opened.shift(1).dt.offset_by("1h") == opened) & (month.shift(1) == month)
    again = (
        fact.select(*SERIES, "open_timestamp")
        .sort(*SERIES, "open_timestamp")
        .with_columns(run=(~follows.fill_null(value=False)).cast(pl.Int64).cum_sum().over(SERIES))
        .group_by(*SERIES, "run")
        .agg(first_hour=opened.min(), last_hour=opened.max(), candles=pl.len().cast(pl.Int64))
        .drop("run")
        .collect(engine="streaming")
    )
    return compared(RUNS, again, runs, _RUNS)


def gaps_without_candles(gaps: pl.LazyFrame, runs: pl.LazyFrame) -> Finding:
    """No gap covers a candle or another gap of its coin; with their number right, the right hours are explained.

    Args:
        gaps: ``kline_gaps``, whole.
        runs: ``kline_runs``, whole.
    """
    series, start, end = ["exchange", "coin"], pl.col("gap_start"), pl.col("gap_end")
    held = gaps.select(*series, "gap_start", "gap_end").sort(*series, "gap_start")
    twice = held.filter(start < end.shift(1).over(series))
    filled = held.join(runs.select(*series, "first_hour", "last_hour"), on=series).filter(
        (pl.col("first_hour") < end) & (pl.col("last_hour") >= start)
    )
    broken = pl.concat([twice, filled.select(held.collect_schema().names())]).unique().sort(*series, "gap_start")
    size = gaps.select(pl.len()).collect(engine="streaming").item()
    found = broken.collect(engine="streaming")
    return _finding(GAPS, "no_candle_in_a_gap", size, found, (*series, "gap_start", "gap_end"))


def hours_accounted_for(fact: pl.LazyFrame, gaps: pl.LazyFrame) -> Finding:
    """Every hour between a listing's first and last candle holds a candle or lies in a gap that the gap table tells of.

    Args:
        fact: ``fact_1h_klines``, whole.
        gaps: ``kline_gaps``, whole.
    """
    opened, series = pl.col("open_timestamp"), ["exchange", "coin"]
    spans = fact.group_by(series).agg(opened.min().alias("first"), opened.max().alias("last"), pl.len().alias("held"))
    within = (
        gaps.join(spans, on=series)
        .filter((pl.col("gap_start") > pl.col("first")) & (pl.col("gap_end") <= pl.col("last")))
        .group_by(series)
        .agg(pl.col("gap_hours").sum().alias("missing"))
    )
    counted = (
        spans.join(within, on=series, how="left")
        .with_columns(
            pl.col("missing").fill_null(0),
            hours=(pl.col("last") - pl.col("first")).dt.total_hours() + 1,
        )
        .collect(engine="streaming")
    )
    broken = counted.filter(pl.col("held") + pl.col("missing") != pl.col("hours"))
    return _finding(GAPS, "missing_hours_explained", counted.height, broken, (*series, "hours", "held", "missing"))


def unexplained_gaps(gaps: pl.LazyFrame) -> Finding:
    """Gaps that neither an outage of the exchange nor the coin's listing explains."""
    held = gaps.select("exchange", "coin", "gap_start", "gap_hours", "kind").collect(engine="streaming")
    broken = held.filter(pl.col("kind") == "unexplained")
    way_out = "Ask the exchange again with: kedro run --params recheck=all" if broken.height else ""
    sample = tuple(broken.drop("kind").head(SAMPLES).iter_rows(named=True))
    return Finding(GAPS, "no_unexplained_gap", "warning", held.height, broken.height, sample, way_out)


def checkpoints_count_bronze(klines: pl.LazyFrame, checkpoints: pl.LazyFrame) -> Finding:
    """Bronze holds as many records of each download as its checkpoint says.

    Args:
        klines: ``binance_klines_daily``, whole; only the source's names are read.
        checkpoints: ``binance_ingestion_checkpoints``, whole.
    """
    source = ["coin", "sha256"]
    told = (
        checkpoints.filter(pl.col("sha256").is_not_null()).group_by(source).agg(pl.col("row_count").sum().alias("told"))
    )
    both = (
        klines.group_by(source)
        .agg(pl.len().alias("held"))
        .join(told, on=source, how="full", coalesce=True)
        .with_columns(pl.col("held", "told").fill_null(0))
        .collect(engine="streaming")
    )
    broken = both.filter(pl.col("held") != pl.col("told"))
    sample = tuple(broken.head(SAMPLES).iter_rows(named=True))
    return Finding(KLINES, "as_many_as_downloaded", "error", both.height, broken.height, sample, _way_back(broken))


def _way_back(broken: pl.DataFrame) -> str:
    """What was lost can be downloaded again; what nobody downloaded has to be taken back."""
    if broken.is_empty():
        return ""
    if broken.filter(pl.col("held") < pl.col("told")).is_empty():
        return "There are records that were not downloaded; docs/repair.md says how to go back to the version before"
    return "Mend it with: kedro klineforge repair"


def _any(conditions: Sequence[pl.Expr]) -> pl.Expr:
    return reduce(or_, (condition.fill_null(value=False) for condition in conditions))


def _finding(table: str, rule: str, checked: int, broken: pl.DataFrame, named: Sequence[str]) -> Finding:
    sample = tuple(broken.select(named).head(SAMPLES).iter_rows(named=True))
    return Finding(
        table, rule, "error", checked, broken.height, sample, _REBUILD.format(table) if broken.height else ""
    )
