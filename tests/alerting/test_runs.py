"""Runs of the pipeline on Delta tables: each event once, whatever fails or is killed in between."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from alerting.lake import START, Lake, Recorder

from klineforge.alerting.channels import FileChannel
from klineforge.alerting.outbox import undelivered
from klineforge.datasets.run_context import RUN_SCHEMA

HOUR = timedelta(hours=1)
SPIKES = {"BTCUSDT": {10: 9.0, 20: 9.0}, "ETHUSDT": {15: 10.0}}


class KilledError(BaseException):
    """Stands for the end of the process."""


def test_event_is_told_once_however_often_the_pipeline_runs(lake: Lake, recorder: Recorder) -> None:
    now = lake.trade(SPIKES)
    quick = {"rules": {"volume_spike": {"cool_down_hours": 0}}}
    for _ in range(3):
        lake.run(now, (recorder,), quick)

    assert len(recorder.ids) == len(set(recorder.ids)) == 3
    assert [one.body.splitlines()[0] for one in recorder.sent] == [
        "2026-03-02 10:00 UTC binance/BTCUSDT: volume 9.0 times its 24-hour mean",
        "2026-03-02 15:00 UTC binance/ETHUSDT: volume 10.0 times its 24-hour mean",
        "2026-03-02 20:00 UTC binance/BTCUSDT: volume 9.0 times its 24-hour mean",
    ]
    assert lake.rows("alerts").select("alert_id", "fired_at", "channels").sort("alert_id").rows() == [
        (one, now, ["ops"]) for one in sorted(recorder.ids)
    ]
    assert lake.rows("alert_deliveries").select("attempt", "error", "run_id").rows() == [(1, None, f"at-{now:%H}")] * 3


def test_run_with_nothing_new_commits_nothing(lake: Lake, recorder: Recorder) -> None:
    now = lake.trade(SPIKES)
    lake.run(now, (recorder,))
    before = lake.version("alerts"), lake.version("alert_deliveries")
    lake.run(now + HOUR, (recorder,))
    assert (lake.version("alerts"), lake.version("alert_deliveries")) == before


def test_lake_without_tables_has_no_alerts(lake: Lake, recorder: Recorder) -> None:
    lake.run(START, (recorder,))
    assert recorder.sent == []
    assert lake.version("alerts") is None


def test_next_hours_are_judged_and_earlier_events_are_not_told_again(lake: Lake, recorder: Recorder) -> None:
    lake.run(lake.trade(SPIKES), (recorder,))
    first = len(recorder.ids)
    now = lake.trade({"BTCUSDT": {48: 12.0}, "ETHUSDT": {}}, hours=20, first=30)
    lake.run(now, (recorder,))
    assert len(recorder.ids) == first + 1
    assert "binance/BTCUSDT: volume 12.0 times" in recorder.sent[-1].body


def test_years_that_come_late_send_nothing(lake: Lake, recorder: Recorder) -> None:
    now = lake.trade({"BTCUSDT": {5: 9.0, 52: 9.0, 53: 1.0}}, hours=100)
    lake.run(now, (recorder,), {"judge_hours": 48})
    # Hour 52 is the 48th from the end, hour 5 the 95th.
    assert [one.alerts[0]["hour"] for one in recorder.sent] == [START + 52 * HOUR]


def test_kill_between_finding_and_sending_loses_nothing(lake: Lake, recorder: Recorder) -> None:
    now = lake.trade(SPIKES)
    lake.find(now, (recorder,))
    lake.run(now + HOUR, (recorder,))
    assert sorted(recorder.ids) == sorted(lake.rows("alerts")["alert_id"])
    assert lake.version("alerts") == 1, "found once, in one commit"


def test_kill_between_sending_and_writing_it_down_sends_that_message_again(
    lake: Lake, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = lake.trade({"BTCUSDT": {10: 9.0}, "ETHUSDT": {15: 10.0}})
    lake.find(now, (recorder,))

    def send_and_die(_: object, message: object) -> None:
        recorder.sent.append(message)  # type: ignore[arg-type]
        if len(recorder.sent) == 2:
            raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(Recorder, "send", send_and_die)
        with pytest.raises(KilledError):
            lake.deliver(now, (recorder,))
    lake.run(now, (recorder,))

    first, second, again = (one.alerts[0]["alert_id"] for one in recorder.sent)
    assert (second, second != first) == (again, True)
    assert undelivered(lake.rows("alerts"), lake.rows("alert_deliveries")).is_empty()


def test_channel_that_fails_gets_everything_when_it_is_back(lake: Lake, recorder: Recorder) -> None:
    recorder.fails = True
    other = Recorder("desk")
    now = lake.trade(SPIKES)
    for late in range(3):
        lake.run(now + late * HOUR, (recorder, other), {"rules": {"freshness": "off"}})
    recorder.fails = False
    lake.run(now + 3 * HOUR, (recorder, other), {"rules": {"freshness": "off"}})

    assert sorted(recorder.ids) == sorted(other.ids) == sorted(lake.rows("alerts")["alert_id"])
    tries = lake.rows("alert_deliveries").filter(pl.col("channel") == "ops")
    spikes = tries.join(lake.rows("alerts").filter(pl.col("rule") == "volume_spike"), on="alert_id", how="semi")
    assert (
        spikes.sort("alert_id", "attempt").select("attempt", "error").rows()
        == [
            *((attempt, "refused with HTTP status 500") for attempt in (1, 2, 3)),
            (4, None),
        ]
        * 2
    )


def test_channel_that_fails_twice_is_left_alone_until_the_next_run(lake: Lake, recorder: Recorder) -> None:
    recorder.fails = True
    now = lake.trade({f"C{number}": {10: 9.0} for number in range(5)})
    lake.run(now, (recorder,))
    assert lake.rows("alert_deliveries").height == 2
    assert undelivered(lake.rows("alerts"), lake.rows("alert_deliveries")).height == 5


def test_new_channel_is_not_told_of_what_happened_before_it(lake: Lake, recorder: Recorder) -> None:
    now = lake.trade(SPIKES)
    lake.run(now, (recorder,))
    new = Recorder("new")
    lake.run(now + HOUR, (recorder, new))
    assert new.sent == []


def test_many_alerts_of_a_rule_are_one_message_but_for_channels_that_programs_read(
    lake: Lake, recorder: Recorder
) -> None:
    now = lake.trade({f"C{number:02}": {10: 8.0 + number / 10} for number in range(12)})
    file = FileChannel(lake.root / "_klineforge" / "alerts.jsonl")
    lake.run(now, (recorder, file))

    (digest,) = recorder.sent
    assert digest.title == "KlineForge info: 12 alerts of volume_spike"
    lines = digest.body.splitlines()
    assert lines[0] == "2026-03-02 10:00 UTC binance/C11: volume 9.1 times its 24-hour mean"
    assert lines[-1] == "and 2 more, in the table alerts; kedro klineforge alerts list"
    assert f"alert_id {digest.alerts[0]['alert_id']}" not in lines, "the smallest is one of the two"
    assert len(file.path.read_text("utf-8").splitlines()) == 12
    counts = lake.rows("alert_deliveries").group_by("channel").agg(pl.col("alerts_in_message").unique())
    assert dict(counts.iter_rows()) == {"ops": [12], "file": [1]}


def test_five_alerts_of_a_rule_are_five_messages(lake: Lake, recorder: Recorder) -> None:
    now = lake.trade({f"C{number}": {10: 9.0} for number in range(5)})
    lake.run(now, (recorder,), {"digest_above": 5})
    assert len(recorder.sent) == 5


def test_routes_decide_which_channel_an_alert_is_for(lake: Lake) -> None:
    now = lake.trade(SPIKES)
    ops, desk = Recorder("ops"), Recorder("desk")
    routes = {"routes": {"ops": {"severities": ["error"]}}}
    lake.run(now + 10 * HOUR, (ops, desk), routes)
    assert [one.rule for one in ops.sent] == ["freshness"]
    assert {one.rule for one in desk.sent} == {"freshness", "volume_spike"}
    assert desk.sent[0].rule == "freshness", "errors first"


def test_trouble_of_the_warehouse_is_told_with_the_market_s(lake: Lake, recorder: Recorder) -> None:
    now = lake.trade({"BTCUSDT": {}, "ETHUSDT": {}, "GONEUSDT": {}}, hours=48)
    lake.write(
        "dim_coins", [{"coin": "BTCUSDT", "is_active": True}, {"coin": "GONEUSDT", "is_active": False}], "overwrite"
    )
    gap = {"coin": "ETHUSDT", "gap_start": START, "gap_end": START + 3 * HOUR, "gap_hours": 3}
    lake.write("kline_gaps", [{**gap, "kind": "unexplained"}, {**gap, "coin": "BTCUSDT", "kind": "exchange_outage"}])
    check = {"run_id": "q", "table_name": "dim_coins", "rule": "unique_key", "severity": "error", "checked_at": now}
    lake.write("quality_results", [{**check, "rows_failed": 2, "detail": "two rows of BTCUSDT"}])
    failed = pl.DataFrame([("r1", "__default__", now, "failed", "no disk")], schema=RUN_SCHEMA, orient="row")
    for _ in range(2):
        lake.find(now, (recorder,), runs=failed)
        lake.deliver(now, (recorder,))
    assert [one.body.splitlines()[0][17:] for one in recorder.sent] == [
        "UTC pipeline __default__: run r1 failed: no disk",
        "UTC dim_coins fails unique_key: 2 rows. two rows of BTCUSDT",
        "UTC binance/ETHUSDT: 3 h without candles from 2026-03-02 00:00 UTC on, for no known reason",
    ]


def test_remainder_of_a_gap_that_was_told_is_not_told(lake: Lake, recorder: Recorder) -> None:
    now = lake.trade({"BTCUSDT": {}}, hours=48)
    gap = {"coin": "BTCUSDT", "kind": "unexplained", "gap_start": START + 20 * HOUR, "gap_hours": 9}
    lake.write("kline_gaps", [gap])
    lake.run(now, (recorder,))
    lake.write("kline_gaps", [{**gap, "gap_start": START + 25 * HOUR, "gap_hours": 4}], mode="overwrite")
    lake.run(now, (recorder,))
    assert len(recorder.ids) == 1
