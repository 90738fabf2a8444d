"""Planning, decided on small hand-made states and simulated against random worlds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingestion.fakes import utc

from klineforge.domain.hours import HOUR, RangeSet, Span, from_hours, intersect, normalised, subtract, total_hours
from klineforge.domain.parameters import parse_ingestion_parameters
from klineforge.exchanges.coverage import CoinCoverage, SourceKind, SourceRecord, Status
from klineforge.exchanges.periods import DAILY, MONTHLY, Period, days_of, months_of
from klineforge.exchanges.planning import (
    ArchiveTask,
    CoinState,
    FirstCandleTask,
    RestTask,
    Sources,
    Task,
    hours_to_read_again,
    is_gone_for_good,
    next_tasks,
    settled_until,
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


@dataclass(frozen=True)
class World:
    """What an exchange has of one coin, and who may be asked."""

    traded: RangeSet
    lacking: RangeSet
    months: frozenset[str]
    days: frozenset[str]
    sources: Sources
    wanted: RangeSet

    def file(self, period: Period) -> RangeSet | None:
        published = self.months if period.kind == MONTHLY else self.days
        content = intersect(subtract(self.traded, self.lacking), (period.span,))
        return content if content and period.label in published else None


def record(kind: SourceKind, uri: str, span: Span, status: Status, holes: RangeSet = ()) -> SourceRecord:
    return SourceRecord("BTCUSDT", kind, uri, None, span, status, 0, NOW, holes=holes)


def outcome(world: World, task: Task) -> tuple[list[SourceRecord], RangeSet]:
    """What would be recorded about a task, and the hours not to be asked for again in the run."""
    if isinstance(task, FirstCandleTask):
        if not world.traded:
            return [], (task.span,)
        first = min(world.traded[0].start, task.span.end)
        before = [Span(task.span.start, first)] if first > task.span.start else []
        return [record("rest", "first", span, "empty") for span in before], ()
    if isinstance(task, ArchiveTask):
        uri = "http://host/" + name_of(task.coin, task.period)
        content = world.file(task.period)
        if content is None:
            return [record(task.period.kind, uri, task.span, "not_found")], ()
        return [record(task.period.kind, uri, task.span, "loaded", subtract((task.span,), content))], ()
    found = intersect(task.missing, world.traded)
    old = (Span(utc("2017-01-01"), settled_until(NOW, timedelta(hours=48))),)
    silent = intersect(subtract(task.missing, found), old)
    return [record("rest", f"rest{span}", span, "loaded") for span in found] + [
        record("rest", f"rest{span}", span, "empty") for span in silent
    ], (task.span,)


def simulate(world: World, coverage: CoinCoverage, most_tasks: int = 10_000) -> tuple[CoinCoverage, list[SourceRecord]]:
    """Run the rounds, and return what bronze knows then and the news of this run."""
    coin = CoinState("BTCUSDT", world.wanted, (), coverage)
    news: list[SourceRecord] = []
    asked: set[str] = set()
    done = 0
    for _ in range(40):
        tasks = next_tasks(coin, world.sources, NOW)
        if not tasks:
            break
        for task in tasks:
            if done == most_tasks:
                return remembered(coverage, news), news
            done += 1
            records, given_up = outcome(world, task)
            tried = coin.tried
            if isinstance(task, ArchiveTask):
                name = name_of(task.coin, task.period)
                assert name not in asked
                asked.add(name)
                tried |= {name}
            news.extend(records)
            coin = replace(
                coin,
                coverage=coin.coverage.with_records(records),
                tried=tried,
                first_asked=coin.first_asked or isinstance(task, FirstCandleTask),
            ).without(given_up)
    else:
        pytest.fail(f"planning does not end, last: {tasks[:3]}")
    return remembered(coverage, news), news


def remembered(coverage: CoinCoverage, news: list[SourceRecord]) -> CoinCoverage:
    """What the next run knows: absent files only where they are gone for good."""
    return coverage.with_records(
        item for item in news if item.status != "not_found" or is_gone_for_good(item, item.span, NOW)
    )


FIRST_DAY = utc("2021-03-01")


@st.composite
def worlds(draw: st.DrawFn) -> World:
    edges = sorted(draw(st.sets(st.integers(0, 101 * 24 + 12), min_size=2, max_size=8)))
    traded = normalised(
        Span(FIRST_DAY + HOUR * first, FIRST_DAY + HOUR * last)
        for first, last in zip(edges[::2], edges[1::2], strict=False)
    )
    lacking = from_hours(FIRST_DAY + HOUR * hour for hour in draw(st.sets(st.integers(0, 100 * 24), max_size=6)))
    everything = (Span(FIRST_DAY, NEWEST),)
    months = draw(st.sets(st.sampled_from([month.label for month in months_of(everything)[:-1]])))
    unpublished = draw(st.sets(st.sampled_from([day.label for day in days_of(everything)]), max_size=30))
    days = {day.label for day in days_of(everything)} - unpublished
    start = FIRST_DAY + HOUR * draw(st.integers(0, 50 * 24))
    end = NEWEST - HOUR * draw(st.sampled_from([0, 5, 24, 500]))
    return World(
        traded,
        lacking,
        frozenset(months),
        frozenset(days),
        draw(st.sampled_from([ALL, ARCHIVE, REST])),
        (Span(start, end),),
    )


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_planning_ends_with_every_hour_that_rest_has(world: World) -> None:
    coverage, _ = simulate(world, CoinCoverage())

    if world.sources.rest:
        assert intersect(coverage.present, world.wanted) == intersect(world.traded, world.wanted)
        young = (Span(settled_until(NOW, timedelta(hours=48)), NEWEST),)
        if world.traded:
            assert subtract(subtract(world.wanted, coverage.settled), young) == ()


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_planning_without_rest_ends_with_every_hour_of_the_monthly_files(world: World) -> None:
    coverage, _ = simulate(replace(world, sources=ARCHIVE), CoinCoverage())

    published = [month.span for month in months_of(world.wanted) if world.file(month)]
    expected = intersect(intersect(subtract(world.traded, world.lacking), normalised(published)), world.wanted)
    assert subtract(expected, coverage.present) == ()


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_planning_again_with_nothing_new_brings_no_news(world: World) -> None:
    coverage, _ = simulate(world, CoinCoverage())

    _, news = simulate(world, coverage)

    gone = [item for item in news if item.status != "not_found" or is_gone_for_good(item, item.span, NOW)]
    assert gone == []


@settings(max_examples=100, deadline=None)
@given(worlds(), st.integers(0, 60))
def test_planning_cut_off_anywhere_ends_the_same(world: World, most_tasks: int) -> None:
    whole, _ = simulate(world, CoinCoverage())
    half, _ = simulate(world, CoinCoverage(), most_tasks)

    resumed, _ = simulate(world, half)

    assert subtract(whole.present, resumed.present) == ()
    assert total_hours(resumed.present) >= total_hours(half.present)
