"""Rules about the warehouse: freshness, gaps, checks, runs. From rows of small tables to events, pure functions.

What they tell has a beginning that later runs find again, so the event keeps its identity however long it lasts: the
first hour that is missing, the first hour of a gap, the first check or run that failed since one that did not.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from klineforge.alerting.events import UNEXPLAINED_GAP, Event
from klineforge.alerting.settings import Rule
from klineforge.domain.hours import HOUR
from klineforge.domain.parameters import floor_hour


def stale_coins(newest: pl.DataFrame, rule: Rule, now: datetime) -> list[Event]:
    """Coins that are traded and whose candles end too early.

    When the newest candle of a whole exchange is late, that is one event: the exchange has stopped, or nobody has asked
    it. Coins of such an exchange count as late only by what they lack against its newest candle.

    Args:
        newest: ``exchange, coin, last_hour`` of the coins that are active by the newest listing.
        rule: ``above`` is how many closed hours may be missing before it fires.
        now: The present moment, UTC.
    """
    events = []
    due = floor_hour(now) - HOUR
    for (exchange,), coins in newest.group_by("exchange", maintain_order=True):
        latest: datetime = coins["last_hour"].max()  # type: ignore[assignment]  # polars: any literal
        behind = (due - latest) // HOUR
        expected = due
        if behind >= rule.threshold.above:
            events.append(_exchange_is_late(str(exchange), coins.height, latest, behind, rule))
            expected = latest
        for row in coins.sort("coin").iter_rows(named=True):
            threshold = rule.threshold_of(row["coin"])
            late = (expected - row["last_hour"]) // HOUR
            if threshold is not None and late >= threshold.above:
                events.append(_coin_is_late(row, late, threshold.above, rule))
    return events


def _exchange_is_late(exchange: str, coins: int, latest: datetime, behind: int, rule: Rule) -> Event:
    return Event(
        rule.name,
        rule.severity,
        exchange,
        latest + HOUR,
        f"{exchange}: nothing newer than {latest:%Y-%m-%d %H:%M} UTC from any of {coins} coins, {behind} h behind: the "
        "exchange has stopped, or nobody has asked it",
        exchange=exchange,
        value=float(behind),
        threshold=rule.threshold.above,
    )


def _coin_is_late(row: dict[str, Any], late: int, above: float, rule: Rule) -> Event:
    subject = f"{row['exchange']}/{row['coin']}"
    return Event(
        rule.name,
        rule.severity,
        subject,
        row["last_hour"] + HOUR,
        f"{subject}: no candle since {row['last_hour']:%Y-%m-%d %H:%M} UTC, {late} h behind, while the coin is traded",
        exchange=row["exchange"],
        value=float(late),
        threshold=above,
    )


def unexplained_gaps(gaps: pl.DataFrame, rule: Rule) -> list[Event]:
    """Missing candles that neither an outage of the exchange nor the coin's listing explains.

    Args:
        gaps: ``exchange, coin, gap_start, gap_hours, kind`` of ``kline_gaps``.
        rule: ``above`` is from how many hours on a gap counts.
    """
    events = []
    for row in gaps.filter(pl.col("kind") == "unexplained").sort("gap_start", "exchange", "coin").iter_rows(named=True):
        threshold = rule.threshold_of(row["coin"])
        if threshold is None or row["gap_hours"] < threshold.above:
            continue
        subject = f"{row['exchange']}/{row['coin']}"
        events.append(
            Event(
                UNEXPLAINED_GAP,
                rule.severity,
                subject,
                row["gap_start"],
                f"{subject}: {row['gap_hours']} h without candles from {row['gap_start']:%Y-%m-%d %H:%M} UTC on, for "
                "no known reason",
                exchange=row["exchange"],
                value=float(row["gap_hours"]),
                threshold=threshold.above,
            )
        )
    return events


def failed_checks(results: pl.DataFrame, rule: Rule, *, lasting: bool = True) -> list[Event]:
    """Checks of severity error that failed, each told by the first failure since it last held.

    Args:
        results: ``run_id, table_name, rule, severity, checked_at, rows_failed, detail`` of ``quality_results``.
        rule: What is told.
        lasting: Only of what failed in the newest run of the checks; False gives all there ever was.
    """
    check = ("table_name", "rule")
    ordered = results.filter(pl.col("severity") == "error").sort("checked_at", "run_id", *check)
    streaks = ordered.with_columns(
        begins=(pl.col("rows_failed") > 0) & (pl.col("rows_failed").shift(1).over(check).fill_null(0) == 0),
        lasts=pl.col("rows_failed").reverse().cum_min().reverse().over(check) > 0,
    )
    if lasting:
        newest = results.sort("checked_at", "run_id").tail(1).select("run_id")
        failing = ordered.filter(pl.col("rows_failed") > 0).join(newest, on="run_id", how="semi").select(check)
        streaks = streaks.filter("lasts").join(failing, on=check, how="semi", maintain_order="left")
    return [
        Event(
            rule.name,
            rule.severity,
            f"{row['table_name']}/{row['rule']}",
            row["checked_at"],
            f"{row['table_name']} fails {row['rule']}: {row['rows_failed']:,} rows. {row['detail'] or ''}".rstrip(),
            value=float(row["rows_failed"]),
            threshold=1.0,
        )
        for row in streaks.filter("begins").iter_rows(named=True)
    ]


def failed_runs(runs: pl.DataFrame, rule: Rule, *, log_is_whole: bool) -> list[Event]:
    """Pipelines that began to fail: the first of several failed runs in a row.

    Args:
        runs: ``run_id, pipeline, ended_at, outcome, error`` of finished runs, in any order. Runs that the user
            interrupted tell nothing.
        rule: What is told; a run that is only ``partial`` is a warning at most.
        log_is_whole: Whether there are no older runs. Where there are, the first run of each pipeline tells nothing:
            the one before it is not known.
    """
    telling = runs.filter(pl.col("outcome") != "interrupted").sort("ended_at", "run_id")
    before = pl.col("outcome").shift(1).over("pipeline").fill_null("succeeded" if log_is_whole else "unknown")
    begins = telling.filter(before.is_in(("succeeded", "partial")) & (pl.col("outcome") != before)).filter(
        pl.col("outcome") != "succeeded"
    )
    return [
        Event(
            rule.name,
            _at_most_a_warning(rule.severity) if row["outcome"] == "partial" else rule.severity,
            row["pipeline"],
            row["ended_at"],
            f"pipeline {row['pipeline']}: run {row['run_id']} {row['outcome']}: {_first_line(row['error'])}",
            step=row["run_id"],
        )
        for row in begins.iter_rows(named=True)
    ]


def _at_most_a_warning(severity: str) -> str:
    return "warning" if severity == "error" else severity


def _first_line(error: str | None) -> str:
    return (error or "no reason given").strip().splitlines()[0][:300]


def within(events: Iterable[Event], newest: dict[str, datetime], judged: timedelta) -> list[Event]:
    """Events of the last hours of their exchange.

    Args:
        events: Of figures and gaps.
        newest: Hour of the newest candle, by exchange.
        judged: How far back of it events count. A gap counts by its last hour.
    """

    def counts(event: Event) -> bool:
        reached = newest.get(event.exchange or "")
        hour = event.hour + (event.value or 0) * HOUR if event.rule == UNEXPLAINED_GAP else event.hour
        return reached is not None and hour > reached - judged

    return [event for event in events if counts(event)]
