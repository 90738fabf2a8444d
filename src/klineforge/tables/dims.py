"""The gold dimensions: coins, exchanges and hours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from klineforge.contracts.gold import DAY_NAMES, DIM_COINS, DIM_EXCHANGE, DIM_TIMESTAMP
from klineforge.formulas.calendar import SESSIONS, day_of_week, in_session, is_weekend
from klineforge.formulas.epochs import HOUR, hours_later
from klineforge.formulas.windows import SERIES
from klineforge.reference.listings import Listing, listings_by_symbol
from klineforge.tables.conform import conform
from klineforge.tables.fact import EXCHANGE

EXCHANGE_NAMES = {"binance": "Binance"}
NO_TRADE_POLICIES = {"binance": "a flat candle with zero volume; no candle while trading is halted"}

_KNOWN = "base_asset:string,quote_asset:string,valid_from:bigint,valid_to:bigint,predecessor:string"
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


def dim_coins(runs: DataFrame, exchange_info: DataFrame, listings: Sequence[Listing]) -> DataFrame:
    """Describe each asset that has candles by the exchange's own listing, else by the seed, else not at all.

    Args:
        runs: ``kline_runs``, whole histories.
        exchange_info: ``binance_exchange_info``, snapshots of any age; the newest of each symbol counts, for the asset
            that the symbol names now.
        listings: The seed.

    Returns:
        ``dim_coins``, one row per exchange, coin and listing; base, quote and ``is_active`` are null where
        ``listing_source`` is ``unverified``.
    """
    said, seed = F.col("_said"), F.col("_seed")
    is_current = F.col("listing_seq") == _newest(F.col("_listings"))
    by_exchange = said["status"].isNotNull()
    return (
        # One aggregation over both: a join of two would cost small runs another second.
        runs.select(*SERIES, "first_hour", "last_hour")
        .unionByName(_as_said(exchange_info, listings), allowMissingColumns=True)
        .groupBy(*SERIES)
        .agg(
            F.min("first_hour").alias("first_candle"),
            F.max("last_hour").alias("last_candle"),
            F.min_by("_said", "_oldness").alias("_said"),
        )
        .where(F.col("first_candle").isNotNull())
        .withColumn("_listings", _listings_of(F.when(F.col("exchange") == EXCHANGE, F.col("coin")), listings))
        .withColumn("_seed", F.try_element_at("_listings", F.col("listing_seq")))
        .select(
            *SERIES,
            "first_candle",
            "last_candle",
            is_current.alias("is_current"),
            F.when(by_exchange, said["base_asset"]).otherwise(seed["base_asset"]).alias("base_asset"),
            F.when(by_exchange, said["quote_asset"]).otherwise(seed["quote_asset"]).alias("quote_asset"),
            F.when(~is_current, F.lit(False))
            .when(by_exchange, said["status"] == "TRADING")
            .when(seed.isNotNull(), seed["valid_to"].isNull())
            .alias("is_active"),
            F.when(by_exchange, "exchange")
            .when(seed.isNotNull(), "seed")
            .otherwise("unverified")
            .alias("listing_source"),
            F.timestamp_micros(seed["valid_from"]).alias("valid_from"),
            F.timestamp_micros(seed["valid_to"]).alias("valid_to"),
            seed["predecessor"].alias("predecessor"),
            F.lit("spot").alias("market_type"),
        )
        .transform(conform(DIM_COINS))
    )


def _as_said(exchange_info: DataFrame, listings: Sequence[Listing]) -> DataFrame:
    """What the exchange said of each coin, and how far that is from the newest snapshot's first line."""
    return exchange_info.select(
        F.lit(EXCHANGE).alias("exchange"),
        F.col("symbol").alias("coin"),
        _newest(_listings_of(F.col("symbol"), listings)).alias("listing_seq"),
        F.struct("status", "base_asset", "quote_asset").alias("_said"),
        F.struct(-F.unix_micros("ingestion_ts"), F.col("raw_symbol")).alias("_oldness"),
    )


def _newest(listings_of_coin: Column) -> Column:
    """Number of the asset that a coin names now, as far as is known."""
    return F.coalesce(F.array_size(listings_of_coin), F.lit(1))


def _listings_of(coin: Column, listings: Sequence[Listing]) -> Column:
    """What the seed knows of a coin, one entry per listing; null where it knows nothing."""
    entries = {
        symbol: [
            {
                "base_asset": listing.base_asset,
                "quote_asset": listing.quote_asset,
                "valid_from": _microseconds(listing.valid_from),
                "valid_to": _microseconds(listing.valid_to),
                "predecessor": listing.predecessor,
            }
            for listing in known
        ]
        for symbol, known in listings_by_symbol(listings).items()
    }
    # One literal, which Spark reads once: a map of Columns would cost some hundred calls into the JVM.
    known = F.from_json(F.lit(json.dumps(entries)), f"map<string,array<struct<{_KNOWN}>>>")
    return F.try_element_at(known, coin)


def _microseconds(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def dim_exchange(runs: DataFrame) -> DataFrame:
    """Describe each exchange that has candles.

    Args:
        runs: ``kline_runs``, whole histories.

    Returns:
        ``dim_exchange``, one row per exchange.
    """
    exchange = F.col("exchange")
    return (
        runs.groupBy("exchange")
        .agg(F.min("first_hour").alias("first_candle"), F.max("last_hour").alias("last_candle"))
        .withColumn("exchange_name", _looked_up(EXCHANGE_NAMES, exchange))
        .withColumn("no_trade_policy", _looked_up(NO_TRADE_POLICIES, exchange))
        .withColumn("timezone", F.lit("UTC"))
        .transform(conform(DIM_EXCHANGE))
    )


def _looked_up(facts: dict[str, str], key: Column) -> Column:
    entries = [F.lit(text) for pair in facts.items() for text in pair]
    return F.try_element_at(F.create_map(*entries), key)


def dim_timestamp(runs: DataFrame) -> DataFrame:
    """List every hour of every calendar year in which there are candles, with its parts and trading sessions.

    Args:
        runs: ``kline_runs``, whole years.

    Returns:
        ``dim_timestamp``, 8,760 or 8,784 rows per year. Sessions include both their hours (docs/definitions.md).
    """
    ts, hour, weekday = F.col("ts"), F.col("hour"), F.col("day_of_week")
    return (
        runs.select(F.year("first_hour").alias("_year"))
        .distinct()
        .select(F.explode(_hours_of_year(F.col("_year"))).alias("ts"))
        .withColumn("date", F.to_date(ts))
        .withColumn("hour", F.hour(ts))
        .withColumn("day", F.day(ts))
        .withColumn("month", F.month(ts))
        .withColumn("year", F.year(ts))
        .withColumn("day_of_week", day_of_week(ts))
        .withColumn("day_name", F.element_at(F.array(*[F.lit(name) for name in DAY_NAMES]), weekday + 1))
        .withColumn("week_of_year", F.weekofyear(ts))
        .withColumn("is_weekend", is_weekend(weekday))
        .withColumns({session: in_session(hour, session) for session in SESSIONS})
        .transform(conform(DIM_TIMESTAMP))
    )


def _hours_of_year(year: Column) -> Column:
    return F.sequence(_new_year(year), hours_later(_new_year(year + 1), -1), F.lit(HOUR))


def _new_year(year: Column) -> Column:
    one, zero = F.lit(1), F.lit(0)
    return F.make_timestamp(year, one, one, zero, zero, zero)
