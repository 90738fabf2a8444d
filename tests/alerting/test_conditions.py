"""Rules about the warehouse: what begins is told once, and one late exchange is not many late coins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from klineforge.alerting import conditions
from klineforge.alerting.events import Event, events_frame, not_told_yet
from klineforge.alerting.settings import Rule, parse_alert_settings
from klineforge.alerting.warehouse import results_of_failing_checks
from klineforge.datasets.run_context import RUN_SCHEMA

MakeRows = Callable[[str, Iterable[Mapping[str, Any]]], pl.DataFrame]
NOON = datetime(2026, 3, 2, 12, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
NEWEST = NOON.replace(hour=11, minute=0)


def rule(name: str, **own: object) -> Rule:
    return parse_alert_settings({"rules": {name: own}}, ()).rules[name]


def coins(**behind: int) -> pl.DataFrame:
    """Traded coins by how many hours they are behind."""
    rows = [("binance", coin, NEWEST - hours * HOUR) for coin, hours in behind.items()]
    schema = {"exchange": pl.String, "coin": pl.String, "last_hour": pl.Datetime("us", "UTC")}
    return pl.DataFrame(rows, schema=schema, orient="row")


@pytest.mark.parametrize(
    ("behind", "told"),
    [
        ({"A": 0, "B": 2}, {}),  # two hours are within three
        ({"A": 0, "B": 3, "C": 9}, {"binance/B": 3, "binance/C": 9}),
        ({"A": 4, "B": 4, "C": 4}, {"binance": 4}),  # alike: the exchange or we, not three coins
        ({"A": 4, "B": 5, "C": 30}, {"binance": 4, "binance/C": 26}),  # late beyond what all are
        ({"A": 5}, {"binance": 5}),
        ({}, {}),
    ],
)
def test_stale_coins_tell_a_late_coin_from_a_late_exchange(behind: dict[str, int], told: dict[str, int]) -> None:
    events = conditions.stale_coins(coins(**behind), rule("freshness", above=3), NOON)
    assert {event.subject: event.value for event in events} == told


def test_stale_coins_are_the_same_event_until_a_candle_comes() -> None:
    def ids(last: datetime, now: datetime) -> list[str]:
        known = coins(A=0).with_columns(last_hour=pl.lit(last, dtype=pl.Datetime("us", "UTC")))
        return events_frame(conditions.stale_coins(known, rule("freshness"), now))["alert_id"].to_list()

    first = ids(NEWEST - 5 * HOUR, NOON)
    assert first == ids(NEWEST - 5 * HOUR, NOON + 7 * HOUR)
    assert first != ids(NEWEST - 4 * HOUR, NOON)


def test_unexplained_gaps_are_told_by_their_first_hour(table_rows: MakeRows) -> None:
    rows = [
        {"coin": "A", "gap_start": NEWEST - 9 * HOUR, "gap_hours": 4, "kind": "unexplained"},
        {"coin": "B", "gap_start": NEWEST - 9 * HOUR, "gap_hours": 4, "kind": "exchange_outage"},
        {"coin": "C", "gap_start": NEWEST - 9 * HOUR, "gap_hours": 1, "kind": "unexplained"},
        {"coin": "D", "gap_start": NEWEST - 9 * HOUR, "gap_hours": 100, "kind": "not_listed_yet"},
    ]
    (event,) = conditions.unexplained_gaps(table_rows("kline_gaps", rows), rule("unexplained_gap", above=2))
    assert (event.subject, event.hour, event.value) == ("binance/A", NEWEST - 9 * HOUR, 4.0)
    assert event.message == "binance/A: 4 h without candles from 2026-03-02 02:00 UTC on, for no known reason"


def test_within_counts_a_gap_by_its_end_and_leaves_unknown_exchanges_out() -> None:
    gap = Event("unexplained_gap", "warning", "binance/A", NEWEST - 60 * HOUR, "", exchange="binance", value=50.0)
    old = Event("volume_spike", "info", "binance/A", NEWEST - 48 * HOUR, "", exchange="binance", value=50.0)
    young = Event("volume_spike", "info", "binance/A", NEWEST - 47 * HOUR, "", exchange="binance", value=50.0)
    other = Event("volume_spike", "info", "bybit/A", NEWEST, "", exchange="bybit", value=50.0)
    assert conditions.within([gap, old, young, other], {"binance": NEWEST}, timedelta(hours=48)) == [gap, young]


def checked(hour: int, rows_failed: int, check: str = "unique_key", severity: str = "error") -> dict[str, Any]:
    return {
        "run_id": f"run-{hour}",
        "table_name": "fact_1h_klines",
        "rule": check,
        "severity": severity,
        "checked_at": NEWEST + hour * HOUR,
        "rows_failed": rows_failed,
        "detail": "rows share a key" if rows_failed else None,
    }


@pytest.mark.parametrize(
    ("failed", "lasting", "ever"),
    [
        ((0, 2, 3), [1], [1]),  # told by the first failure of the streak, whichever run looks
        ((2, 2, 0), [], [0]),  # over by the newest run
        ((2, 0, 3), [2], [0, 2]),
        ((0, 0, 0), [], []),
    ],
)
def test_failed_checks_are_told_by_the_first_failure(
    table_rows: MakeRows, failed: tuple[int, ...], lasting: list[int], ever: list[int]
) -> None:
    rows = [checked(hour, count) for hour, count in enumerate(failed)]
    rows += [checked(hour, 5, "outliers", "warning") for hour in range(3)]
    results = table_rows("quality_results", rows)

    def hours(*, newest_only: bool) -> list[int]:
        events = conditions.failed_checks(results, rule("quality_failure"), lasting=newest_only)
        return [(event.hour - NEWEST) // HOUR for event in events]

    assert (hours(newest_only=True), hours(newest_only=False)) == (lasting, ever)


def test_only_the_history_of_checks_that_fail_now_is_read(table_rows: MakeRows) -> None:
    rows = [checked(0, 2), checked(0, 3, "over"), checked(1, 2), checked(1, 0, "over"), checked(1, 5, "odd", "warning")]
    results = table_rows("quality_results", rows)
    failing = results_of_failing_checks(results.lazy())
    assert failing.select("rule", "rows_failed").rows() == [("unique_key", 2), ("unique_key", 2)]
    assert conditions.failed_checks(failing, rule("quality_failure")) == conditions.failed_checks(
        results, rule("quality_failure")
    )
    sound = table_rows("quality_results", [checked(0, 2), checked(1, 0)])
    assert results_of_failing_checks(sound.lazy()).is_empty()


def test_failed_checks_say_what_to_do(table_rows: MakeRows) -> None:
    (event,) = conditions.failed_checks(table_rows("quality_results", [checked(0, 1234)]), rule("quality_failure"))
    assert event.subject == "fact_1h_klines/unique_key"
    assert event.message == "fact_1h_klines fails unique_key: 1,234 rows. rows share a key"


def test_failed_checks_no_longer_made_are_not_told(table_rows: MakeRows) -> None:
    results = table_rows("quality_results", [checked(0, 7, "a_rule_that_is_gone"), checked(1, 0)])
    assert conditions.failed_checks(results, rule("quality_failure")) == []


def runs(*outcomes: str, pipeline: str = "__default__") -> pl.DataFrame:
    rows = [
        (
            f"{pipeline}-{number}",
            pipeline,
            NEWEST + number * HOUR,
            outcome,
            "no disk\nat all" if outcome == "failed" else None,
        )
        for number, outcome in enumerate(outcomes)
    ]
    return pl.DataFrame(rows, schema=RUN_SCHEMA, orient="row")


@pytest.mark.parametrize(
    ("outcomes", "whole", "told"),
    [
        (("succeeded", "failed", "failed", "succeeded", "failed"), True, [(1, "error"), (4, "error")]),
        (("failed", "interrupted", "failed"), True, [(0, "error")]),  # whoever stopped a run mended nothing
        (("failed", "failed"), False, []),  # the run before the first is not known
        (("succeeded", "partial", "failed", "partial"), True, [(1, "warning"), (2, "error")]),
        (("succeeded", "killed"), True, [(1, "error")]),
        ((), True, []),
    ],
)
def test_failed_runs_are_told_when_a_pipeline_begins_to_fail(
    outcomes: tuple[str, ...], whole: bool, told: list[tuple[int, str]]
) -> None:
    log = pl.concat([runs(*outcomes), runs("succeeded", "succeeded", pipeline="marts")])
    events = conditions.failed_runs(log.reverse(), rule("failed_run"), log_is_whole=whole)
    assert [((event.hour - NEWEST) // HOUR, event.severity) for event in events] == told


def test_failed_runs_say_the_first_line_of_the_error() -> None:
    (event,) = conditions.failed_runs(runs("failed"), rule("failed_run"), log_is_whole=True)
    assert event.message == "pipeline __default__: run __default__-0 failed: no disk"


def told(*events: Event, fired_at: datetime) -> pl.DataFrame:
    return events_frame(events).with_columns(fired_at=pl.lit(fired_at, dtype=pl.Datetime("us", "UTC")))


def late(coin: str, number: int) -> Event:
    return Event("freshness", "error", f"binance/{coin}", NEWEST + number * HOUR, "", exchange="binance", value=4.0)


def test_not_told_yet_leaves_out_what_was_told_and_what_cools_down() -> None:
    found = events_frame([late("A", 0), late("A", 1), late("B", 1)])
    before = told(late("A", 0), fired_at=NOON - 5 * HOUR)
    assert not_told_yet(found, before, {"freshness": 6}, NOON)["subject"].to_list() == ["binance/B"]
    assert not_told_yet(found, before, {"freshness": 5}, NOON)["subject"].to_list() == ["binance/A", "binance/B"]


def test_not_told_yet_leaves_out_the_remainder_of_a_gap() -> None:
    def gap(start: int, hours: int) -> Event:
        return Event("unexplained_gap", "warning", "binance/A", NEWEST + start * HOUR, "", value=float(hours))

    before = told(gap(0, 10), fired_at=NOON)
    found = events_frame([gap(4, 6), gap(10, 1), gap(-2, 12)])
    assert not_told_yet(found, before, {}, NOON)["hour"].to_list() == [NEWEST - 2 * HOUR, NEWEST + 10 * HOUR]
