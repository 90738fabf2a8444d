"""Features of a coin by itself, over windows of its own candles."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from klineforge.contracts.feature_spec import MINIMUM
from klineforge.formulas.flows import taker_imbalance
from klineforge.formulas.ranges import garman_klass_variance, parkinson, squared_log_range
from klineforge.formulas.returns import drawdown, log_return
from klineforge.formulas.windows import SERIES, exactly_hours_ago, trailing_hours, with_time_order

CANDLE = ("exchange", "coin", "open_timestamp")
_RETURNS = ("close_price", "log_return", "drawdown_pct")
_PRICES = ("open_price", "high_price", "low_price", "volume", "taker_buy_volume")
DAY, WEEK = 24, 168


def coin_features(candles: DataFrame, returns: DataFrame) -> DataFrame:
    """Compute returns over several hours, volatilities, taker imbalance and drawdowns (docs/features.md).

    Args:
        candles: ``fact_1h_klines`` or a range of it. A row is right when the 168 hours before it are present.
        returns: ``mart_returns_1h`` of the same candles.

    Returns:
        One row per candle: the key with ``listing_seq``, the features, the counts they rest on, and the price ratios
        that coins are ranked by.
    """
    return (
        returns.select(*SERIES, "open_timestamp", *_RETURNS)
        .join(candles.select(*CANDLE, *_PRICES), on=list(CANDLE), how="inner")
        .transform(with_time_order)
        .withColumn("_range", squared_log_range(F.col("high_price"), F.col("low_price")))
        .withColumn("_body", garman_klass_variance(F.col("_range"), F.col("open_price"), F.col("close_price")))
        .withColumn("_told", F.when(F.col("taker_buy_volume").isNotNull(), F.col("volume")))
        .withColumns(_over(WEEK) | _over(DAY) | _taker_flow())
        .withColumns({f"_close_{hours}h": _close_before(hours) for hours in (6, DAY, WEEK)})
        .select(*SERIES, "open_timestamp", *_figures(), *_ratios())
    )


def _over(hours: int) -> dict[str, Column]:
    """Counts, spread, mean ranges and highest close of a window."""
    window = trailing_hours(hours, *SERIES)
    return {
        f"n_candles_{hours}h": F.count("close_price").over(window),
        f"n_returns_{hours}h": F.count("log_return").over(window),
        f"_spread_{hours}h": F.stddev_samp("log_return").over(window),
        f"_range_{hours}h": F.avg("_range").over(window),
        f"_body_{hours}h": F.avg("_body").over(window),
        f"_peak_{hours}h": F.max("close_price").over(window),
    }


def _taker_flow() -> dict[str, Column]:
    window = trailing_hours(DAY, *SERIES)
    return {
        "n_taker_24h": F.count("_told").over(window),
        "_told_24h": F.sum("_told").over(window),
        "_bought_24h": F.sum("taker_buy_volume").over(window),
    }


def _close_before(hours: int) -> Column:
    return F.max("close_price").over(exactly_hours_ago(hours, *SERIES))


def _figures() -> list[Column]:
    close = F.col("close_price")
    moves = {f"log_return_{hours}h": log_return(close, F.col(f"_close_{hours}h")) for hours in (6, DAY, WEEK)}
    figures = {
        "log_return_1h": F.col("log_return"),
        **moves,
        **_volatilities(DAY),
        **_volatilities(WEEK),
        "taker_imbalance_1h": taker_imbalance(F.col("taker_buy_volume"), F.col("volume")),
        "taker_imbalance_24h": F.when(
            F.col("n_taker_24h") >= MINIMUM[DAY], taker_imbalance(F.col("_bought_24h"), F.col("_told_24h"))
        ),
        "drawdown": F.col("drawdown_pct"),
        "drawdown_168h": F.when(_has_candles(WEEK), drawdown(close, F.col("_peak_168h"))),
        **{name: F.col(name) for name in ("n_candles_24h", "n_candles_168h", "n_returns_24h", "n_returns_168h")},
        "n_taker_24h": F.col("n_taker_24h"),
    }
    return [figure.alias(name) for name, figure in figures.items()]


def _ratios() -> list[Column]:
    """What coins are ranked by: other than its logarithm, a quotient has the same bits wherever it is computed."""
    return [F.try_divide("close_price", f"_close_{hours}h").alias(f"_ratio_{hours}h") for hours in (DAY, WEEK)]


def _volatilities(hours: int) -> dict[str, Column]:
    has_returns = F.col(f"n_returns_{hours}h") >= MINIMUM[hours]
    return {
        f"volatility_{hours}h": F.when(has_returns, F.col(f"_spread_{hours}h")),
        f"parkinson_{hours}h": F.when(_has_candles(hours), parkinson(F.col(f"_range_{hours}h"))),
        # Rounding may carry the sum of squares of a flat stretch below zero.
        f"garman_klass_{hours}h": F.when(_has_candles(hours), F.sqrt(F.greatest(F.col(f"_body_{hours}h"), F.lit(0.0)))),
    }


def _has_candles(hours: int) -> Column:
    return F.col(f"n_candles_{hours}h") >= MINIMUM[hours]
