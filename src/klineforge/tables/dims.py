"""The gold dimensions: coins, exchanges and hours."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from klineforge.contracts.gold import DAY_NAMES, DIM_COINS, DIM_EXCHANGE, DIM_TIMESTAMP
from klineforge.formulas.epochs import HOUR, hours_later
from klineforge.reference.listings import Listing, newest_listings
from klineforge.tables.conform import conform

EXCHANGE_NAMES = {"binance": "Binance"}
NO_TRADE_POLICIES = {"binance": "a flat candle with zero volume; no candle while trading is halted"}

_SEED_ENTRY = "struct<base_asset:string,quote_asset:string,is_active:boolean>"


def dim_coins(runs: DataFrame, exchange_info: DataFrame, listings: Sequence[Listing]) -> DataFrame:
    """Describe each coin that has candles by the exchange's own listing, else by the seed, else not at all.

    Args:
        runs: ``kline_runs``, whole histories.
        exchange_info: ``binance_exchange_info``, snapshots of any age; the newest of each symbol counts.
        listings: The seed; the newest listing of each symbol counts.

    Returns:
        ``dim_coins``, one row per coin; base, quote and ``is_active`` are null where ``listing_source`` is
        ``unverified``.
    """
    seed, by_exchange = F.col("_seed"), F.col("_status").isNotNull()
    return (
        runs.groupBy("coin")
        .agg(F.min("first_hour").alias("first_candle"), F.max("last_hour").alias("last_candle"))
        .join(_newest_snapshots(exchange_info), on="coin", how="left")
        .withColumn("_seed", F.try_element_at(_seed_map(listings), F.col("coin")))
        .withColumn("base_asset", F.when(by_exchange, F.col("_base")).otherwise(seed["base_asset"]))
        .withColumn("quote_asset", F.when(by_exchange, F.col("_quote")).otherwise(seed["quote_asset"]))
        .withColumn("is_active", F.when(by_exchange, F.col("_status") == "TRADING").otherwise(seed["is_active"]))
        .withColumn(
            "listing_source",
            F.when(by_exchange, "exchange").when(seed.isNotNull(), "seed").otherwise("unverified"),
        )
        .withColumn("market_type", F.lit("spot"))
        .transform(conform(DIM_COINS))
    )


def _newest_snapshots(exchange_info: DataFrame) -> DataFrame:
    newest_first = Window.partitionBy("symbol").orderBy(F.col("ingestion_ts").desc(), F.col("raw_symbol").asc())
    return (
        exchange_info.withColumn("_age", F.row_number().over(newest_first))
        .where(F.col("_age") == 1)
        .select(
            F.col("symbol").alias("coin"),
            F.col("status").alias("_status"),
            F.col("base_asset").alias("_base"),
            F.col("quote_asset").alias("_quote"),
        )
    )


def _seed_map(listings: Sequence[Listing]) -> Column:
    entries: list[Column] = []
    for symbol, listing in newest_listings(listings).items():
        assets = F.struct(F.lit(listing.base_asset), F.lit(listing.quote_asset), F.lit(listing.valid_to is None))
        entries += [F.lit(symbol), assets.cast(_SEED_ENTRY)]
    return F.create_map(*entries).cast(f"map<string,{_SEED_ENTRY}>")


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
        .withColumn("day_of_week", F.dayofweek(ts) - 1)
        .withColumn("day_name", F.element_at(F.array(*[F.lit(name) for name in DAY_NAMES]), weekday + 1))
        .withColumn("week_of_year", F.weekofyear(ts))
        .withColumn("is_weekend", weekday.isin(0, 6))
        .withColumn("asia_session", hour.between(0, 7))
        .withColumn("eu_session", hour.between(7, 15))
        .withColumn("us_session", hour.between(13, 20))
        .transform(conform(DIM_TIMESTAMP))
    )


def _hours_of_year(year: Column) -> Column:
    return F.sequence(_new_year(year), hours_later(_new_year(year + 1), -1), F.lit(HOUR))


def _new_year(year: Column) -> Column:
    one, zero = F.lit(1), F.lit(0)
    return F.make_timestamp(year, one, one, zero, zero, zero)
