"""``mart_indicators_1h``: momentum, trend, relative volume and beta of each coin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from klineforge.contracts.indicators import LONGEST_RUN, MART_INDICATORS_1H
from klineforge.domain.scope import Scope
from klineforge.formulas.indicators import (
    RSI_CHANGES,
    efficiency_ratio,
    relative_strength_index,
    share_with_sign,
    signed_run,
    slope_of_sums,
    wilder_weight,
)
from klineforge.formulas.returns import simple_return
from klineforge.formulas.windows import (
    MICROSECONDS_PER_HOUR,
    OPENED,
    SERIES,
    everything_so_far,
    exactly_hours_ago,
    trailing_hours,
    with_time_order,
)
from klineforge.tables.conform import conform
from klineforge.tables.long_sums import (
    HOURS,
    HOURS_AFTER,
    with_empty_hours,
    with_sums_of_days,
    with_sums_of_month,
    without_empty_hours,
)

MONTH_HOURS = HOURS
"""Hours of the long windows, and those before a calendar month from which on its indexes are computed."""
_CANDLE = ("exchange", "coin", "open_timestamp")
_HOUR = ("exchange", OPENED)


def indicators_1h(
    returns: DataFrame, volume: DataFrame, reference_coin: str, min_observations: int, asked: Scope | None = None
) -> DataFrame:
    """Compute momentum, trend, relative volume and beta (docs/definitions.md).

    Args:
        returns: ``mart_returns_1h`` or a range of it, every coin of an exchange. A row is right when the rows from
            720 hours before its calendar month on are present.
        volume: ``mart_volume_metrics_1h`` of the same hours, or of fewer: a row is right when those of the 720 hours
            before it are present. Both marts hold one row per candle.
        reference_coin: Native symbol of the coin that betas are against.
        min_observations: Hours with both returns below which a beta is null, 2 to 720.
        asked: The rows that are wanted. Each figure is then computed for no more hours than they need: of the others
            some are left out and some are not right. None wants all of them.

    Returns:
        ``mart_indicators_1h``, one row per candle.
    """
    moves = returns.select(*SERIES, "open_timestamp", "close_price", "prev_close", "return_pct")
    traded = volume.select(*_CANDLE, "rolling_volume_24h", "vwap_24h")
    return (
        moves.transform(with_time_order)
        .transform(lambda rows: _with_rsi(rows, asked))
        .transform(_hours_before(asked, MONTH_HOURS))
        .join(traded, on=list(_CANDLE), how="inner")
        .transform(lambda rows: _with_month(rows, moves, reference_coin, asked))
        .transform(_with_day)
        .withColumns(_long_figures(reference_coin, min_observations))
        .transform(conform(MART_INDICATORS_1H))
    )


def _hours_before(asked: Scope | None, hours: int) -> Callable[[DataFrame], DataFrame]:
    """Leave out what lies longer before the rows that are asked for."""

    def recent(rows: DataFrame) -> DataFrame:
        return rows if asked is None else rows.where(asked.widened(back=timedelta(hours=hours)).sql("open_timestamp"))

    return recent


def _with_rsi(rows: DataFrame, asked: Scope | None) -> DataFrame:
    """Add ``rsi_14``: for each calendar month the sums begin with the rows of the 720 hours before it.

    Those rows are there once for their own month and once more for each month they lead up to that is asked for.
    """
    opened = F.col("open_timestamp")
    own, last = (F.trunc(time, "month") for time in (opened, opened + F.expr(f"INTERVAL {MONTH_HOURS} HOURS")))
    months = F.explode(F.sequence(own, last, F.expr("INTERVAL 1 MONTH")))
    change = F.col("close_price") - F.col("prev_close")
    so_far = everything_so_far(*SERIES, "_month")
    gain, loss = F.greatest(change, F.lit(0.0)), F.greatest(-change, F.lit(0.0))
    index = relative_strength_index(F.col("_gains"), F.col("_losses"))
    weight = wilder_weight(F.col("_changes"))
    needed = F.lit(True) if asked is None else (F.col("_month") == own) | F.expr(asked.in_whole("month").sql("_month"))
    return (
        rows.withColumn("_month", months)
        .where(needed)
        .withColumn("_changes", F.count(change).over(so_far))
        .withColumns(
            {
                # A missing change must not become a zero by way of greatest, which passes over nulls.
                "_gains": F.sum(F.when(change.isNotNull(), gain * weight)).over(so_far),
                "_losses": F.sum(F.when(change.isNotNull(), loss * weight)).over(so_far),
            }
        )
        .where(F.col("_month") == own)
        .withColumn("rsi_14", F.when(F.col("_changes") >= RSI_CHANGES, index))
        .drop("_month", "_changes", "_gains", "_losses")
    )


def _with_day(rows: DataFrame) -> DataFrame:
    """Add the figures about a day: its return, its hourly returns, the current run, and the volume-weighted price.

    In one step of windows, because planning many costs more than a day's rows.
    """
    close, change, vwap, opened = (F.col(name) for name in ("close_price", "return_pct", "vwap_24h", OPENED))
    last_day, so_far = trailing_hours(24, *SERIES), everything_so_far(*SERIES)
    rises, falls = (F.coalesce(is_so, F.lit(False)) for is_so in (change > 0, change < 0))
    is_above = close > vwap
    given = rows.withColumns(
        {
            "_day_before": F.max(close).over(exactly_hours_ago(24, *SERIES)),
            "observations_24h": F.count(change).over(last_day),
            "_ups": F.count_if(rises).over(last_day),
            "_downs": F.count_if(falls).over(last_day),
            "_path": F.sum(F.abs(close - F.col("prev_close"))).over(last_day),
            "_not_up": F.max(F.when(~rises, opened)).over(so_far),
            "_not_down": F.max(F.when(~falls, opened)).over(so_far),
            "vwap_observations_24h": F.count(is_above).over(last_day),
            "share_above_vwap_24h": F.avg(is_above.cast("int")).over(last_day),
        }
    )
    before, number = F.col("_day_before"), F.col("observations_24h")
    whole = simple_return(close, before)
    path = F.when(number == 24, F.col("_path"))
    up, down = (
        ((opened - F.col(name)) / F.lit(MICROSECONDS_PER_HOUR)).cast("int") for name in ("_not_up", "_not_down")
    )
    return given.withColumns(
        {
            "return_24h": whole,
            "trend_persistence_24h": share_with_sign(whole, F.col("_ups"), F.col("_downs"), number),
            "trend_run_hours": signed_run(change, up, down, LONGEST_RUN),
            "efficiency_ratio_24h": efficiency_ratio(close - before, path),
            "vwap_deviation": simple_return(close, vwap),
        }
    )


def _with_month(rows: DataFrame, returns: DataFrame, reference_coin: str, asked: Scope | None) -> DataFrame:
    """Add sums over 30 days: of volumes, and of the returns of the coin and the reference, of one listing each."""
    reference = (
        returns.where(F.col("coin") == reference_coin)
        .transform(with_time_order)
        .transform(with_empty_hours)
        .withColumn("_has_reference", F.col(HOURS_AFTER) == 0)
        .select(
            *_HOUR,
            "_has_reference",
            F.when(F.col("_has_reference"), F.col("return_pct")).alias("_reference_return"),
            F.col("listing_seq").alias("_reference_seq"),
        )
    )
    change, other = F.col("return_pct"), F.col("_reference_return")
    y, x = F.when(other.isNotNull(), change), F.when(change.isNotNull(), other)
    volumes = {"observations_720h": F.lit(1), "_volumes": F.col("rolling_volume_24h")}
    pairs = {"_pairs": F.when(x.isNotNull() & y.isNotNull(), 1), "_x": x, "_y": y, "_xx": x * x, "_xy": x * y}
    return (
        rows.transform(with_empty_hours)
        .join(reference, on=list(_HOUR), how="left")
        .transform(with_sums_of_days(**volumes))
        .transform(with_sums_of_days("_reference_seq", **pairs))
        .transform(_hours_before(asked, LONGEST_RUN))
        .transform(with_sums_of_month(volumes))
        .transform(with_sums_of_month(pairs, "_reference_seq"))
        .transform(without_empty_hours)
    )


def _long_figures(reference_coin: str, min_observations: int) -> dict[str, Column]:
    """The relative volume, and the slope of the coin's returns over those of the reference."""
    # In an hour without a candle of the reference there is no beta.
    number = F.coalesce(F.when(F.col("_has_reference"), F.col("_pairs")), F.lit(0))
    usual = F.try_divide(F.col("_volumes"), F.col("observations_720h"))
    slope = slope_of_sums(F.col("_pairs"), F.col("_x"), F.col("_y"), F.col("_xx"), F.col("_xy"))
    enough = F.when(number >= min_observations, slope)
    itself = (F.col("coin") == reference_coin) & enough.isNotNull()
    return {
        "volume_ratio_30d": F.try_divide(F.col("rolling_volume_24h"), usual),
        "beta_observations_720h": number,
        "beta_720h": F.when(itself, 1.0).otherwise(enough),
    }
