"""Nodes of the quality pipeline: each asks a layer, the last one puts down what all found."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from klineforge.datasets.delta_table import Append
from klineforge.domain.hours import Span
from klineforge.errors import ConfigurationError, ExchangeError
from klineforge.exchanges.binance.market import BinanceMarket
from klineforge.lake.journal import JOURNAL
from klineforge.lake.table import LakeTable
from klineforge.pipelines.features.nodes import LabelOptions
from klineforge.pipelines.marts.nodes import IndicatorOptions
from klineforge.quality import checks, days
from klineforge.quality.finding import Finding
from klineforge.quality.label_figures import Barriers
from klineforge.quality.report import QualityReport
from klineforge.quality.source import Source

logger = logging.getLogger(__name__)

Findings = list[Finding]
_MOST_DAYS = 900


@dataclass(frozen=True)
class QualityOptions:
    """Parameters of the checks.

    Args:
        fresh_hours: Hours after which the newest candle of a coin counts as old, at least 1.
        pairs_again: How many pairs of coins are correlated a second time per run, others each day; ``all`` for all.
        days_compared: How many of the newest days are compared with the exchange's own candles of days; 0 asks nobody.

    Raises:
        ConfigurationError: When a value is not one of those.
    """

    fresh_hours: int = 3
    pairs_again: int | str = 10
    days_compared: int = 0

    def __post_init__(self) -> None:
        given: object = self.fresh_hours
        if isinstance(given, bool) or not isinstance(given, int) or given < 1:
            raise ConfigurationError(
                f"parameter quality.fresh_hours must be a whole number of hours from 1 on, found {self.fresh_hours!r}; "
                "correct it in conf/base/parameters.yml or with --params quality.fresh_hours=3"
            )
        asked: object = self.days_compared
        if isinstance(asked, bool) or not isinstance(asked, int) or not 0 <= asked <= _MOST_DAYS:
            raise ConfigurationError(
                f"parameter quality.days_compared must be a whole number from 0 to {_MOST_DAYS}, found {asked!r}; "
                "correct it in conf/base/parameters.yml or with --params quality.days_compared=3"
            )
        is_number = isinstance(self.pairs_again, int) and not isinstance(self.pairs_again, bool)
        if self.pairs_again != "all" and not (is_number and int(self.pairs_again) >= 0):
            raise ConfigurationError(
                f"parameter quality.pairs_again must be a whole number from 0 on or all, found {self.pairs_again!r}; "
                "correct it in conf/base/parameters.yml or with --params quality.pairs_again=10"
            )

    @property
    def most_pairs(self) -> int | None:
        """How many pairs, None for all of them."""
        return None if self.pairs_again == "all" else int(self.pairs_again)


def check_bronze(*tables: LakeTable) -> Findings:
    """Ask every bronze table for what its contract promises."""
    return _promises(tables, ())


def check_silver(*tables: LakeTable) -> Findings:
    """Ask every silver table; the dimensions, which come last, only answer for the names of coins and hours."""
    return _promises(tables[:-3], tables[-3:])


def check_gold(*tables: LakeTable) -> Findings:
    """Ask every dimension for what its contract promises."""
    return _promises(tables, ())


def check_marts(*tables: LakeTable) -> Findings:
    """Ask every mart; the dimensions, which come last, only answer for the names of coins and hours."""
    return _promises(tables[:-3], tables[-3:])


def check_features(*tables: LakeTable) -> Findings:
    """Ask every table for models; the dimensions, which come last, only answer for the names of coins and hours."""
    return _promises(tables[:-3], tables[-3:])


def check_operations(*tables: LakeTable) -> Findings:
    """Ask the tables about the warehouse itself."""
    return _promises(tables, ())


def reconcile_silver(*tables: LakeTable) -> Findings:
    """Compute from bronze what silver must hold, and compare."""
    return checks.silver_from_bronze(_by_name(tables))


def reconcile_marts(
    options: QualityOptions, min_observations: int, indicators: IndicatorOptions, *tables: LakeTable
) -> Findings:
    """Compute the figures of the marts a second time, and compare."""
    beta = indicators.reference_coin, indicators.min_observations
    return checks.marts_from_fact(_by_name(tables), options.most_pairs, min_observations, beta, _now())


def reconcile_features(indicators: IndicatorOptions, labels: LabelOptions, *tables: LakeTable) -> Findings:
    """Compute features and labels a second time, and compare."""
    barriers = Barriers(labels.upper, labels.lower, labels.min_observations)
    return checks.features_from_marts(_by_name(tables), indicators.reference_coin, barriers)


def check_freshness(options: QualityOptions, fact: LakeTable, coins: LakeTable) -> Findings:
    """Ask which coins lag behind, and whether the exchange stands still or we do."""
    return checks.freshness_of_coins(Source(fact), Source(coins), options.fresh_hours, _now())


def compare_days(options: QualityOptions, market: BinanceMarket, fact: LakeTable) -> Findings:
    """Compare the newest days with the exchange's own candles of days; one that does not answer is only told of."""
    source = Source(fact)
    if not options.days_compared or not (source.is_there and source.is_whole):
        return []
    made = days.whole_days(source.rows(), options.days_compared)
    sent: list[pl.DataFrame] = []
    for exchange, coin in made.select("exchange", "coin").unique().sort("exchange", "coin").iter_rows():
        try:
            records = market.days(coin, Span(*days.span_of(made, coin)))
        except ExchangeError as error:
            logger.warning("days cannot be compared from %s on: %s", coin, error.problem)
            break
        if records is None:
            logger.info("days are not compared: REST is off")
            break
        sent.append(days.days_as_sent(exchange, coin, records))
    return [replace(days.days_agree(made, pl.concat(sent)), version=source.version)] if sent else []


def put_down(*findings: Findings) -> tuple[Append, dict[str, Any]]:
    """Tell what is broken, and keep all results.

    Returns:
        Rows of ``quality_results``, and the report by which the run succeeds or fails.

    Raises:
        ConfigurationError: When the lake has no table at all, as one whose name was mistyped.
    """
    if all(finding.rule == checks.MADE for group in findings for finding in group):
        raise ConfigurationError(
            "there is nothing to check: the lake has no tables. Name another one with --params lake=FOLDER, or fill "
            "this one with: kedro run"
        )
    report = QualityReport.of(JOURNAL.run_id, _now(), findings)
    for finding in (*report.errors, *report.warnings):
        logger.log(logging.ERROR if finding.is_error else logging.WARNING, "%s", finding)
    logger.info("%d checks: %d errors, %d warnings", len(report.findings), len(report.errors), len(report.warnings))
    return Append(report.to_rows(), report.identity), report.to_json()


def _promises(tables: Sequence[LakeTable], referred_to: Sequence[LakeTable]) -> Findings:
    known = {source.name: source for source in map(Source, (*tables, *referred_to))}
    now = _now()
    return [finding for table in tables for finding in checks.promises(Source(table), known, now)]


def _by_name(tables: Sequence[LakeTable]) -> dict[str, Source]:
    return {table.contract.name: Source(table) for table in tables}


def _now() -> datetime:
    return datetime.now(UTC)
