"""``mart_indicators_1h``: momentum, trend, relative volume and beta of each coin."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from klineforge.contracts.indicators import LONGEST_RUN, MART_INDICATORS_1H
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
from klineforge.tables.long_sums import HOURS, with_sums_of_30_days

MONTH_HOURS = HOURS
"""Hours of the long windows, and those before a calendar month from which on its indexes are computed."""
_CANDLE = ("exchange", "coin", "open_timestamp")
_HOUR = ("exchange", "open_timestamp")


def indicators_1h(returns: DataFrame, volume: DataFrame, reference_coin: str, min_observations: int) -> DataFrame:
    """Compute momentum, trend, relative volume and beta (docs/definitions.md).

    Args:
        returns: ``mart_returns_1h`` or a range of it, every coin of an exchange. A row is right when the rows from
            720 hours before its calendar month on are present.
        volume: ``mart_volume_metrics_1h`` of the same hours; both marts hold one row per candle.
        reference_coin: Native symbol of the coin that betas are against.
        min_observations: Hours with both returns below which a beta is null, 2 to 720.

    Returns:
        ``mart_indicators_1h``, one row per candle.
    """
    moves = returns.select(*SERIES, "open_timestamp", "close_price", "prev_close", "return_pct")
    traded = volume.select(*_CANDLE, "rolling_volume_24h", "vwap_24h")
    return (
        moves.join(traded, on=list(_CANDLE), how="inner")
        .transform(with_time_order)
        .transform(_with_rsi)
        .transform(_with_trend)
        .transform(_with_prices_and_volumes)
        .transform(lambda rows: _with_beta(rows, moves, reference_coin, min_observations))
        .transform(conform(MART_INDICATORS_1H))
    )


def _with_rsi(rows: DataFrame) -> DataFrame:
    """Add ``rsi_14``: for each calendar month the sums begin with the rows of the 720 hours before it.

    Those rows are there once for their own month and once more for each month they lead up to.
    """
    opened = F.col("open_timestamp")
    own, last = (F.trunc(time, "month") for time in (opened, opened + F.expr(f"INTERVAL {MONTH_HOURS} HOURS")))
    months = F.explode(F.sequence(own, last, F.expr("INTERVAL 1 MONTH")))
    change = F.col("close_price") - F.col("prev_close")
    so_far = everything_so_far(*SERIES, "_month")
    gain, loss = F.greatest(change, F.lit(0.0)), F.greatest(-change, F.lit(0.0))
    index = relative_strength_index(F.col("_gains"), F.col("_losses"))
    weight = wilder_weight(F.col("_changes"))
    return (
        rows.withColumn("_month", months)
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


def _with_trend(rows: DataFrame) -> DataFrame:
    """Add the figures about hourly returns of a day and the current run."""
    close, change, day_before = F.col("close_price"), F.col("return_pct"), F.col("_day_before")
    last_day, so_far = trailing_hours(24, *SERIES), everything_so_far(*SERIES)
    opened, number = F.col(OPENED), F.col("observations_24h")
    rises, falls = (F.coalesce(is_so, F.lit(False)) for is_so in (change > 0, change < 0))
    path = F.when(number == 24, F.sum(F.abs(close - F.col("prev_close"))).over(last_day))

    def hours_since(is_so: Column) -> Column:
        last = F.max(F.when(is_so, opened)).over(so_far)
        return ((opened - last) / F.lit(MICROSECONDS_PER_HOUR)).cast("int")

    return (
        rows.withColumn("_day_before", F.max("close_price").over(exactly_hours_ago(24, *SERIES)))
        .withColumn("return_24h", simple_return(close, day_before))
        .withColumn("observations_24h", F.count(change).over(last_day))
        .withColumn("_ups", F.count_if(rises).over(last_day))
        .withColumn("_downs", F.count_if(falls).over(last_day))
        .withColumn("_path", path)
        .withColumn("_up", hours_since(~rises))
        .withColumn("_down", hours_since(~falls))
        .withColumn(
            "trend_persistence_24h", share_with_sign(F.col("return_24h"), F.col("_ups"), F.col("_downs"), number)
        )
        .withColumn("trend_run_hours", signed_run(change, F.col("_up"), F.col("_down"), LONGEST_RUN))
        .withColumn("efficiency_ratio_24h", efficiency_ratio(close - day_before, F.col("_path")))
    )


def _with_prices_and_volumes(rows: DataFrame) -> DataFrame:
    """Add the figures against the volume-weighted price and against the usual volume."""
    close, vwap, volume = F.col("close_price"), F.col("vwap_24h"), F.col("rolling_volume_24h")
    last_day = trailing_hours(24, *SERIES)
    is_above = close > vwap
    number, total = F.col("observations_720h"), F.col("_volumes")
    return (
        rows.withColumn("vwap_deviation", simple_return(close, vwap))
        .withColumn("vwap_observations_24h", F.count(is_above).over(last_day))
        .withColumn("share_above_vwap_24h", F.avg(is_above.cast("int")).over(last_day))
        .transform(with_sums_of_30_days(SERIES, observations_720h=F.lit(1), _volumes=volume))
        .withColumn("volume_ratio_30d", F.try_divide(volume, F.try_divide(total, number)))
    )


def _with_beta(rows: DataFrame, returns: DataFrame, reference_coin: str, min_observations: int) -> DataFrame:
    """Add the slope of the coin's returns over those of the reference, both of one listing each."""
    reference = returns.where(F.col("coin") == reference_coin).select(
        *_HOUR, F.col("return_pct").alias("_reference_return"), F.col("listing_seq").alias("_reference_seq")
    )
    change, other = F.col("return_pct"), F.col("_reference_return")
    y, x = F.when(other.isNotNull(), change), F.when(change.isNotNull(), other)
    number = F.coalesce(F.col("_pairs"), F.lit(0))
    slope = slope_of_sums(F.col("_pairs"), F.col("_x"), F.col("_y"), F.col("_xx"), F.col("_xy"))
    enough = F.when(number >= min_observations, slope)
    itself = (F.col("coin") == reference_coin) & enough.isNotNull()
    # Hours without a candle of the reference are a series of their own, in which it has no return.
    sums = with_sums_of_30_days(
        (*SERIES, "_reference_seq"), _pairs=F.when(x.isNotNull() & y.isNotNull(), 1), _x=x, _y=y, _xx=x * x, _xy=x * y
    )
    return (
        rows.join(reference, on=list(_HOUR), how="left")
        .transform(sums)
        .withColumn("beta_observations_720h", number)
        .withColumn("beta_720h", F.when(itself, 1.0).otherwise(enough))
    )
