"""A replay of all of history tells what runs at every hour would have told."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from alerting.lake import rows_of_table
from hypothesis import given, settings
from hypothesis import strategies as st

from klineforge.alerting.edges import PERIOD_HOURS, read_from
from klineforge.alerting.events import Event
from klineforge.alerting.replay import counted, monday
from klineforge.alerting.settings import parse_alert_settings
from klineforge.alerting.warehouse import Warehouse, all_events, recent_events
from klineforge.datasets.run_context import RUN_SCHEMA

MakeRows = Callable[[str, Iterable[Mapping[str, Any]]], pl.DataFrame]
HOUR = timedelta(hours=1)
TURN = read_from(datetime(2026, 3, 2, tzinfo=UTC)) + PERIOD_HOURS * HOUR
COINS = ("AUSDT", "BUSDT", "CUSDT")
HOURS = 60
QUIET = {"freshness": "off", "failed_run": "off", "quality_failure": "off", "unexplained_gap": "off"}
PARAMETERS = {
    "judge_hours": 5,
    "rules": {
        **QUIET,
        "volume_spike": {"above": 5, "rearm": 2, "cool_down_hours": 7},
        "volatility_regime": {"above": 0.02, "cool_down_hours": 3},
        "correlation_breakdown": {"above": 2, "cool_down_hours": 4},
        "drawdown": {"cool_down_hours": 2},
        "top_mover": {"above": 0.3, "rearm": 0.1, "cool_down_hours": 5},
    },
    "coins": {"BUSDT": {"volume_spike": {"above": 8}, "drawdown": {"steps": [0.3]}}},
}


def market(seed: int) -> dict[str, pl.DataFrame]:
    """Figures of three coins around the turn of a period, with missing hours; nothing of them is realistic."""
    chance = random.Random(seed)  # noqa: S311 - an example, no secret
    begin = TURN - chance.randint(0, HOURS) * HOUR
    hours = [begin + number * HOUR for number in range(HOURS) if chance.random() < 0.9]
    volume, returns, movers, pairs = [], [], [], []
    for hour in hours:
        present = [coin for coin in COINS if chance.random() < 0.9]
        for coin in present:
            key = {"coin": coin, "open_timestamp": hour}
            volume.append({**key, "volume_spike_ratio": chance.choice([None, 1.0, 3.0, 6.0, 9.0])})
            regime = chance.choice([None, "Low", "Low", "Medium", "High"])
            depth = chance.choice([0.0, -0.04, -0.12, -0.22, -0.6])
            volatility = None if regime is None else chance.choice([0.01, 0.03])
            returns.append({**key, "volatility_regime": regime, "rolling_vol_24h": volatility, "drawdown_pct": depth})
            signal, rank = chance.choice([0.0, 0.2, 0.4]), chance.randint(1, 4)
            movers.append({**key, "mover_signal": signal, "mover_rank": rank, "return_pct": 0.01})
        for number, base in enumerate(present):
            for related in present[number + 1 :]:
                broken = chance.random() < 0.5
                pair = {"base_coin": base, "related_coin": related, "open_timestamp": hour}
                pairs.append({**pair, "corr_24h": chance.uniform(-1, 1), "corr_breakdown_alerts": broken})
    runs = [{"coin": "AUSDT", "first_hour": hour, "last_hour": hour} for hour in hours]
    return {
        "mart_volume_metrics_1h": rows_of_table("mart_volume_metrics_1h", volume),
        "mart_returns_1h": rows_of_table("mart_returns_1h", returns),
        "mart_top_movers": rows_of_table("mart_top_movers", movers),
        "mart_correlations": rows_of_table("mart_correlations", pairs),
        "kline_runs": rows_of_table("kline_runs", runs),
    }


def warehouse(tables: Mapping[str, pl.DataFrame], until: datetime | None = None) -> Warehouse:
    times = {"kline_runs": "last_hour"}

    def seen(name: str, rows: pl.DataFrame) -> pl.LazyFrame:
        kept = rows if until is None else rows.filter(pl.col(times.get(name, "open_timestamp")) <= until)
        return kept.lazy()

    return Warehouse({name: seen(name, rows) for name, rows in tables.items()}, pl.DataFrame(schema=RUN_SCHEMA))


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 10_000))
def test_replay_tells_what_runs_at_every_hour_tell(seed: int) -> None:
    tables = market(seed)
    asked = parse_alert_settings(PARAMETERS, ())
    replayed = {event.as_row()["alert_id"]: event for event in all_events(warehouse(tables), asked)}
    found: dict[str, Event] = {}
    for now in tables["kline_runs"]["last_hour"].unique().sort():
        for event in recent_events(warehouse(tables, now), asked, now + HOUR):
            found.setdefault(event.as_row()["alert_id"], event)
    assert len(replayed) > 10
    assert found == replayed


def test_replay_of_a_range_tells_what_the_whole_tells_of_it() -> None:
    tables = market(7)
    asked = parse_alert_settings(PARAMETERS, ())
    hours = tables["kline_runs"]["last_hour"].unique().sort()
    start, end = hours[15], hours[45]
    whole = [event for event in all_events(warehouse(tables), asked) if start <= event.hour < end]
    part = all_events(warehouse(tables), asked, start, end)
    key = [(event.rule, event.subject, event.hour) for event in part]
    assert sorted(key) == sorted((event.rule, event.subject, event.hour) for event in whole)
    assert key


def spike(week: int, value: float) -> Event:
    return Event(
        "volume_spike", "info", "binance/A", datetime(2026, 3, 4, tzinfo=UTC) + week * 7 * 24 * HOUR, "", value=value
    )


def test_counted_takes_the_median_over_weeks_without_events_too() -> None:
    events = [spike(0, 5), spike(0, 9), spike(2, 7)]
    start, end = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 4, 6, tzinfo=UTC)
    one, none = counted(events, ("volume_spike", "drawdown"), start, end, worst=2)
    assert (one.events, one.median_per_week, one.most_per_week, one.busiest_week) == (3, 0.0, 2, monday(start))
    assert [event.value for event in one.worst] == [9, 7]
    assert (none.events, none.median_per_week, none.most_per_week, none.busiest_week, none.worst) == (
        0,
        0.0,
        0,
        None,
        (),
    )
