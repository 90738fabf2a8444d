"""The figures behind the Investment Simulator: a plan followed through closing prices, beside the same in BTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import numpy as np
import polars as pl

from klineforge.domain.hours import HOUR
from klineforge.measures.simulation import Course, Plan, simulate
from klineforge.serving.catalogue import Catalogue
from klineforge.serving.intervals import HOURS
from klineforge.serving.selection import Interval, Selection, default_coin
from klineforge.serving.warehouse import Warehouse
from klineforge.views.listings import of_newest_listing

Every = Literal["1d", "1w", "1M"]
TABLES: Final = ("dim_coins", "mart_returns_1h")
_TIME, _COIN = "open_timestamp", "coin"


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """What of the page can be chosen beside the selection, whose range is when money is in.

    Args:
        amount: All the money put in, in the quote asset.
        every: How often it is put in; None at once.
        fee: Of each purchase, a fraction.
        weights: Coins of a basket and their weights, in any scale; empty buys the coin in focus.
    """

    amount: float = 1000.0
    every: Every | None = None
    fee: float = 0.001
    weights: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """What the page shows.

    Args:
        opened: Every hour of the range with the close that values it: first and last have a candle of a bought coin.
        plan: What was bought.
        coins: Which coins, in the order of the plan's weights.
        course: What became of it.
        reference: The coin compared with; None where the lake has none that can be bought for the same money.
        benchmark: The same money at the same times in the reference.
        money: The quote asset.
        holdings: One row per coin: weight, units, last price and value.
        remarks: What the reader should know.
    """

    opened: pl.Series
    plan: Plan
    coins: tuple[str, ...]
    course: Course
    reference: str | None
    benchmark: Course | None
    money: str
    holdings: pl.DataFrame
    remarks: tuple[str, ...]


def read_simulation(
    warehouse: Warehouse, selection: Selection, catalogue: Catalogue, options: SimulatorOptions
) -> Simulation:
    """Follow a plan through a selection's hours.

    Raises:
        UnavailableError: None of the coins has a candle in the range.
        ValueError: When the options make no sense.
    """
    basket, remarks = _basket(selection, catalogue, options)
    money = _quote(catalogue, next(iter(basket)))
    reference = default_coin(catalogue.coins[selection.exchange])
    if _quote(catalogue, reference) != money or not reference.startswith("BTC"):
        reference = ""
    prices = _prices(warehouse, selection, tuple(basket), reference)
    if reference and prices[reference].null_count() == prices.height:
        remarks += (f"{reference} has no candle in this range: there is nothing to compare with.",)
        reference = ""
    elif not reference:
        remarks += (f"The lake has no BTC that is bought for {money}: there is nothing to compare with.",)
    remarks += _gone(prices, basket, selection)
    every = None if options.every is None else HOURS[_as_interval(options.every)]
    plan = Plan(options.amount, tuple(basket.values()), every, options.fee)
    closes = prices.select(list(basket)).to_numpy()
    course = simulate(closes, plan)
    alone = Plan(options.amount, (1.0,), every, options.fee)
    benchmark = simulate(prices.select(reference).to_numpy(), alone) if reference else None
    last = prices.select(pl.col(list(basket)).drop_nulls().last()).row(0)
    values = course.units * np.array([price or 0.0 for price in last]) + course.waiting
    total = sum(basket.values())
    return Simulation(
        opened=prices[_TIME],
        plan=plan,
        coins=tuple(basket),
        course=course,
        reference=reference or None,
        benchmark=benchmark,
        money=money,
        holdings=pl.DataFrame(
            {
                _COIN: list(basket),
                "weight": [weight / total for weight in basket.values()],
                "units": course.units,
                "close_price": pl.Series(list(last), dtype=pl.Float64),
                "value": values,
            }
        ),
        remarks=remarks,
    )


def _basket(
    selection: Selection, catalogue: Catalogue, options: SimulatorOptions
) -> tuple[dict[str, float], tuple[str, ...]]:
    offered = catalogue.coins[selection.exchange]
    wanted = {coin: weight for coin, weight in options.weights if weight > 0}
    known = {coin: weight for coin, weight in wanted.items() if coin in offered}
    remarks: tuple[str, ...] = ()
    if unknown := sorted(set(wanted) - set(known)):
        remarks += (f"Not in this lake and left out: {', '.join(unknown)}.",)
    if not known:
        return {selection.coin: 1.0}, remarks
    money = _quote(catalogue, next(iter(known)))
    others = sorted(coin for coin in known if _quote(catalogue, coin) != money)
    if others:
        remarks += (f"Left out, since they are not bought for {money}: {', '.join(others)}.",)
    return {coin: weight for coin, weight in known.items() if coin not in others}, remarks


def _quote(catalogue: Catalogue, coin: str) -> str:
    """The quote asset; the coin's own name where it is not known, so that it is mixed with nothing."""
    _, found, quote = catalogue.label(coin).partition("/")
    return quote if found else f"the quote asset of {coin}"


def _prices(warehouse: Warehouse, selection: Selection, coins: tuple[str, ...], reference: str) -> pl.DataFrame:
    """Closes, one row per hour without a hole, from the first candle of a bought coin in the range to the last."""
    named = tuple(dict.fromkeys([*coins, *([reference] if reference else [])]))
    rows = warehouse.read(
        "mart_returns_1h",
        (_COIN, _TIME, "listing_seq", "close_price"),
        exchange=selection.exchange,
        coins=named,
        start=selection.start,
        end=selection.end,
    )
    # What a symbol named before is another asset, which nobody holds who buys the present one.
    rows = rows.filter(of_newest_listing())
    mine = rows.filter(pl.col(_COIN).is_in(list(coins)))
    warehouse.require(mine, "mart_returns_1h", f"{', '.join(coins)} in this range")
    first: datetime = mine[_TIME].min()  # type: ignore[assignment]  # polars: any literal
    last: datetime = rows[_TIME].max()  # type: ignore[assignment]  # polars: any literal
    hours = pl.datetime_range(first, last, HOUR, time_unit="us", time_zone="UTC", eager=True).alias(_TIME)
    wide = rows.pivot(on=_COIN, index=_TIME, values="close_price")
    joined = hours.to_frame().join(wide, on=_TIME, how="left")
    absent = [pl.lit(None, pl.Float64).alias(coin) for coin in named if coin not in joined.columns]
    return joined.with_columns(*absent).sort(_TIME)


def _gone(prices: pl.DataFrame, basket: dict[str, float], selection: Selection) -> tuple[str, ...]:
    told = []
    for coin in basket:
        opened = prices.filter(pl.col(coin).is_not_null())[_TIME]
        if opened.is_empty():
            told.append(f"{coin} has no candle in this range: its money stays cash.")
            continue
        if opened[0] > prices[_TIME][0]:
            told.append(f"{coin} has its first candle at {opened[0]:%Y-%m-%d %H:%M}: what is for it waits as cash.")
        if opened[-1] < prices[_TIME][-1]:
            told.append(f"{coin} has its last candle at {opened[-1]:%Y-%m-%d %H:%M}: it keeps that price.")
    if prices[_TIME][0] > selection.start:
        told.append(f"The first candle in the range opened at {prices[_TIME][0]:%Y-%m-%d %H:%M}: it is bought then.")
    return tuple(told)


def _as_interval(every: Every) -> Interval:
    return every
