"""How far a change reaches, for every recipe that says so, without Spark: many small markets against the oracles.

A recipe's reach is right when two things hold for any change of its inputs: rows outside the scope that follows from
the change do not differ, and rows inside it can be made from the inputs read as far back as the reach says.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import polars as pl
import pytest
from features.market import indicators_of
from hypothesis import given
from hypothesis import strategies as st
from law.comparison import differences
from law.effort import effort
from law.expected import run_rows
from law.lake import BARRIERS, FEATURES_READ, REFERENCE_COIN
from law.proof import features_of, labels_of
from law.records import START
from oracle.breadth import oracle_breadth
from oracle.correlations import oracle_correlations
from oracle.frames import with_utc_microseconds
from oracle.indicators import oracle_indicators
from oracle.marts import oracle_movers, oracle_returns, oracle_volume

from klineforge.contracts import CONTRACTS
from klineforge.domain.scope import Scope
from klineforge.incremental.plan import affected
from klineforge.incremental.recipe import Reach, Recipe
from klineforge.lake.changes import change_scope
from klineforge.lake.table import LakeTable
from klineforge.recipes import features, marts, silver

HOURS = 110
COINS = ("AAAUSDT", "BBBUSDT", "CCCUSDT")
# From which hour on a coin names another asset.
RENAMED = {"BBBUSDT": 60}
MIN_OBSERVATIONS = 4

Candles = dict[tuple[str, int], tuple[float, float]]
Frames = dict[str, pd.DataFrame]


def _runs(fact: pd.DataFrame) -> pd.DataFrame:
    hours: dict[str, dict[datetime, int]] = {}
    for row in fact.itertuples():
        hours.setdefault(row.coin, {})[row.open_timestamp.to_pydatetime()] = row.listing_seq
    return pd.DataFrame(run_rows(hours))


@dataclass(frozen=True)
class Case:
    """A recipe, what its inputs are called, and the oracle that stands for its transform.

    Args:
        recipe: The recipe.
        inputs: Its tables by the names of its arguments.
        oracle: The same rows from the same arguments.
        hours: Length of a market in which the whole reach shows.
        examples: How many markets are tried.
    """

    recipe: Recipe
    inputs: Mapping[str, str]
    oracle: Callable[..., pd.DataFrame]
    hours: int = HOURS
    examples: int = 12


CASES = {
    case.recipe.name: case
    for case in (
        Case(silver.RUNS, {"fact": "fact_1h_klines"}, _runs),
        Case(marts.RETURNS, {"candles": "fact_1h_klines"}, oracle_returns),
        Case(marts.VOLUME, {"candles": "fact_1h_klines"}, oracle_volume),
        Case(
            marts.MOVERS,
            {"returns": "mart_returns_1h", "volume": "mart_volume_metrics_1h"},
            oracle_movers,
        ),
        Case(
            marts.correlations(MIN_OBSERVATIONS),
            {"candles": "fact_1h_klines"},
            lambda candles: oracle_correlations(candles, MIN_OBSERVATIONS),
        ),
        Case(
            marts.BREADTH,
            {"returns": "mart_returns_1h", "volume": "mart_volume_metrics_1h", "correlations": "mart_correlations"},
            oracle_breadth,
        ),
        Case(
            marts.indicators("BBBUSDT", MIN_OBSERVATIONS),
            {"returns": "mart_returns_1h", "volume": "mart_volume_metrics_1h"},
            lambda returns, volume: oracle_indicators(returns, volume, "BBBUSDT", MIN_OBSERVATIONS),
        ),
        Case(
            features.features(REFERENCE_COIN),
            FEATURES_READ,
            lambda **tables: features_of(**_in_polars(tables)).to_pandas(),
            hours=210,
            examples=6,
        ),
        Case(
            features.labels(*BARRIERS, MIN_OBSERVATIONS),
            {"returns": "mart_returns_1h"},
            lambda returns: labels_of(pl.from_pandas(returns)).to_pandas(),
            hours=210,
        ),
    )
}


@dataclass(frozen=True)
class Change:
    """A market and what becomes of it.

    Args:
        hours: How long it is.
        seed: Decides prices and volumes.
        missing: Candles that the market lacks at first.
        edits: Candles that are put there or corrected (close and volume) or removed (None).
    """

    hours: int
    seed: int
    missing: frozenset[tuple[str, int]]
    edits: tuple[tuple[str, int, tuple[float, float] | None], ...]

    def markets(self) -> tuple[Candles, Candles]:
        """The candles before and after."""
        chance = random.Random(self.seed)  # noqa: S311  a test's dice
        before: Candles = {}
        for coin in COINS:
            price = 100.0
            for hour in range(self.hours):
                price *= 1 + chance.choice([-0.1, -0.01, 0.0, 0.02, 0.09])
                if (coin, hour) not in self.missing:
                    before[coin, hour] = price, chance.choice([0.0, 1.0, 5.5, 400.0])
        after = dict(before)
        for coin, hour, candle in self.edits:
            after.pop((coin, hour), None)
            if candle is not None:
                after[coin, hour] = candle
        return before, after


_candles = st.none() | st.tuples(st.sampled_from([1.0, 99.0, 5000.0]), st.sampled_from([0.0, 2.0, 1e6]))


def changes(hours: int) -> st.SearchStrategy[Change]:
    """Any change of a few candles of a market."""
    edit = st.tuples(st.sampled_from(COINS), st.integers(0, hours + 2), _candles)
    return st.builds(
        Change,
        hours=st.just(hours),
        seed=st.integers(0, 2**32),
        missing=st.frozensets(st.tuples(st.sampled_from(COINS), st.integers(0, hours - 1)), max_size=12),
        edits=st.lists(edit, min_size=1, max_size=4).map(tuple),
    )


@pytest.mark.parametrize("name", CASES)
def test_change_reaches_no_further_and_is_made_from_no_more_than_the_recipe_says(name: str) -> None:
    case = CASES[name]

    @effort(examples=case.examples)
    @given(changes(case.hours))
    def holds(change: Change) -> None:
        before, after = (_inputs(case, candles) for candles in change.markets())
        scope = _scope(case, before, after)
        if scope is None:
            return
        old, new = _made(case, before), _made(case, after)
        inside = scope.polars(_time(name))
        assert differences(old.filter(~inside), new.filter(~inside), name) == [], "a change reached further"
        read = {
            table: _read(scope, after[table], case.recipe.inputs[argument], table)
            for argument, table in case.inputs.items()
        }
        assert differences(_made(case, read).filter(inside), new.filter(inside), name) == [], "more has to be read"

    holds()


def _inputs(case: Case, candles: Candles) -> Frames:
    """The tables that a recipe reads, as the oracles make them of a market."""
    rows = [
        (coin, 1 + (hour >= RENAMED.get(coin, HOURS)), START + timedelta(hours=hour), close, volume, close * volume)
        for (coin, hour), (close, volume) in candles.items()
    ]
    fact = pd.DataFrame(
        rows, columns=["coin", "listing_seq", "open_timestamp", "close_price", "volume", "quote_volume"]
    )
    close, volume = fact["close_price"], fact["volume"]
    prices = {"open_price": close * 1.001, "high_price": close * 1.02, "low_price": close * 0.98}
    fact = with_utc_microseconds(fact.assign(exchange="binance", taker_buy_volume=volume * 0.7, **prices))
    indicators = indicators_of(pl.from_pandas(fact)).to_pandas()
    made: Frames = {"fact_1h_klines": fact, "mart_indicators_1h": with_utc_microseconds(indicators)}
    ways: dict[str, Callable[..., pd.DataFrame]] = {
        "mart_returns_1h": lambda: oracle_returns(fact),
        "mart_volume_metrics_1h": lambda: oracle_volume(fact),
        "mart_correlations": lambda: oracle_correlations(fact, MIN_OBSERVATIONS),
        # Made of the three before it.
        "mart_market_breadth_1h": lambda: oracle_breadth(
            *(made[table] for table in ("mart_returns_1h", "mart_volume_metrics_1h", "mart_correlations"))
        ),
    }
    wanted = set(case.inputs.values())
    for table, way in ways.items():
        if table in wanted or "mart_market_breadth_1h" in wanted:
            made[table] = way()
    return {table: made[table] for table in case.inputs.values()}


def _in_polars(tables: Frames) -> dict[str, pl.DataFrame]:
    return {name: pl.from_pandas(rows.drop(columns="undecided", errors="ignore")) for name, rows in tables.items()}


def _time(table: str) -> str:
    return str(CONTRACTS[table].scan_time)


def _made(case: Case, tables: Frames) -> pl.DataFrame:
    inputs = {argument: tables[table] for argument, table in case.inputs.items()}
    made = case.oracle(**inputs).drop(columns="undecided", errors="ignore")
    return pl.from_pandas(made)


def _scope(case: Case, before: Frames, after: Frames) -> Scope | None:
    """The scope that the plan makes of the rows in which the inputs differ."""
    touched = []
    for argument, table in case.inputs.items():
        feed = _changed(before[table], after[table], list(CONTRACTS[table].grain))
        stub = _table(table, feed)
        touched.append(affected(case.recipe, case.recipe.inputs[argument], stub, 0, 1))
    scope = reduce(Scope.union, touched)
    return scope.planned() if scope else None


def _table(name: str, feed: pl.DataFrame) -> LakeTable:
    def feed_scope(after: int, upto: int, by: tuple[str, ...], time_column: str | None) -> Scope:  # noqa: ARG001
        return change_scope(feed, by, time_column)

    return cast("LakeTable", SimpleNamespace(contract=CONTRACTS[name], log=SimpleNamespace(changes=feed_scope)))


def _changed(before: pd.DataFrame, after: pd.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Keys of the rows that one of two versions of a table has and the other has not."""
    one, other = (pl.from_pandas(frame.drop(columns="undecided", errors="ignore")) for frame in (before, after))
    everything: Any = one.columns
    differing = [
        a.join(b, on=everything, how="anti", nulls_equal=True).select(keys) for a, b in ((one, other), (other, one))
    ]
    return pl.concat(differing).unique()


def _read(scope: Scope, table: pd.DataFrame, reach: Reach, name: str) -> pd.DataFrame:
    """The rows that the engine reads of an input."""
    rows, reading = pl.from_pandas(table).lazy(), scope.widened(back=reach.back, forward=reach.ahead)
    read = rows.filter(reading.polars(_time(name)))
    if reach.stand_in is not None:
        read = pl.concat([read, reach.stand_in.of_scan(rows.filter(reading.polars_before(_time(name))))])
    return read.collect().to_pandas()
