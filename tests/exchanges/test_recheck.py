"""Which archive files are looked at again, and when."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingestion.fakes import utc

from klineforge.domain.hours import Span, normalised
from klineforge.domain.parameters import Recheck
from klineforge.exchanges.coverage import SourceKind, SourceRecord, Status
from klineforge.exchanges.periods import DAILY, MONTHLY, months_of
from klineforge.exchanges.recheck import CYCLE, Held, Turn, after, rechecks

NOW = utc("2021-06-10T12:10")
EVERYTHING = (Span(utc("2017-01-01"), utc("2021-06-10T12:00")),)
MONTHS = months_of(EVERYTHING)[:-1]


def record(
    span: Span, kind: SourceKind = MONTHLY, sha256: str | None = "a", status: Status = "loaded", hour: int = 0
) -> SourceRecord:
    label = f"{span.start:%Y-%m}" if kind == MONTHLY else f"{span.start:%Y-%m-%d}"
    uri = f"http://host/BTCUSDT-1h-{label}.zip"
    return SourceRecord("BTCUSDT", kind, uri, sha256, span, status, 1, utc("2021-06-01") + timedelta(hours=hour))


HISTORY = [record(month.span) for month in MONTHS]


def names(mode: Recheck, since: datetime | None, now: datetime = NOW) -> list[str]:
    return [task.name[11:-4] for task in rechecks(HISTORY, EVERYTHING, (), Turn(mode, since, now))]


def test_recent_files_are_looked_at_on_every_run_and_old_ones_when_their_moment_has_come() -> None:
    assert names("auto", NOW) == ["2021-03", "2021-04", "2021-05"]
    assert names("auto", NOW - CYCLE) == names("all", NOW) == [month.label for month in MONTHS]
    assert names("off", NOW - CYCLE) == []


def test_file_is_recent_until_its_period_has_ended_ninety_days_ago() -> None:
    last = record(Span(utc("2021-03-01"), utc("2021-04-01")))
    almost, then = utc("2021-06-29T23:59"), utc("2021-06-30T00:00")

    slow = [rechecks([last], EVERYTHING, (), Turn("all", None, now))[0].slow for now in (almost, then)]

    assert slow == [False, True]


@pytest.mark.parametrize("since", [None, NOW + timedelta(days=1), utc("2099-01-01")], ids=["none", "later", "far"])
def test_without_a_usable_memory_a_day_is_looked_at(since: datetime | None) -> None:
    assert names("auto", since) == names("auto", NOW - timedelta(days=1))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 26 * 3600), min_size=1, max_size=60), st.booleans())
def test_old_files_have_one_turn_a_week_however_often_there_are_runs(gaps: list[int], remembering: bool) -> None:
    start = now = utc("2021-06-10T00:00")
    seen: list[tuple[str, datetime]] = []
    for gap in gaps:
        since, now = now, now + timedelta(seconds=gap)
        seen.extend((name, now) for name in names("auto", since if remembering or gap > 24 * 3600 else None, now))
    for month in MONTHS[:-4]:
        looks = [moment for name, moment in seen if name == month.label]
        weeks = (now - start) / CYCLE
        assert len(looks) >= int(weeks)
        if remembering:
            assert len(looks) <= int(weeks) + 1


def test_every_old_file_is_looked_at_in_a_week_of_daily_runs_and_a_day_has_its_share() -> None:
    days = [utc("2021-06-10T06:00") + timedelta(days=day) for day in range(7)]
    shares = [{name for name in names("auto", None, day) if name < "2021-03"} for day in days]

    assert set().union(*shares) == {month.label for month in MONTHS if month.label < "2021-03"}
    assert sum(map(len, shares)) == len(MONTHS) - 3
    assert max(map(len, shares)) <= len(MONTHS) / 2


def test_files_of_hours_that_nobody_asks_for_are_left_alone() -> None:
    wanted = (Span(utc("2020-03-05"), utc("2020-04-02")),)

    tasks = rechecks(HISTORY, wanted, (), Turn("all", None, NOW))

    assert [(task.name[11:-4], str(task.span)) for task in tasks] == [
        ("2020-03", "2020-03-05 00:00..2020-04-01 00:00"),
        ("2020-04", "2020-04-01 00:00..2020-04-02 00:00"),
    ]


def test_what_is_held_is_the_newest_download_of_each_hour() -> None:
    month = Span(utc("2020-03-01"), utc("2020-04-01"))
    tail = Span(utc("2020-03-20"), utc("2020-04-01"))
    head = Span(month.start, tail.start)

    (task,) = rechecks(
        [record(month, hour=0), record(tail, sha256="b", hour=1)], EVERYTHING, (), Turn("all", None, NOW)
    )

    assert task.held == (Held(head, "a", "loaded"), Held(tail, "b", "loaded"))
    assert (task.changed("a"), task.changed("b"), task.changed("c")) == ((tail,), (head,), (month,))


def test_only_bytes_loaded_without_a_checksum_are_vouched_for() -> None:
    month = Span(utc("2020-03-01"), utc("2020-04-01"))

    (task,) = rechecks([record(month, status="unverified")], EVERYTHING, (), Turn("all", None, NOW))

    assert (task.now_vouched_for("a"), task.now_vouched_for("b")) == ((month,), ())
    assert (task.changed("a"), task.changed("b")) == ((), (month,))


def test_absent_files_have_a_turn_while_their_hours_are_missing_and_nobody_else_is_asked() -> None:
    day = Span(utc("2021-05-05"), utc("2021-05-06"))
    absent = [record(day, DAILY, None, "not_found")]
    missing = (Span(utc("2021-05-05T04:00"), utc("2021-05-05T05:00")),)

    (task,) = rechecks(absent, EVERYTHING, missing, Turn("all", None, NOW))

    assert (task.held, task.slow, task.span, task.changed("x")) == ((), True, missing[0], missing)
    assert rechecks(absent, EVERYTHING, (), Turn("all", None, NOW)) == ()
    assert rechecks(absent, EVERYTHING, missing, Turn("auto", NOW, NOW)) == ()


def test_rest_pages_are_no_files() -> None:
    assert rechecks([record(EVERYTHING[0], "rest")], EVERYTHING, EVERYTHING, Turn("all", None, NOW)) == ()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 700), st.integers(1, 44), st.sampled_from("abc")), min_size=1, max_size=8))
def test_changed_hours_are_those_whose_newest_download_has_another_checksum(loads: list[tuple[int, int, str]]) -> None:
    first = utc("2020-03-01")
    hour = timedelta(hours=1)
    records = [
        record(Span(first + hour * at, first + hour * (at + length)), sha256=sha, hour=order)
        for order, (at, length, sha) in enumerate(loads)
    ]
    newest = {at + i: sha for at, length, sha in loads for i in range(length)}

    (task,) = rechecks(records, EVERYTHING, (), Turn("all", None, NOW))

    for sha in "abc":
        differing = [first + hour * at for at, known in newest.items() if known != sha]
        assert task.changed(sha) == normalised(Span(opened, opened + hour) for opened in differing)


def test_revision_is_never_dated_before_what_it_revises() -> None:
    assert after(NOW, NOW - timedelta(seconds=1)) == NOW
    assert after(NOW - timedelta(days=9), NOW) == NOW + timedelta(microseconds=1)
