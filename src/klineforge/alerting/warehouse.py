"""The tables of a lake as the rules read them, without Spark, and all rules applied to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from klineforge.alerting import conditions, rules
from klineforge.alerting.edges import read_from
from klineforge.alerting.events import Event
from klineforge.alerting.settings import AlertSettings, Rule
from klineforge.domain.contract import YEAR_COLUMN
from klineforge.domain.hours import HOUR

FIGURE_TABLES: dict[str, tuple[str, ...]] = {
    "mart_volume_metrics_1h": ("volume_spike_ratio",),
    "mart_returns_1h": ("volatility_regime", "rolling_vol_24h", "drawdown_pct"),
    "mart_top_movers": ("mover_signal", "mover_rank", "return_pct"),
}
_KEY = ("exchange", "coin", "open_timestamp")
_OF_COINS: dict[str, tuple[str, Callable[[pl.DataFrame, Rule], list[Event]]]] = {
    "volume_spike": ("mart_volume_metrics_1h", rules.volume_spikes),
    "volatility_regime": ("mart_returns_1h", rules.volatility_regimes),
    "drawdown": ("mart_returns_1h", rules.drawdown_steps),
    "top_mover": ("mart_top_movers", rules.top_movers),
}
PRESENT_RULES = ("freshness", "quality_failure", "failed_run")
"""Rules about the present moment; how often they may repeat is told by the alerts that were fired, not by figures."""


@dataclass(frozen=True)
class Warehouse:
    """What the rules read.

    Args:
        tables: Lazy frames by table name; a table that was not made yet is left out and finds nothing.
        runs: ``run_id, pipeline, ended_at, outcome, error`` of finished runs.
        log_is_whole: Whether ``runs`` begins with the first run there was.
    """

    tables: Mapping[str, pl.LazyFrame]
    runs: pl.DataFrame
    log_is_whole: bool = True

    def newest(self) -> dict[str, datetime]:
        """Hour of the newest candle, by exchange."""
        if "kline_runs" not in self.tables:
            return {}
        return dict(self.tables["kline_runs"].group_by("exchange").agg(pl.col("last_hour").max()).collect().iter_rows())

    def traded_coins(self) -> pl.DataFrame:
        """``exchange, coin, last_hour`` of the coins that are active by the newest listing."""
        if not {"kline_runs", "dim_coins"} <= self.tables.keys():
            return pl.DataFrame(
                schema={"exchange": pl.String, "coin": pl.String, "last_hour": pl.Datetime("us", "UTC")}
            )
        active = self.tables["dim_coins"].filter("is_active").select("coin")
        runs = self.tables["kline_runs"].join(active, on="coin", how="semi")
        return runs.group_by("exchange", "coin").agg(pl.col("last_hour").max()).sort("exchange", "coin").collect()

    def rows(self, table: str, since: datetime | None, until: datetime | None = None) -> pl.LazyFrame:
        """Rows of a mart in a half-open range of hours; None leaves a side open."""
        rows = self.tables[table]
        if since is not None:
            rows = rows.filter((pl.col(YEAR_COLUMN) >= since.year) & (pl.col("open_timestamp") >= since))
        if until is not None:
            rows = rows.filter((pl.col(YEAR_COLUMN) <= until.year) & (pl.col("open_timestamp") < until))
        return rows


def recent_events(warehouse: Warehouse, settings: AlertSettings, now: datetime) -> list[Event]:
    """What a run finds: events of the hours that are judged, and of the present moment.

    Args:
        warehouse: The lake's tables.
        settings: Rules and thresholds.
        now: The present moment, UTC.
    """
    newest = warehouse.newest()
    on = settings.rules
    found: list[Event] = []
    if newest:
        judged_from = min(newest.values()) - settings.judged + HOUR
        figures = [*figure_events(warehouse, settings, judged_from), *_gaps(warehouse, on)]
        found += conditions.within(figures, newest, settings.judged)
    if "freshness" in on:
        found += conditions.stale_coins(warehouse.traded_coins(), on["freshness"], now)
    if "quality_failure" in on and "quality_results" in warehouse.tables:
        failing = results_of_failing_checks(warehouse.tables["quality_results"])
        found += conditions.failed_checks(failing, on["quality_failure"])
    if "failed_run" in on:
        runs = conditions.failed_runs(warehouse.runs, on["failed_run"], log_is_whole=warehouse.log_is_whole)
        found += [event for event in runs if event.hour > now - settings.judged]
    return found


def results_of_failing_checks(results: pl.LazyFrame) -> pl.DataFrame:
    """All there ever was of those checks that fail now; mostly there are none, however long the history is.

    Args:
        results: ``quality_results``.
    """
    newest = results.select(pl.col("checked_at").max()).collect().item()
    is_broken = (pl.col("severity") == "error") & (pl.col("rows_failed") > 0)
    failing = results.filter((pl.col("checked_at") == newest) & is_broken).select("table_name", "rule").unique()
    return results.join(failing, on=["table_name", "rule"], how="semi").collect(engine="streaming")


def all_events(
    warehouse: Warehouse, settings: AlertSettings, start: datetime | None = None, end: datetime | None = None
) -> list[Event]:
    """What runs at every hour would have found; freshness, which no table remembers, is left out.

    Args:
        warehouse: The lake's tables.
        settings: Rules and thresholds.
        start: First hour of interest; None means the first there is.
        end: End of the hours of interest, exclusive.
    """
    on = settings.rules
    found = [*figure_events(warehouse, settings, start, end), *_gaps(warehouse, on)]
    if "quality_failure" in on and "quality_results" in warehouse.tables:
        results = warehouse.tables["quality_results"].collect()
        found += conditions.failed_checks(results, on["quality_failure"], lasting=False)
    if "failed_run" in on:
        found += conditions.failed_runs(warehouse.runs, on["failed_run"], log_is_whole=warehouse.log_is_whole)
    return [event for event in found if (start is None or event.hour >= start) and (end is None or event.hour < end)]


def figure_events(
    warehouse: Warehouse, settings: AlertSettings, start: datetime | None, end: datetime | None = None
) -> Iterator[Event]:
    """Events of the rules about marts, from ``start`` on; those of hours before it may be wrong."""
    since = None if start is None else read_from(start)
    for table, columns in FIGURE_TABLES.items():
        wanted = [name for name, (read, _) in _OF_COINS.items() if read == table and name in settings.rules]
        if not wanted or table not in warehouse.tables:
            continue
        rows = warehouse.rows(table, since, end).select(*_KEY, *columns).collect()
        for name in wanted:
            yield from _OF_COINS[name][1](rows, settings.rules[name])
    rule = settings.rules.get("correlation_breakdown")
    if rule is not None and "mart_correlations" in warehouse.tables:
        # The hour before the first tells by how much that one moved.
        pairs = warehouse.rows("mart_correlations", None if since is None else since - HOUR, end)
        broken = rules.broken_pairs(pairs, rule.threshold.change)
        if since is not None:
            broken = broken.filter(pl.col("open_timestamp") >= since)
        yield from rules.correlation_breakdowns(broken.collect(), rule)


def _gaps(warehouse: Warehouse, on: Mapping[str, Rule]) -> list[Event]:
    if "unexplained_gap" not in on or "kline_gaps" not in warehouse.tables:
        return []
    return conditions.unexplained_gaps(warehouse.tables["kline_gaps"].collect(), on["unexplained_gap"])
