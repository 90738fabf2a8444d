"""Planning, simulated against random worlds: it ends, it misses nothing, and it does not repeat itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingestion.fakes import utc

from klineforge.domain.hours import HOUR, RangeSet, Span, from_hours, intersect, normalised, subtract, total_hours
from klineforge.exchanges.coverage import CoinCoverage, SourceKind, SourceRecord, Status
from klineforge.exchanges.periods import MONTHLY, Period, days_of, months_of
from klineforge.exchanges.planning import (
    ArchiveTask,
    CoinState,
    FirstCandleTask,
    Sources,
    Task,
    is_gone_for_good,
    next_tasks,
    settled_until,
)

NOW = utc("2021-06-10T12:10")
NEWEST = utc("2021-06-10T12:00")


def name_of(coin: str, period: Period) -> str:
    return f"{coin}-{period.label}.zip"


ALL = Sources(name_of, rest=True)
ARCHIVE = Sources(name_of, rest=False)
REST = Sources(None, rest=True)


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
    return coverage.with_records(item for item in news if is_kept(item))


def is_kept(item: SourceRecord) -> bool:
    """Whether a run leaves a checkpoint of it: an absent file counts by its period, whatever hours it was asked for."""
    periods = months_of if item.source_kind == MONTHLY else days_of
    return item.status != "not_found" or is_gone_for_good(item, periods((item.span,))[0].span, NOW)


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

    assert [item for item in news if is_kept(item)] == []


@settings(max_examples=100, deadline=None)
@given(worlds(), st.integers(0, 60))
def test_planning_cut_off_anywhere_ends_the_same(world: World, most_tasks: int) -> None:
    whole, _ = simulate(world, CoinCoverage())
    half, _ = simulate(world, CoinCoverage(), most_tasks)

    resumed, _ = simulate(world, half)

    assert subtract(whole.present, resumed.present) == ()
    assert total_hours(resumed.present) >= total_hours(half.present)


@settings(max_examples=100, deadline=None)
@given(worlds())
def test_hours_that_rest_has_settled_are_not_asked_for_again(world: World) -> None:
    world = replace(world, sources=ALL)
    coverage, _ = simulate(world, CoinCoverage())

    tasks = next_tasks(CoinState("BTCUSDT", world.wanted, (), coverage), ALL, NOW)

    assert [task for task in tasks if world.traded and task.span.start < settled_until(NOW, timedelta(hours=48))] == []
