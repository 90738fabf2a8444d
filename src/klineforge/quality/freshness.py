"""How old the newest rows are, and whether there are as many as there should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from klineforge.domain.contract import TableContract
from klineforge.domain.hours import HOUR
from klineforge.quality.finding import SAMPLES, Finding

FACT = "fact_1h_klines"
_EXPLANATION = {
    True: "All coins of the exchange are late alike: either nothing was ingested, or the exchange is halted",
    False: "Other coins of the exchange are newer: the exchange halted these, or their downloads fail",
}
# Half a day's rows are missing before anybody should look: single hours are what the gap table is for.
_FEW = 0.5
_DAYS_COMPARED = 28


def newest_row(rows: pl.LazyFrame, contract: TableContract, now: datetime) -> Finding:
    """Whether the table's newest row is as young as a lake that is kept up to date has it.

    Args:
        rows: The table, or at least its newest rows.
        contract: With ``fresh_hours``.
        now: Aware UTC instant.
    """
    newest = rows.select(pl.col(str(contract.time_column)).max()).collect(engine="streaming").item()
    # A row speaks of an hour, which ends when it begins to be old.
    oldest_allowed = now - timedelta(hours=(contract.fresh_hours or 0) + 1)
    late = newest is None or newest < oldest_allowed
    detail = f"Its newest hour is {newest}. Run: kedro run, or kedro klineforge follow" if late else ""
    sample = ({"newest": newest},) if late else ()
    return Finding(contract.name, "fresh", "warning", 1, int(late), sample, detail)


def coins_up_to_date(fact: pl.LazyFrame, coins: pl.LazyFrame, now: datetime, fresh_hours: int) -> Iterator[Finding]:
    """Whether each coin that trades has recent candles; an exchange that stands still is not a coin that lags.

    Args:
        fact: ``fact_1h_klines``, whole.
        coins: ``dim_coins``.
        now: Aware UTC instant.
        fresh_hours: Hours after its end at which a candle is old.

    Yields:
        ``coins_up_to_date`` against this machine's clock, ``coins_alike`` against the newest candle of the exchange.
    """
    trading = coins.filter(pl.col("is_current") & pl.col("is_active").ne_missing(pl.lit(value=False)))
    ages = (
        fact.group_by("exchange", "coin")
        .agg(pl.col("open_timestamp").max().alias("newest"))
        .join(trading.select("exchange", "coin"), on=["exchange", "coin"], how="semi")
        .with_columns(front=pl.col("newest").max().over("exchange"))
        .sort("newest", "coin")
        .collect(engine="streaming")
    )
    allowed = timedelta(hours=fresh_hours)
    for rule, late in (
        ("coins_up_to_date", ages.filter(pl.col("newest") < now - allowed - HOUR)),
        ("coins_alike", ages.filter(pl.col("newest") < pl.col("front") - allowed)),
    ):
        alike = rule == "coins_up_to_date" and late.height == ages.height
        sample = tuple(late.select("exchange", "coin", "newest").head(SAMPLES).iter_rows(named=True))
        detail = _EXPLANATION[alike] if late.height else ""
        yield Finding(FACT, rule, "warning", ages.height, late.height, sample, detail)


def rows_per_day(rows: pl.LazyFrame, contract: TableContract) -> Iterator[Finding]:
    """Whether days have no more rows than a subject can have, and the newest whole day about as many as those before.

    Args:
        rows: The table, or whole days of it.
        contract: With ``rows_per_day``.
    """
    when = str(contract.time_column)
    subject = [name for name in contract.grain if name != when]
    counted = rows.group_by(*subject, pl.col(when).dt.date().alias("day")).len()
    days = counted.collect(engine="streaming")
    crowded = days.filter(pl.col("len") > (contract.rows_per_day or 0))
    sample: tuple[Mapping[str, object], ...] = tuple(crowded.head(SAMPLES).iter_rows(named=True))
    yield Finding(contract.name, "rows_per_day", "error", days.height, crowded.height, sample)
    yield _as_many_as_usual(days, contract)


def _as_many_as_usual(days: pl.DataFrame, contract: TableContract) -> Finding:
    totals = days.group_by("day").agg(pl.col("len").sum()).sort("day", descending=True)
    # The newest day may still be going on.
    recent = totals.slice(1, _DAYS_COMPARED + 1)
    if recent.height < _DAYS_COMPARED + 1:
        return Finding(contract.name, "as_many_rows_as_usual", "warning", 0, 0)
    newest, last = recent.row(0)
    usual = float(np.median(recent["len"][1:].to_numpy()))
    few = last < _FEW * usual
    told = f"{newest} has {last:,} rows, the {_DAYS_COMPARED} days before it {usual:,.0f} each" if few else ""
    return Finding(contract.name, "as_many_rows_as_usual", "warning", 1, int(few), (), told)
