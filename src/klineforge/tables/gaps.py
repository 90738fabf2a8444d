"""``kline_gaps``: the stretches of hours for which a coin has no candle, and why."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from klineforge.contracts.silver import KLINE_GAPS
from klineforge.formulas.epochs import hour_at, hour_number
from klineforge.formulas.listings import AFTER_ALL, unlisted_stretches
from klineforge.reference.listings import Listing
from klineforge.tables.conform import conform
from klineforge.tables.fact import EXCHANGE

COINS_OF_AN_OUTAGE = 2

# A run answers for the hours from its end to the next run, the first one for those before it too. Listings that are
# not known to have been open lie between runs, since candles outside listings are not accepted.
_OWN = (
    f"filter(_unlisted, s -> s.start < coalesce(_following, {AFTER_ALL}) "
    "AND (s.start >= _end OR (_is_first AND s.start < _first)))"
)
# What is left of the hours between two runs.
_BETWEEN = """
    filter(
        zip_with(
            concat(array(_end), transform(filter(_own, s -> s.start >= _end), s -> s.end)),
            concat(transform(filter(_own, s -> s.start >= _end), s -> s.start), array(_following)),
            (start, end) -> struct(start, end, 'missing' AS kind)
        ),
        s -> s.start < s.end
    )"""
_STRETCHES = f"""
    concat(
        array(struct(_first AS start, _end AS end, 'candles' AS kind)),
        _own,
        CASE WHEN _following > _end THEN {_BETWEEN} ELSE array() END
    )"""
_BOUNDS = "concat(array(start), CASE WHEN kind = 'missing' THEN {inside} ELSE array() END, array(end))".format(
    inside="filter(_borders, hour -> hour > start AND hour < end)"
)
# Borders of outages are beginnings and ends in turns: after an odd number of them there is one.
_PIECES = """
    transform(
        sequence(1, size(_bounds) - 1),
        i -> struct(
            element_at(_bounds, i) AS start,
            element_at(_bounds, i + 1) AS end,
            CASE
                WHEN kind <> 'missing' THEN kind
                WHEN (size(filter(_borders, hour -> hour <= start)) + i) % 2 = 0 THEN 'exchange_outage'
                ELSE 'unexplained'
            END AS kind
        )
    )"""


def missing_stretches(runs: DataFrame, listings: Sequence[Listing]) -> DataFrame:
    """Find the stretches without candles between a coin's first and last one and where it was not listed.

    An hour for which no coin listed then has a candle is an outage of the exchange, when at least two coins lack it. A
    coin counts as listed between its first and its last candle where the seed does not say otherwise. Stretches are
    never taken apart into hours, so that a listing that ended years ago costs no more than an hour that is missing.

    Args:
        runs: ``kline_runs``, whole histories.
        listings: What is known of the coins' listings.

    Returns:
        ``kline_gaps``, within the hours for which the exchange has candles.
    """
    piece = F.col("_piece")
    return (
        runs.transform(lambda rows: _stretches(rows, listings))
        .transform(_beside_the_others)
        .selectExpr("exchange", "coin", f"explode({_PIECES}) AS _piece")
        .withColumn("gap_start", hour_at(piece["start"]))
        .withColumn("gap_end", hour_at(piece["end"]))
        .withColumn("gap_hours", piece["end"] - piece["start"])
        .withColumn("kind", piece["kind"])
        .transform(conform(KLINE_GAPS))
    )


def _stretches(runs: DataFrame, listings: Sequence[Listing]) -> DataFrame:
    """Each coin's time as stretches of candles, of missing hours and of hours without a listing."""
    in_order = Window.partitionBy("exchange", "coin").orderBy("_first")
    unlisted = F.try_element_at(unlisted_stretches(listings), F.when(F.col("exchange") == EXCHANGE, F.col("coin")))
    return (
        runs.select(
            "exchange",
            "coin",
            hour_number(F.col("first_hour")).alias("_first"),
            (hour_number(F.col("last_hour")) + 1).alias("_end"),
        )
        .withColumn("_following", F.lead("_first").over(in_order))
        .withColumn("_is_first", F.lag("_first").over(in_order).isNull())
        .withColumn("_unlisted", F.coalesce(unlisted, F.array()))
        .withColumn("_own", F.expr(_OWN))
        .selectExpr("exchange", "coin", f"inline({_STRETCHES})")
    )


def _beside_the_others(stretches: DataFrame) -> DataFrame:
    """The stretches without candles, cut off where the exchange's candles end, with the borders of its outages."""
    whole = Window.partitionBy("exchange")
    # Rows of one hour are peers: all have the counts after everything that happens in it.
    timeline = whole.orderBy("_hour")
    was_outage = F.coalesce(F.lag("_is_outage").over(timeline), F.lit(False))
    border = F.when(F.col("_is_outage") != was_outage, F.col("_hour"))
    of_candles = F.expr("CASE WHEN kind = 'candles' THEN _hour END")
    listed, trading = F.sum("_listed").over(timeline), F.sum("_trading").over(timeline)
    return (
        stretches.selectExpr("*", "explode(array(1, -1)) AS _side")
        .selectExpr(
            "*",
            "CASE WHEN _side = 1 THEN start ELSE end END AS _hour",
            "CASE WHEN kind IN ('candles', 'missing') THEN _side ELSE 0 END AS _listed",
            "CASE WHEN kind = 'candles' THEN _side ELSE 0 END AS _trading",
        )
        .withColumn("_is_outage", (trading == 0) & (listed >= COINS_OF_AN_OUTAGE))
        .withColumn("_border", border)
        .withColumn("_borders", F.sort_array(F.collect_list("_border").over(whole)))
        .withColumn("_first", F.min(of_candles).over(whole))
        .withColumn("_end", F.max(of_candles).over(whole))
        .where("kind <> 'candles' AND _side = 1")
        .selectExpr(
            "exchange", "coin", "kind", "_borders", "greatest(start, _first) AS start", "least(end, _end) AS end"
        )
        .where("start < end")
        .withColumn("_bounds", F.expr(_BOUNDS))
    )
