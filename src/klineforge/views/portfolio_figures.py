"""The figures behind Correlation & Portfolio: a matrix, prices, one pair, and the risk of weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import numpy as np
import polars as pl

from klineforge.domain.hours import HOUR
from klineforge.measures import portfolio
from klineforge.measures.risk import HOURS_PER_YEAR, Numbers
from klineforge.serving.selection import Selection
from klineforge.serving.warehouse import Warehouse
from klineforge.views.listings import of_newest_listing

Basis = Literal["newest", "range"]
TABLES: Final = ("dim_coins", "mart_returns_1h", "mart_correlations")
_TIME, _COIN = "open_timestamp", "coin"


@dataclass(frozen=True, slots=True)
class PortfolioOptions:
    """What of the page can be chosen beside the selection.

    Args:
        basis: ``newest`` shows the correlations of the newest hour, ``range`` their mean over the range.
        threshold: Size of a correlation from which the network draws a line, 0 to 1.
        pair: The pair drawn over time; None takes the one that moves together most.
        weights: Weight per coin, in any scale; empty weighs all coins the same.
    """

    basis: Basis = "newest"
    threshold: float = 0.6
    pair: tuple[str, str] | None = None
    weights: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Portfolio:
    """What the page shows.

    Args:
        at: Newest hour with correlations in the range, UTC.
        coins: In clustered order.
        matrix: Their correlations, in that order; not-a-number where there is none.
        pairs: One row per pair: correlation shown, mean over the range, regime and breakdown alerts.
        prices: Close and start = 100 of every coin and hour of the range.
        pair: The pair over time, by the names of its table.
        course: Its rows of the range.
        weights: One row per coin with a weight: weight and share of the risk.
        volatility: Of the weighted portfolio, a year's, a fraction.
        bets: Effective number of bets of the coins' correlations.
        concentration: Herfindahl index of the weights.
        complete_hours: Hours in which all weighted coins have a return: the sample of the risk.
        remarks: What of the options could not be used.
    """

    at: datetime
    coins: tuple[str, ...]
    matrix: Numbers
    pairs: pl.DataFrame
    prices: pl.DataFrame
    pair: tuple[str, str] | None
    course: pl.DataFrame
    weights: pl.DataFrame
    volatility: float | None
    bets: float | None
    concentration: float | None
    complete_hours: int
    remarks: tuple[str, ...]


def read_portfolio(warehouse: Warehouse, selection: Selection, options: PortfolioOptions) -> Portfolio:
    """Read the figures of a selection.

    Raises:
        UnavailableError: There are no correlations or returns, or none of what was selected.
    """
    asked = f"pairs of {selection.exchange} from {selection.start:%Y-%m-%d %H:%M} to {selection.end:%Y-%m-%d %H:%M}"
    told = warehouse.require(_summary(warehouse, selection), "mart_correlations", asked)
    at: datetime = told["newest"].max()  # type: ignore[assignment]  # polars: any literal
    newest = _newest(warehouse, selection, at)
    pairs = told.drop("newest").join(newest, on=["base_coin", "related_coin"], how="left")
    shown = pl.col("corr_24h" if options.basis == "newest" else "mean_corr")
    pairs = pairs.with_columns(correlation=shown).sort(
        pl.col("correlation").abs(), "base_coin", "related_coin", descending=[True, False, False], nulls_last=True
    )
    known = sorted(set(pairs["base_coin"]) | set(pairs["related_coin"]))
    matrix = portfolio.full_matrix(known, pairs.select("base_coin", "related_coin", "correlation").iter_rows())
    order = portfolio.clustered_order(matrix)
    matrix, coins = matrix[np.ix_(order, order)], tuple(known[place] for place in order)
    prices = _prices(warehouse, selection)
    pair, remarks = _pair(options, pairs)
    weights, unknown = _weights(options, known)
    remarks += unknown
    asked_for = ("wide returns", selection.exchange, selection.coins, selection.start, selection.end)
    wide = warehouse.derived(("mart_returns_1h",), asked_for, lambda: _wide(prices), size=prices.height * 8)
    shares, volatility, hours = _risk(wide, weights)
    return Portfolio(
        at=at,
        coins=coins,
        matrix=matrix,
        pairs=pairs,
        prices=prices,
        pair=pair,
        course=_course(warehouse, selection, pair),
        weights=shares,
        volatility=volatility,
        bets=portfolio.effective_bets(matrix),
        concentration=portfolio.concentration(np.array(list(weights.values()))) if weights else None,
        complete_hours=hours,
        remarks=remarks,
    )


def _summary(warehouse: Warehouse, selection: Selection) -> pl.DataFrame:
    """Per pair: its mean correlation, breakdown alerts and newest hour, without its rows ever being held."""

    def query(rows: pl.LazyFrame) -> pl.LazyFrame:
        years = pl.col("year").is_between(selection.start.year, selection.end.year)
        hours = (pl.col(_TIME) >= selection.start) & (pl.col(_TIME) < selection.end)
        wanted = rows.filter(years, hours, pl.col("exchange") == selection.exchange)
        if selection.coins:
            named = list(selection.coins)
            wanted = wanted.filter(pl.col("base_coin").is_in(named), pl.col("related_coin").is_in(named))
        return wanted.group_by("base_coin", "related_coin").agg(
            mean_corr=pl.col("corr_24h").mean(),
            breakdowns=pl.col("corr_breakdown_alerts").sum(),
            newest=pl.col(_TIME).max(),
        )

    key = ("summary", selection.exchange, selection.coins, selection.start, selection.end)
    return warehouse.aggregate("mart_correlations", key, query)


def _newest(warehouse: Warehouse, selection: Selection, at: datetime) -> pl.DataFrame:
    columns = ("base_coin", "related_coin", "corr_24h", "observations_24h", "correlation_regime")
    return warehouse.read(
        "mart_correlations", columns, exchange=selection.exchange, coins=selection.coins, start=at, end=at + HOUR
    )


def _prices(warehouse: Warehouse, selection: Selection) -> pl.DataFrame:
    rows = warehouse.read(
        "mart_returns_1h",
        (_COIN, _TIME, "listing_seq", "close_price", "return_pct"),
        exchange=selection.exchange,
        coins=selection.coins,
        start=selection.start,
        end=selection.end,
    )
    # A price from 100 is that of one asset: of what the symbol named last.
    present = rows.filter(of_newest_listing()).drop("listing_seq")
    return present.with_columns(index=100 * pl.col("close_price") / pl.col("close_price").first().over(_COIN))


def _pair(options: PortfolioOptions, pairs: pl.DataFrame) -> tuple[tuple[str, str] | None, tuple[str, ...]]:
    offered = set(pairs.select("base_coin", "related_coin").iter_rows())
    together = pairs.sort("correlation", descending=True, nulls_last=True, maintain_order=True)
    first = together.select("base_coin", "related_coin").row(0)
    if options.pair is None:
        return first, ()
    ordered = (min(options.pair), max(options.pair))
    if ordered in offered:
        return ordered, ()
    return first, (f"The pair {' and '.join(options.pair)} has no correlation in this range; another one is shown.",)


def _course(warehouse: Warehouse, selection: Selection, pair: tuple[str, str] | None) -> pl.DataFrame:
    columns = (_TIME, "corr_24h", "observations_24h", "correlation_regime", "corr_breakdown_alerts")
    if pair is None:
        return warehouse.no_rows("mart_correlations", columns)
    return warehouse.read(
        "mart_correlations", columns, exchange=selection.exchange, coins=pair, start=selection.start, end=selection.end
    )


def _weights(options: PortfolioOptions, known: list[str]) -> tuple[dict[str, float], tuple[str, ...]]:
    if not options.weights:
        return dict.fromkeys(known, 1.0), ()
    used = {coin: weight for coin, weight in options.weights if coin in known and weight > 0}
    lost = [coin for coin, _ in options.weights if coin not in known]
    told = (f"No correlations of {', '.join(lost)} in this range; their weights are left out.",) if lost else ()
    if not used:
        return dict.fromkeys(known, 1.0), (*told, "No weight is more than zero; all coins weigh the same.")
    return used, told


def _wide(prices: pl.DataFrame) -> pl.DataFrame:
    """Returns, one row per hour, one column per coin."""
    return prices.pivot(on=_COIN, index=_TIME, values="return_pct")


def _risk(wide: pl.DataFrame, weights: dict[str, float]) -> tuple[pl.DataFrame, float | None, int]:
    coins = sorted(weights)
    values = np.array([weights[coin] for coin in coins])
    held = portfolio.normalised_weights(values)
    present = [coin for coin in coins if coin in wide.columns]
    returns = wide.select(present).cast(pl.Float64).to_numpy()
    hours = int(np.isfinite(returns).all(axis=1).sum()) if len(present) == len(coins) else 0
    spread = portfolio.covariance(returns) if hours > 1 else None
    shares = None if spread is None else portfolio.risk_contributions(values, spread)
    frame = pl.DataFrame(
        {
            _COIN: coins,
            "weight": held,
            "risk_contribution": pl.Series([None] * len(coins) if shares is None else shares, dtype=pl.Float64),
        }
    ).sort("risk_contribution", "weight", _COIN, descending=[True, True, False], nulls_last=True)
    if spread is None or held is None:
        return frame, None, hours
    return frame, math.sqrt(max(0.0, float(held @ spread @ held)) * HOURS_PER_YEAR), hours
