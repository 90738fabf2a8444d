"""Rules about figures, on rows small enough to judge by eye."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from klineforge.alerting import rules
from klineforge.alerting.events import alert_id, events_frame
from klineforge.alerting.settings import Rule, parse_alert_settings

MakeRows = Callable[[str, Iterable[Mapping[str, Any]]], pl.DataFrame]
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def rule(name: str, own: Mapping[str, Any] | None = None, coins: Mapping[str, Any] | None = None) -> Rule:
    parameters = {"rules": {name: {"cool_down_hours": 0, **(own or {})}}, "coins": coins or {}}
    return parse_alert_settings(parameters, ()).rules[name]


def hourly(coin: str, **columns: Iterable[Any]) -> list[dict[str, Any]]:
    """One row per hour from Monday midnight on."""
    lengths = {len(list(values)) for values in columns.values()}
    return [
        {
            "coin": coin,
            "open_timestamp": MONDAY + number * HOUR,
            **{name: list(of)[number] for name, of in columns.items()},
        }
        for number in range(lengths.pop())
    ]


def test_volume_spikes_are_told_once_per_edge_with_thresholds_of_the_coin(table_rows: MakeRows) -> None:
    ratios = (1.0, 6.0, 7.0, 1.0, 9.0, None)
    rows = [*hourly("BTCUSDT", volume_spike_ratio=ratios), *hourly("DOGEUSDT", volume_spike_ratio=ratios)]
    rows += hourly("OFFUSDT", volume_spike_ratio=ratios)
    spikes = rule(
        "volume_spike",
        {"above": 5, "rearm": 2},
        {"DOGEUSDT": {"volume_spike": {"above": 8}}, "OFFUSDT": {"volume_spike": "off"}},
    )

    events = rules.volume_spikes(table_rows("mart_volume_metrics_1h", rows), spikes)

    assert [(one.subject, (one.hour - MONDAY) // HOUR, one.value, one.threshold) for one in events] == [
        ("binance/BTCUSDT", 1, 6.0, 5.0),
        ("binance/BTCUSDT", 4, 9.0, 5.0),
        ("binance/DOGEUSDT", 4, 9.0, 8.0),
    ]
    assert events[0].message == "binance/BTCUSDT: volume 6.0 times its 24-hour mean"


def test_volatility_regimes_turn_high_after_low_and_only_where_there_is_volatility(table_rows: MakeRows) -> None:
    # Medium keeps the rule as it is; High of a calm coin arms nothing and tells nothing.
    regimes = ("Low", "High", "Medium", "High", "Low", "High", None, "High")
    volatility = (0.01, 0.03, 0.02, 0.03, 0.01, 0.01, None, 0.05)
    rows = hourly("BTCUSDT", volatility_regime=regimes, rolling_vol_24h=volatility)

    events = rules.volatility_regimes(table_rows("mart_returns_1h", rows), rule("volatility_regime", {"above": 0.02}))

    assert [((one.hour - MONDAY) // HOUR, one.value, one.threshold) for one in events] == [
        (1, 0.03, 0.02),
        (7, 0.05, 0.02),
    ]
    assert events[0].message == "binance/BTCUSDT: volatility regime turned High, 3.00% per hour over 24 hours"


def test_drawdown_steps_fire_once_per_descent_the_deepest_of_an_hour(table_rows: MakeRows) -> None:
    # 10 % at 1; 20 % at 3; back to 6 % arms only the 20 % step, at 4; through both below, at 7, after a full recovery.
    depths = (0.0, -0.12, -0.15, -0.25, -0.06, -0.21, 0.0, -0.3, -0.55)
    rows = hourly("BTCUSDT", drawdown_pct=depths)
    steps = rule("drawdown", {"steps": [0.1, 0.2, 0.5], "rearm": 0.5})

    events = rules.drawdown_steps(table_rows("mart_returns_1h", rows), steps)

    assert [((one.hour - MONDAY) // HOUR, one.threshold) for one in events] == [
        (1, 0.1),
        (3, 0.2),
        (5, 0.2),
        (7, 0.2),
        (8, 0.5),
    ]
    assert events[1].message == "binance/BTCUSDT: 25.0% below its highest close, beyond 20%"


def test_drawdown_steps_of_a_coin_may_be_fewer(table_rows: MakeRows) -> None:
    rows = [*hourly("BTCUSDT", drawdown_pct=(0.0, -0.6)), *hourly("DOGEUSDT", drawdown_pct=(0.0, -0.6))]
    steps = rule("drawdown", {"steps": [0.1, 0.2]}, {"BTCUSDT": {"drawdown": {"steps": [0.05]}}})
    events = rules.drawdown_steps(table_rows("mart_returns_1h", rows), steps)
    assert [(one.subject, one.threshold) for one in events] == [("binance/BTCUSDT", 0.05), ("binance/DOGEUSDT", 0.2)]


def test_top_movers_count_only_among_the_strongest(table_rows: MakeRows) -> None:
    signals, ranks = (0.4, 0.0, 0.5, 0.6), (1, 1, 4, 2)
    rows = hourly("BTCUSDT", mover_signal=signals, mover_rank=ranks, return_pct=(0.1, 0.0, 0.1, -0.2))
    movers = rule("top_mover", {"above": 0.3, "rearm": 0.1, "ranks": 3})

    events = rules.top_movers(table_rows("mart_top_movers", rows), movers)

    assert [((one.hour - MONDAY) // HOUR, one.value) for one in events] == [(0, 0.4), (3, 0.6)]
    assert events[1].message == "binance/BTCUSDT: moved -20.0% in an hour, number 2 of the exchange, signal 0.60"


def pair(related: str, number: int, correlation: float | None, *, broken: bool = False) -> dict[str, Any]:
    return {
        "base_coin": "BTCUSDT",
        "related_coin": related,
        "open_timestamp": MONDAY + number * HOUR,
        "corr_24h": correlation,
        "corr_breakdown_alerts": broken,
    }


def test_correlation_breakdowns_are_one_event_per_hour_and_exchange(table_rows: MakeRows) -> None:
    rows = [pair(coin, 0, 0.9) for coin in ("AUSDT", "BUSDT", "CUSDT")]
    rows += [pair("AUSDT", 1, 0.2, broken=True), pair("BUSDT", 1, -0.1, broken=True), pair("CUSDT", 1, 0.8)]
    rows += [pair("CUSDT", 2, 0.1, broken=True)]
    breakdown = rule("correlation_breakdown", {"above": 2, "change": 0.5})
    pairs = rules.broken_pairs(table_rows("mart_correlations", rows).lazy(), 0.5).collect()

    assert sorted(pairs["broken"]) == [0, 1, 2]
    (event,) = rules.correlation_breakdowns(pairs, breakdown)
    assert (event.subject, event.hour, event.value) == ("binance", MONDAY + HOUR, 2.0)
    assert event.message == "binance: 2 pairs broke down, worst BTCUSDT/BUSDT by 1.00"


def test_broken_pairs_may_be_asked_for_larger_changes_only(table_rows: MakeRows) -> None:
    rows = [pair("AUSDT", 0, 0.9), pair("AUSDT", 1, 0.2, broken=True)]
    pairs = rules.broken_pairs(table_rows("mart_correlations", rows).lazy(), 0.8).collect()
    assert pairs["broken"].to_list() == [0, 0]


def test_rules_without_rows_find_nothing(table_rows: MakeRows) -> None:
    assert rules.volume_spikes(table_rows("mart_volume_metrics_1h", []), rule("volume_spike")) == []
    assert rules.volatility_regimes(table_rows("mart_returns_1h", []), rule("volatility_regime")) == []
    assert rules.drawdown_steps(table_rows("mart_returns_1h", []), rule("drawdown")) == []
    assert rules.top_movers(table_rows("mart_top_movers", []), rule("top_mover")) == []
    pairs = rules.broken_pairs(table_rows("mart_correlations", []).lazy(), 0.5).collect()
    assert rules.correlation_breakdowns(pairs, rule("correlation_breakdown")) == []
    assert events_frame([]).is_empty()


def test_alert_id_is_the_same_for_ever_and_tells_steps_apart() -> None:
    known = alert_id("drawdown", "binance/BTCUSDT", MONDAY, "0.2")
    # Rows of years ago hold this: another way to make it would tell everything once more.
    assert known == "307d792edd2f1a3a03d056b26ba9c2eefcde9a4d4d27dab660382fca386da260"
    assert len({known, alert_id("drawdown", "binance/BTCUSDT", MONDAY, "0.5"), alert_id("x", "a", MONDAY)}) == 3
