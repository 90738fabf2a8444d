"""Silver's rules: a candle that breaks any of them is quarantined under the names of all it breaks.

Each rule is a condition that is true where the rule is *broken* and never null, so that a missing value cannot slip
through three-valued logic.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from klineforge.formulas.epochs import hours_later, is_on_the_hour, last_microsecond_of_hour, last_millisecond_of_hour
from klineforge.formulas.listings import is_outside_listing
from klineforge.reference.listings import Listing

PRICES = ("open_price", "high_price", "low_price", "close_price")
VOLUMES = ("volume", "quote_volume")
OPTIONAL_VOLUMES = ("taker_buy_volume", "taker_buy_quote_volume")


def is_finite(value: Column) -> Column:
    """Whether a DOUBLE is a number: not null, not NaN (which Spark sorts above all numbers), not infinite."""
    return F.coalesce(F.abs(value) < F.lit(float("inf")), F.lit(False))


def _number_or_null(name: str) -> Column:
    # NaN is above every number to Spark, which would make every price lie below it.
    return F.nanvl(F.col(name), F.lit(None).cast("double"))


def _any_of(conditions: Sequence[Column]) -> Column:
    found = F.lit(False)
    for condition in conditions:
        found = found | condition
    return found


def is_off_the_hour() -> Column:
    """The candle opens between two full hours (exchange-protocols §1.7, February 2018)."""
    return ~is_on_the_hour(F.col("open_timestamp"))


def has_unreadable_number() -> Column:
    """A price or volume is missing, NaN or infinite; taker volumes may be missing."""
    required = [~is_finite(F.col(name)) for name in PRICES + VOLUMES]
    optional = [F.col(name).isNotNull() & ~is_finite(F.col(name)) for name in OPTIONAL_VOLUMES]
    return _any_of(required + optional)


def has_price_not_positive() -> Column:
    """A price is zero or negative."""
    return _any_of([F.coalesce(F.col(name) <= 0, F.lit(False)) for name in PRICES])


def has_negative_volume() -> Column:
    """A volume is below zero."""
    return _any_of([F.coalesce(F.col(name) < 0, F.lit(False)) for name in VOLUMES + OPTIONAL_VOLUMES])


def has_high_below_another_price() -> Column:
    """The highest price is lower than the open, the close or the low."""
    others = F.greatest(*[_number_or_null(name) for name in ("open_price", "close_price", "low_price")])
    return F.coalesce(_number_or_null("high_price") < others, F.lit(False))


def has_low_above_another_price() -> Column:
    """The lowest price is higher than the open or the close."""
    others = F.least(_number_or_null("open_price"), _number_or_null("close_price"))
    return F.coalesce(_number_or_null("low_price") > others, F.lit(False))


def is_not_closed() -> Column:
    """The hour had not ended when the candle was downloaded, so its figures were still moving."""
    return hours_later(F.col("open_timestamp"), 1) > F.col("ingestion_ts")


def broken_rules(listings: Sequence[Listing]) -> Column:
    """Names of all rules a staged candle breaks, in a fixed order.

    Args:
        listings: What is known of the coins' listings.

    Returns:
        ARRAY<STRING>, empty for a candle that is accepted; never null.
    """
    rules = {
        "off_the_hour": is_off_the_hour(),
        "not_a_number": has_unreadable_number(),
        "price_not_positive": has_price_not_positive(),
        "negative_volume": has_negative_volume(),
        "high_below_another_price": has_high_below_another_price(),
        "low_above_another_price": has_low_above_another_price(),
        "not_closed": is_not_closed(),
        "outside_listing": is_outside_listing(listings),
    }
    named = F.array(*[F.when(broken, F.lit(name)) for name, broken in rules.items()])
    return F.filter(named, lambda name: name.isNotNull())


def is_irregular_close(opened: Column, closed_as_sent: Column) -> Column:
    """The close time as sent is not the last millisecond or microsecond of the hour, as happens at outage edges."""
    regular = (closed_as_sent == last_millisecond_of_hour(opened)) | (
        closed_as_sent == last_microsecond_of_hour(opened)
    )
    return ~F.coalesce(regular, F.lit(False))
