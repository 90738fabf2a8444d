"""How often rules would have fired: counts per week, to choose thresholds by. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from klineforge.alerting.events import Event

_WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class RuleCount:
    """What one rule would have told.

    Args:
        rule: Its name.
        events: How many events in all.
        median_per_week: Median over all weeks, those without an event included.
        most_per_week: The most of a week.
        busiest_week: Monday of that week; None without events.
        worst: The events with the largest values.
    """

    rule: str
    events: int
    median_per_week: float
    most_per_week: int
    busiest_week: datetime | None
    worst: tuple[Event, ...]


def counted(
    events: Iterable[Event], rules: Iterable[str], start: datetime, end: datetime, worst: int = 3
) -> tuple[RuleCount, ...]:
    """Count events by rule and week.

    Args:
        events: What was found.
        rules: Names of the rules, in the order wanted.
        start: First hour looked at.
        end: End of the hours looked at, exclusive.
        worst: How many of the largest to name per rule.

    Returns:
        One entry per rule, with or without events. Weeks begin on Monday; the first and the last may be incomplete.
    """
    all_of = list(events)
    weeks = _weeks(start, end)
    return tuple(_count(rule, [event for event in all_of if event.rule == rule], weeks, worst) for rule in rules)


def monday(moment: datetime) -> datetime:
    """The beginning of an instant's week.

    >>> monday(datetime(2021, 5, 19, 12)).isoformat()
    '2021-05-17T00:00:00'
    """
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def _weeks(start: datetime, end: datetime) -> list[datetime]:
    weeks = [monday(start)]
    while weeks[-1] + _WEEK < end:
        weeks.append(weeks[-1] + _WEEK)
    return weeks


def _count(rule: str, events: list[Event], weeks: list[datetime], worst: int) -> RuleCount:
    per_week = dict.fromkeys(weeks, 0)
    for event in events:
        week = monday(event.hour)
        per_week[week] = per_week.get(week, 0) + 1
    busiest = max(per_week, key=lambda week: per_week[week])
    largest = sorted(events, key=lambda event: (-(event.value or 0.0), event.hour))[:worst]
    return RuleCount(
        rule,
        len(events),
        float(median(per_week.values())),
        per_week[busiest],
        busiest if events else None,
        tuple(largest),
    )
