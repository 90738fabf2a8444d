"""Everything that is asked of a lake, group by group; a table that cannot be read is a finding, never an exception."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
from deltalake.exceptions import DeltaError
from polars.exceptions import PanicException, PolarsError

from klineforge.quality import (
    coin_figures,
    feature_figures,
    freshness,
    indicator_figures,
    label_figures,
    pair_figures,
    silver,
)
from klineforge.quality.comparison import compared
from klineforge.quality.files import COLUMNS_AS_PROMISED, FILES_WHOLE, log_and_files
from klineforge.quality.finding import Finding, together
from klineforge.quality.promises import broken_rows, repeated_rows, row_rules, rows_in_future, strangers
from klineforge.quality.source import Source

logger = logging.getLogger(__name__)

MADE = "made"
ROWS_READABLE = "rows_readable"

# A file that is not what it says makes polars panic, which is no Exception.
# Rotten bytes can still decode, into an instant beyond Python's calendar for example.
_UNREADABLE = (DeltaError, PolarsError, PanicException, OSError, ValueError, OverflowError)
_WORDS = 200
_NOT_MADE = "It has not been made yet: kedro run"
_LOST = "It is gone, while there are its data files or tables made after it: kedro klineforge repair, then kedro run"


def promises(source: Source, known: Mapping[str, Source], now: datetime) -> list[Finding]:
    """Ask one table for everything its contract promises.

    Args:
        source: The table.
        known: Tables it refers to, by name.
        now: Aware UTC instant.
    """
    found: list[Finding] = []
    if source.folder is not None and (source.folder / "_delta_log").is_dir():
        found += log_and_files(source.folder, source.contract)
    if not source.is_there:
        return [finding for finding in found if not finding.holds] or _absent(source)
    if any(finding.rule in {COLUMNS_AS_PROMISED, FILES_WHOLE} and not finding.holds for finding in found):
        return found
    return found + _asked(source.name, lambda: _rows_of(source, known, now), [source])


def _absent(source: Source) -> list[Finding]:
    """What is not there: lost, not made yet, or of no need to this lake."""
    if source.is_lost:
        return [Finding(source.name, MADE, "error", 1, 1, detail=_LOST)]
    if source.is_dispensable:
        return []
    return [Finding(source.name, MADE, "warning", 1, 1, detail=_NOT_MADE)]


def _rows_of(source: Source, known: Mapping[str, Source], now: datetime) -> Iterator[Finding]:
    contract, rules = source.contract, row_rules(source.contract, stored=True)
    frames = {name: other.rows() for name, other in known.items() if other.is_there}
    parts: list[Finding] = []
    for rows in source.parts():
        parts += broken_rows(rows, contract, rules)
        parts.append(repeated_rows(rows, contract))
        # The calendar lists whole years, those to come included.
        if contract.time_column is not None and contract.layer != "gold":
            parts.append(rows_in_future(rows, contract, now))
        parts += strangers(rows, contract, frames)
    yield from together(parts)
    if contract.rows_per_day is not None:
        yield from freshness.rows_per_day(source.rows(), contract)
    if contract.fresh_hours is not None:
        yield freshness.newest_row(source.rows(), contract, now)


def silver_from_bronze(tables: Mapping[str, Source]) -> list[Finding]:
    """Ask whether silver is what bronze says.

    Args:
        tables: Bronze and silver, by name.
    """
    klines, stage, fact = tables[silver.KLINES], tables[silver.STAGE], tables[silver.FACT]
    refused, gaps, checkpoints = tables[silver.QUARANTINE], tables[silver.GAPS], tables[silver.CHECKPOINTS]
    runs = tables[silver.RUNS]

    def candles() -> Iterator[Finding]:
        years = sorted(year for year in {*klines.years(), *stage.years(), *fact.years()} if year is not None)
        parts: list[Finding] = []
        for year in years:
            named = refused.rows().filter(pl.col("open_timestamp").dt.year() == year)
            parts += silver.reconcile(klines.of_year(year), stage.of_year(year), fact.of_year(year), named)
        yield from together(parts)

    return [
        *_asked(silver.STAGE, candles, [klines, stage, fact, refused]),
        *_asked(
            silver.KLINES,
            lambda: [silver.checkpoints_count_bronze(klines.rows(), checkpoints.rows())],
            [klines, checkpoints],
        ),
        *_asked(silver.RUNS, lambda: silver.runs_again(fact.rows(), runs.rows()), [fact, runs]),
        *_asked(silver.GAPS, lambda: [silver.gaps_without_candles(gaps.rows(), runs.rows())], [gaps, runs]),
        *_asked(
            silver.GAPS,
            lambda: [silver.hours_accounted_for(fact.rows(), gaps.rows()), silver.unexplained_gaps(gaps.rows())],
            [fact, gaps],
        ),
    ]


def freshness_of_coins(fact: Source, coins: Source, fresh_hours: int, now: datetime) -> list[Finding]:
    """Ask whether the coins that trade have recent candles.

    Args:
        fact: ``fact_1h_klines``.
        coins: ``dim_coins``.
        fresh_hours: Age from which on a candle is old.
        now: Aware UTC instant.
    """
    return _asked(
        fact.name,
        lambda: freshness.coins_up_to_date(fact.rows(), coins.rows(), now, fresh_hours),
        [fact, coins],
    )


def marts_from_fact(
    tables: Mapping[str, Source],
    most_pairs: int | None,
    min_observations: int,
    beta: tuple[str, int],
    now: datetime,
) -> list[Finding]:
    """Compute every figure of the marts a second time and compare.

    Args:
        tables: The fact and the marts, by name.
        most_pairs: How many pairs of coins are correlated again; None for all.
        min_observations: As the correlations were made with.
        beta: Reference coin and minimum of observations that the indicators were made with.
        now: Chooses the pairs of the day.
    """
    fact, returns, volume = tables[silver.FACT], tables["mart_returns_1h"], tables["mart_volume_metrics_1h"]
    movers, breadth = tables["mart_top_movers"], tables["mart_market_breadth_1h"]
    pairs, indicators = tables["mart_correlations"], tables["mart_indicators_1h"]

    def of_returns() -> Iterator[Finding]:
        again = coin_figures.returns_again(fact.rows())
        yield from compared(returns.name, again, returns.rows(), coin_figures.RETURNS)
        yield coin_figures.volatility_regimes(again, returns.rows())

    def of_volume() -> list[Finding]:
        again = coin_figures.volume_again(fact.rows())
        return compared(volume.name, again, volume.rows(), coin_figures.VOLUME)

    def of_movers() -> list[Finding]:
        again = coin_figures.movers_again(returns.rows(), volume.rows())
        return compared(movers.name, again, movers.rows(), coin_figures.MOVERS)

    def of_indicators() -> list[Finding]:
        again = indicator_figures.indicators_again(returns.rows(), volume.rows(), *beta)
        return compared(indicators.name, again, indicators.rows(), indicator_figures.INDICATORS)

    def of_breadth() -> list[Finding]:
        again = pair_figures.breadth_again(returns.rows(), volume.rows(), pairs.rows())
        return compared(breadth.name, again, breadth.rows(), pair_figures.BREADTH)

    def of_pairs() -> Iterator[Finding]:
        parts = [pair_figures.pairs_of_hours(fact.of_year(year), pairs.of_year(year)) for year in fact.years()]
        yield from together(parts)
        chosen = pairs_of_the_day(pair_figures.pairs_of_coins(fact.rows()), most_pairs, now)
        again = pair_figures.correlations_again(fact.rows(), chosen, min_observations)
        held = pair_figures.of_pairs(pairs.rows(), chosen)
        yield from compared(pairs.name, again, held, pair_figures.CORRELATIONS)
        yield from pair_figures.regimes_and_breakdowns(again, held)

    return [
        *_asked(returns.name, of_returns, [fact, returns]),
        *_asked(volume.name, of_volume, [fact, volume]),
        *_asked(movers.name, of_movers, [returns, volume, movers]),
        *_asked(breadth.name, of_breadth, [returns, volume, pairs, breadth]),
        *_asked(indicators.name, of_indicators, [returns, volume, indicators]),
        *_asked(pairs.name, of_pairs, [fact, pairs]),
    ]


def features_from_marts(
    tables: Mapping[str, Source], reference_coin: str, barriers: label_figures.Barriers
) -> list[Finding]:
    """Compute every feature and every label a second time and compare; nothing where they were never made.

    Args:
        tables: The fact, the marts, the features and the labels, by name.
        reference_coin: As the features were made with.
        barriers: As the labels were made with.
    """
    features, labels, returns = tables["features_1h"], tables["labels_1h"], tables["mart_returns_1h"]
    read = [
        tables[silver.FACT],
        returns,
        tables["mart_volume_metrics_1h"],
        tables["mart_indicators_1h"],
        tables["mart_correlations"],
        tables["mart_market_breadth_1h"],
    ]

    def of_features() -> list[Finding]:
        again = feature_figures.features_again(
            feature_figures.Inputs(*(source.rows() for source in read)), reference_coin
        )
        return compared(features.name, again, features.rows(), feature_figures.FIGURES)

    def of_labels() -> list[Finding]:
        again = label_figures.labels_again(returns.rows(), barriers)
        return compared(labels.name, again, labels.rows(), label_figures.FIGURES)

    found = _asked(features.name, of_features, [*read, features]) if features.is_there else []
    return found + (_asked(labels.name, of_labels, [returns, labels]) if labels.is_there else [])


def pairs_of_the_day(
    pairs: Sequence[tuple[str, str, str]], most: int | None, now: datetime
) -> list[tuple[str, str, str]]:
    """Some of the pairs, others each day, so that all have had their turn after a while.

    Examples:
        >>> day = datetime(1970, 1, 2, tzinfo=UTC)
        >>> pairs_of_the_day([("x", "A", "B"), ("x", "A", "C"), ("x", "B", "C")], 2, day)
        [('x', 'B', 'C'), ('x', 'A', 'B')]
    """
    if most is None or most >= len(pairs):
        return list(pairs)
    first = (now - datetime(1970, 1, 1, tzinfo=UTC)).days * most
    return [pairs[(first + step) % len(pairs)] for step in range(most)]


def _asked(table: str, ask: Callable[[], Iterable[Finding]], needed: Sequence[Source]) -> list[Finding]:
    """The findings with the tables' versions; none where a table is missing, one where its rows cannot be read."""
    missing = [source.name for source in needed if not (source.is_there and source.is_whole)]
    if missing:
        logger.warning("%s cannot be compared: %s is not there, or is damaged", table, ", ".join(missing))
        return []
    versions = {source.name: source.version for source in needed}
    try:
        return [replace(finding, version=versions.get(finding.table)) for finding in ask()]
    except _UNREADABLE as error:
        problem = str(error).strip().partition("\n")[0][:_WORDS]
        detail = f"{problem}. Look at it with: kedro klineforge repair --dry-run"
        return [Finding(table, ROWS_READABLE, "error", 1, 1, (), detail, versions.get(table))]
