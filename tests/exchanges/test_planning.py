"""Planning, decided on small hand-made states."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from ingestion.fakes import utc

from klineforge.domain.hours import RangeSet, Span
from klineforge.domain.parameters import parse_ingestion_parameters
from klineforge.exchanges.coverage import CoinCoverage
from klineforge.exchanges.periods import DAILY, MONTHLY, Period
from klineforge.exchanges.planning import (
    ArchiveTask,
    CoinState,
    RestTask,
    Sources,
    Task,
    hours_to_read_again,
    next_tasks,
    wanted_hours,
)

NOW = utc("2021-06-10T12:10")
NEWEST = utc("2021-06-10T12:00")


def name_of(coin: str, period: Period) -> str:
    return f"{coin}-{period.label}.zip"


ALL = Sources(name_of, rest=True)
ARCHIVE = Sources(name_of, rest=False)
REST = Sources(None, rest=True)


def state(start: str, end: datetime = NEWEST, **known: RangeSet) -> CoinState:
    return CoinState("BTCUSDT", (Span(utc(start), end),), (), CoinCoverage(**known))


def labels(tasks: tuple[Task, ...]) -> list[str]:
    return [task.period.label if isinstance(task, ArchiveTask) else type(task).__name__ for task in tasks]


def test_first_question_about_a_new_coin_is_its_first_candle() -> None:
    assert labels(next_tasks(state("2021-01-01"), ALL, NOW)) == ["FirstCandleTask"]
    assert labels(next_tasks(state("2021-01-01"), ARCHIVE, NOW))[:2] == ["2021-01", "2021-02"]


def test_whole_months_come_first_and_days_of_the_current_month_are_probed() -> None:
    tasks = next_tasks(replace(state("2021-04-01"), first_asked=True), ALL, NOW)

    assert labels(tasks) == ["2021-04", "2021-05", "2021-06-01", "2021-06-07", "2021-06-09"]


def test_days_are_fetched_once_the_coin_is_known_to_trade_and_rest_takes_the_tail() -> None:
    known = (Span(utc("2021-04-01"), utc("2021-06-02")), Span(utc("2021-06-09"), utc("2021-06-10")))

    assert labels(next_tasks(state("2021-04-01", present=known), ALL, NOW)) == [
        f"2021-06-0{day}" for day in range(2, 9)
    ]
    tail = next_tasks(state("2021-04-01", present=(Span(utc("2021-04-01"), utc("2021-06-10")),)), ALL, NOW)
    assert tail == (RestTask("BTCUSDT", Span(utc("2021-06-10"), NEWEST), (Span(utc("2021-06-10"), NEWEST),), ()),)


def test_day_that_is_not_over_for_nine_hours_is_left_to_rest() -> None:
    morning = utc("2021-06-10T08:00")
    known = state("2021-06-01", utc("2021-06-10T08:00"), present=(Span(utc("2021-06-01"), utc("2021-06-09")),))

    assert labels(next_tasks(known, ALL, morning)) == ["RestTask"]
    assert labels(next_tasks(known, ARCHIVE, morning)) == ["2021-06-09"]


def test_month_with_few_missing_days_is_fetched_by_day() -> None:
    known = (Span(utc("2021-03-01"), utc("2021-04-28")), Span(utc("2021-05-01"), NEWEST))

    tasks = next_tasks(state("2021-03-01", present=known), ALL, NOW)

    assert labels(tasks) == ["2021-04-28", "2021-04-29", "2021-04-30"]


def test_missing_days_fall_back_to_their_month_without_rest() -> None:
    tried = frozenset(name_of("BTCUSDT", Period(DAILY, utc(f"2021-04-{day}"))) for day in (28, 29, 30))
    known = state("2021-04-28", utc("2021-05-01"))

    assert labels(next_tasks(replace(known, tried=tried), ARCHIVE, NOW)) == ["2021-04"]


def test_long_stretch_is_asked_of_rest_in_pages() -> None:
    tasks = next_tasks(replace(state("2021-01-01"), first_asked=True), REST, NOW)

    assert [task.span.hours for task in tasks if isinstance(task, RestTask)] == [1000, 1000, 1000, 852]


def test_look_back_is_asked_with_the_tail_in_one_request() -> None:
    again = (Span(utc("2021-06-08T12:00"), utc("2021-06-10T10:00")),)
    known = state("2021-01-01", present=(Span(utc("2021-01-01"), utc("2021-06-10T10:00")),))

    (task,) = next_tasks(replace(known, again=again), ALL, NOW)

    assert task == RestTask("BTCUSDT", Span(again[0].start, NEWEST), (Span(utc("2021-06-10T10:00"), NEWEST),), again)


def test_nothing_is_asked_when_nothing_is_missing() -> None:
    assert next_tasks(state("2021-01-01", present=(Span(utc("2020-01-01"), NOW),)), ALL, NOW) == ()


def test_file_that_was_absent_when_its_time_was_up_is_not_asked_for_again() -> None:
    absent = {name_of("BTCUSDT", Period(MONTHLY, utc("2021-01-01"))): utc("2021-05-01")}
    coin = CoinState("BTCUSDT", (Span(utc("2021-01-01"), utc("2021-03-01")),), (), CoinCoverage(not_found=absent))

    assert labels(next_tasks(coin, ARCHIVE, NOW))[-1] == "2021-02"
    assert "2021-01" not in labels(next_tasks(coin, ARCHIVE, NOW))
    younger = replace(coin, coverage=CoinCoverage(not_found=dict.fromkeys(absent, utc("2021-02-03"))))
    assert labels(next_tasks(younger, ARCHIVE, NOW)) == ["2021-01", "2021-02"]


@pytest.mark.parametrize(
    ("now", "end"),
    [("2021-06-10T12:01:59", "2021-06-10T11:00"), ("2021-06-10T12:02:00", "2021-06-10T12:00")],
)
def test_wanted_hours_end_with_the_last_one_closed_for_the_grace(now: str, end: str) -> None:
    asked = parse_ingestion_parameters(
        {"coins": "A", "start": "2021-06-01", "archive_url": "off", "rest_url": "http://h"}
    )

    assert wanted_hours(asked, utc(now)) == (Span(utc("2021-06-01"), utc(end)),)
    assert wanted_hours(replace(asked, end=utc("2021-06-02")), utc(now)) == (
        Span(utc("2021-06-01"), utc("2021-06-02")),
    )
    assert wanted_hours(replace(asked, start=utc("2021-07-01")), utc(now)) == ()


def test_look_back_reaches_what_bronze_holds_of_the_wanted_hours() -> None:
    held = CoinCoverage(present=(Span(utc("2021-06-01"), utc("2021-06-10T06:00")),))
    wanted = (Span(utc("2021-06-09"), NEWEST),)

    assert hours_to_read_again(held, wanted, timedelta(hours=48), NOW) == (
        Span(utc("2021-06-09"), utc("2021-06-10T06:00")),
    )
    assert hours_to_read_again(held, wanted, timedelta(0), NOW) == ()
