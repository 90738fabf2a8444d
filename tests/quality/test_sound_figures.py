"""Figures that are right break no rule: those of the oracle, over candles with every oddity, pass as sound."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from oracle.breadth import oracle_breadth
from oracle.correlations import oracle_correlations
from oracle.frames import candles
from oracle.indicators import oracle_indicators
from oracle.marts import oracle_movers, oracle_returns, oracle_volume

from klineforge.quality import coin_figures, indicator_figures, pair_figures
from klineforge.quality.comparison import Comparison, compared
from klineforge.quality.finding import Finding

MIN_OBSERVATIONS = 12


def _walk(hours: list[int], seed: int) -> dict[int, float]:
    steps = np.random.default_rng(seed).normal(0, 0.02, len(hours))
    return dict(zip(hours, (100 * np.exp(np.cumsum(steps))).tolist(), strict=True))


def _odd() -> pd.DataFrame:
    """A gap, a coin that stands still, one nobody trades, one of a few hours, two listings of one ticker."""
    stands_still = _walk([*range(10, 90), *range(91, 150)], 2) | dict.fromkeys(range(95, 130), 100.0)
    closes = {
        "AAA": _walk([*range(60), *range(63, 200)], 1),
        "BBB": stands_still,
        "CCC": dict.fromkeys(range(200), 5.0),
        "DDD": _walk([0, 5, 7, 199], 3),
        "EEE": _walk([*range(50), *range(51, 120)], 4),
    }
    busy = np.random.default_rng(5).lognormal(10, 3, 200)
    volumes = {
        "BBB": {hour: 0.0 if 60 <= hour < 120 else float(busy[hour]) for hour in stands_still},
        "CCC": dict.fromkeys(range(200), 0.0),
    }
    rows = candles(closes, volumes)
    opened = pd.to_datetime(rows["open_timestamp"])
    is_new = (rows["coin"] == "EEE") & (opened >= opened.min() + pd.Timedelta(hours=51))
    rows["listing_seq"] = np.where(is_new, 2, 1)
    return rows


@pytest.mark.parametrize(
    "rows",
    [_odd(), candles({"AAA": _walk(list(range(60)), 6)}), candles({"AAA": {3: 1.0}})],
    ids=["odd", "one", "hour"],
)
def test_sound_figures_break_no_rule(rows: pd.DataFrame) -> None:
    returns, volume = oracle_returns(rows), oracle_volume(rows)
    movers, pairs = oracle_movers(returns, volume), oracle_correlations(rows)
    breadth = oracle_breadth(returns, volume, pairs)
    indicators = oracle_indicators(returns, volume, "AAA", MIN_OBSERVATIONS)
    held = {name: _lazy(table) for name, table in locals().items() if isinstance(table, pd.DataFrame)}
    fact = held["rows"] if "listing_seq" in rows else held["rows"].with_columns(listing_seq=pl.lit(1))

    moved = coin_figures.returns_again(fact)
    correlated = pair_figures.correlations_again(fact, pair_figures.pairs_of_coins(fact), MIN_OBSERVATIONS)
    stirred = coin_figures.movers_again(held["returns"], held["volume"])
    wide = pair_figures.breadth_again(held["returns"], held["volume"], held["pairs"])
    trends = indicator_figures.indicators_again(held["returns"], held["volume"], "AAA", MIN_OBSERVATIONS)
    found = [
        *_alike(moved, held["returns"], coin_figures.RETURNS),
        coin_figures.volatility_regimes(moved, held["returns"]),
        *_alike(coin_figures.volume_again(fact), held["volume"], coin_figures.VOLUME),
        *_alike(stirred, held["movers"], coin_figures.MOVERS),
        *_alike(correlated, held["pairs"], pair_figures.CORRELATIONS),
        *pair_figures.regimes_and_breakdowns(correlated, held["pairs"]),
        pair_figures.pairs_of_hours(fact, held["pairs"]),
        *_alike(wide, held["breadth"], pair_figures.BREADTH),
        *_alike(trends, held["indicators"], indicator_figures.INDICATORS),
    ]
    assert [str(finding) for finding in found if not finding.holds] == []
    assert found[0].checked == len(rows)


def _lazy(table: pd.DataFrame) -> pl.LazyFrame:
    return (
        pl.from_pandas(table, nan_to_null=True).with_columns(pl.col(pl.Datetime).cast(pl.Datetime("us", "UTC"))).lazy()
    )


def _alike(again: pl.DataFrame, held: pl.LazyFrame, by: Comparison) -> list[Finding]:
    types = {name: kind for name, kind in held.collect_schema().items() if name in again.columns}
    return compared("a mart", again.cast(types), held, by)  # type: ignore[arg-type]  # polars: any mapping of types
