"""``mart_returns_1h``: returns, volatility and drawdown of each coin."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from klineforge.contracts.marts import MART_RETURNS_1H
from klineforge.formulas.returns import drawdown, log_return, simple_return, volatility_regime
from klineforge.formulas.windows import SERIES, everything_so_far, exactly_hours_ago, trailing_hours, with_time_order
from klineforge.tables.conform import conform


def returns_1h(candles: DataFrame) -> DataFrame:
    """Compute hourly returns, rolling volatility with its regime, and drawdown (docs/definitions.md).

    Args:
        candles: ``fact_1h_klines`` or a range of it; one row per exchange, coin and open time. A row is right when the
            candles of the 47 hours before it are present and its listing's highest close before those is among them.

    Returns:
        ``mart_returns_1h``, one row per candle.
    """
    close, previous = F.col("close_price"), F.col("prev_close")
    last_day = trailing_hours(24, *SERIES)
    volatility = F.col("rolling_vol_24h")
    return (
        candles.select(*SERIES, "open_timestamp", "close_price")
        .transform(with_time_order)
        .transform(with_previous_close)
        .withColumn("running_peak_price", F.max("close_price").over(everything_so_far(*SERIES)))
        .withColumn("return_pct", simple_return(close, previous))
        .withColumn("log_return", log_return(close, previous))
        .withColumn("rolling_vol_24h", F.stddev_samp("return_pct").over(last_day))
        .withColumn("observations_24h", F.count("return_pct").over(last_day))
        .withColumn("volatility_regime", volatility_regime(volatility, F.avg(volatility).over(last_day)))
        .withColumn("drawdown_pct", drawdown(close, F.col("running_peak_price")))
        .transform(conform(MART_RETURNS_1H))
    )


def with_previous_close(candles: DataFrame) -> DataFrame:
    """Add ``prev_close``, the close of the listing's candle opened exactly one hour earlier, else null.

    Args:
        candles: Candles that have passed through ``with_time_order``.
    """
    return candles.withColumn("prev_close", F.max("close_price").over(exactly_hours_ago(1, *SERIES)))
