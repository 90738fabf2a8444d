"""``features_1h``: what is known of a coin when a candle has closed."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from klineforge.contracts.feature_spec import DAY, MINIMUM
from klineforge.contracts.features import FEATURES_1H
from klineforge.contracts.indicator_features import INDICATOR_NAMES
from klineforge.formulas.calendar import SESSIONS, day_of_week, in_session, is_weekend
from klineforge.formulas.epochs import hours_later
from klineforge.tables.coin_features import CANDLE, coin_features
from klineforge.tables.conform import conform
from klineforge.tables.market_features import HOUR, breadth_of_hours, correlations_of_coins, with_market


def features_1h(
    candles: DataFrame,
    returns: DataFrame,
    volume: DataFrame,
    indicators: DataFrame,
    correlations: DataFrame,
    breadth: DataFrame,
    *,
    reference_coin: str,
) -> DataFrame:
    """Bring together what is known of each coin at the end of each hour (docs/features.md).

    Args:
        candles: ``fact_1h_klines``, every coin of the exchange; a row is right when the 168 hours before are present.
        returns: ``mart_returns_1h`` of the same candles.
        volume: ``mart_volume_metrics_1h``, at least of the hours the rows are about.
        indicators: ``mart_indicators_1h`` of those hours.
        correlations: ``mart_correlations`` of those hours; none for an hour with a single coin.
        breadth: ``mart_market_breadth_1h`` of those hours.
        reference_coin: Native symbol of the coin that ``corr_btc_24h`` refers to.

    Returns:
        ``features_1h``, one row per candle that all of them have.
    """
    ratios = volume.select(*CANDLE, "volume_spike_ratio")
    trends = indicators.select(*CANDLE, *(F.col(name).alias(feature) for feature, name in INDICATOR_NAMES.items()))
    return (
        coin_features(candles, returns)
        .transform(with_market)
        .join(ratios, on=list(CANDLE), how="inner")
        .join(trends, on=list(CANDLE), how="inner")
        .join(breadth_of_hours(breadth), on=list(HOUR), how="inner")
        .join(correlations_of_coins(correlations, reference_coin), on=list(CANDLE), how="left")
        .fillna(0, subset=["n_corr_btc_24h", "n_pairs_24h"])
        .withColumns(_with_itself(reference_coin))
        .withColumn("volume_ratio_24h", F.when(F.col("n_candles_24h") >= MINIMUM[DAY], F.col("volume_spike_ratio")))
        .withColumn("available_at", hours_later(F.col("open_timestamp"), 1))
        .transform(_with_calendar)
        .transform(conform(FEATURES_1H))
    )


def _with_itself(reference_coin: str) -> dict[str, Column]:
    """The correlation with the reference coin, whose correlation with itself is 1 where its price moves."""
    is_itself, moves = F.col("coin") == reference_coin, F.col("volatility_24h") > 0
    return {
        "corr_btc_24h": F.when(is_itself, F.when(moves, F.lit(1.0))).otherwise(F.col("corr_btc_24h")),
        "n_corr_btc_24h": F.when(is_itself, F.col("n_returns_24h")).otherwise(F.col("n_corr_btc_24h")),
    }


def _with_calendar(rows: DataFrame) -> DataFrame:
    known, hour, weekday = F.col("available_at"), F.col("hour_of_day"), F.col("day_of_week")
    return rows.withColumns({"hour_of_day": F.hour(known), "day_of_week": day_of_week(known)}).withColumns(
        {
            "hour_of_week": weekday * F.lit(24) + hour,
            "is_weekend": is_weekend(weekday),
            **{session: in_session(hour, session) for session in SESSIONS},
        }
    )
