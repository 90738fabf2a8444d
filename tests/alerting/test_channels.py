"""Channels against a webhook on loopback: what arrives, what fails, and that no address is ever shown."""

from __future__ import annotations

import json
import logging
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alerting.lake import START, Lake
from alerting.webhook import Webhook, webhook
from kedro.io import DatasetError

from klineforge.alerting.channels import Channel, FileChannel, LogChannel, NotDeliveredError
from klineforge.alerting.outbox import Message
from klineforge.cli.user_errors import user_error_in
from klineforge.datasets.alert_channels import AlertChannelsDataset
from klineforge.errors import ConfigurationError

# What apprise imports is deprecated in one version of Python or another, and not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
SECRET = "s3cr3t-token"  # noqa: S105 - no password of anything


@pytest.fixture
def hook() -> Iterator[Webhook]:
    """A webhook that accepts."""
    with webhook() as served:
        yield served


def message(severity: str = "warning") -> Message:
    alert = {
        "alert_id": "ab" * 32,
        "rule": "drawdown",
        "severity": severity,
        "subject": "binance/BTCUSDT",
        "hour": START,
        "value": 0.25,
        "message": "binance/BTCUSDT: 25.0% below its highest close, beyond 20%",
        "channel": "ops",
        "attempts": 0,
        "last_error": None,
    }
    return Message("ops", "drawdown", severity, (alert,))


def channels_of(folder: Path, urls: dict[str, str], timeout_seconds: float = 10.0) -> tuple[Channel, ...]:
    path = str(folder / "alerts.jsonl")
    return AlertChannelsDataset(path=path, credentials=urls, timeout_seconds=timeout_seconds).load()


def ops(hook: Webhook, folder: Path, timeout_seconds: float = 10.0) -> Channel:
    return channels_of(folder, {"ops": f"json://{hook.host}/{SECRET}"}, timeout_seconds)[-1]


def test_webhook_gets_title_body_kind_and_alert_id(hook: Webhook, tmp_path: Path) -> None:
    channel = ops(hook, tmp_path)
    for severity in ("info", "warning", "error"):
        channel.send(message(severity))
    assert [one["type"] for one in hook.received] == ["info", "warning", "failure"]
    assert hook.received[1]["title"] == "KlineForge warning: drawdown binance/BTCUSDT"
    assert hook.received[1]["message"].splitlines() == [
        "2026-03-02 00:00 UTC binance/BTCUSDT: 25.0% below its highest close, beyond 20%",
        f"alert_id {'ab' * 32}",
    ]


def test_webhook_that_refuses_is_told_by_its_status(hook: Webhook, tmp_path: Path) -> None:
    hook.status = 500
    with pytest.raises(NotDeliveredError, match="^refused with HTTP status 500$"):
        ops(hook, tmp_path).send(message())


def test_webhook_that_hangs_is_given_up(hook: Webhook, tmp_path: Path) -> None:
    hook.status = 0
    with pytest.raises(NotDeliveredError, match="^no answer within 0.3 s$"):
        ops(hook, tmp_path, 0.3).send(message())


def test_webhook_that_is_not_there_is_not_reachable(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        gone = Webhook(port=free.getsockname()[1])
    with pytest.raises(NotDeliveredError, match="^not reachable, or refused$"):
        ops(gone, tmp_path).send(message())


@pytest.mark.parametrize("status", [200, 500, 0])
def test_address_is_in_no_log_no_table_and_no_file(
    hook: Webhook, lake: Lake, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    hook.status = status
    now = lake.trade({"BTCUSDT": {10: 9.0}})
    path = lake.root / "_klineforge" / "alerts.jsonl"
    dataset = AlertChannelsDataset(
        path=str(path), credentials={"ops": f"json://user:{SECRET}@{hook.host}/{SECRET}"}, timeout_seconds=0.3
    )
    with caplog.at_level(logging.DEBUG):
        channels = dataset.load()
        lake.run(now, channels)
    told = [caplog.text, repr(channels), repr(dataset), str(dataset), path.read_text("utf-8")]
    told += [str(lake.rows(table).rows()) for table in ("alerts", "alert_deliveries")]
    assert lake.rows("alert_deliveries")["channel"].sort().to_list() == ["file", "log", "ops"]
    assert [text for text in told if SECRET in text or hook.host in text] == []


def test_webhook_that_was_down_gets_every_alert_from_the_next_run(hook: Webhook, lake: Lake) -> None:
    now = lake.trade({"BTCUSDT": {10: 9.0}, "ETHUSDT": {12: 9.0}})
    channels = (ops(hook, lake.root, 0.5),)
    for status in (500, 0, 200, 200):
        hook.status = status
        lake.run(now, channels)
    ids = [one["message"].rsplit("alert_id ", 1)[1] for one in hook.received]
    assert sorted(ids) == sorted(lake.rows("alerts")["alert_id"])


def test_file_holds_one_object_per_alert_and_line(tmp_path: Path) -> None:
    channel = FileChannel(tmp_path / "new" / "alerts.jsonl")
    channel.send(message())
    channel.send(message())
    first, second = (json.loads(line) for line in channel.path.read_text("utf-8").splitlines())
    assert first == second
    assert (first["alert_id"], first["hour"]) == ("ab" * 32, "2026-03-02T00:00:00+00:00")
    assert not {"channel", "attempts", "last_error"} & set(first)


def test_file_that_cannot_be_written_is_a_delivery_that_failed(tmp_path: Path) -> None:
    (tmp_path / "alerts.jsonl").mkdir()
    with pytest.raises(NotDeliveredError, match="alerts.jsonl cannot be written: Is a directory"):
        FileChannel(tmp_path / "alerts.jsonl").send(message())


def test_log_has_a_warning_per_message(caplog: pytest.LogCaptureFixture) -> None:
    LogChannel().send(message("info"))
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "KlineForge info: drawdown binance/BTCUSDT\n2026-03-02 00:00 UTC binance/BTCUSDT: 25.0%" in record.message


def test_channels_come_from_credentials_and_from_the_environment(
    hook: Webhook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KLINEFORGE_ALERT_URL_DESK", f"json://{hook.host}/desk")
    monkeypatch.setenv("KLINEFORGE_ALERT_URL_EMPTY", " ")
    named = channels_of(tmp_path, {"ops": f"json://{hook.host}/ops"})
    assert [channel.name for channel in named] == ["log", "file", "desk", "ops"]


@pytest.mark.parametrize(
    ("name", "url", "problem"),
    [
        ("ops", f"nosuchthing://{SECRET}", r"'ops' is none that apprise can use \(it begins with nosuchthing://;"),
        ("ops", SECRET, "it does not begin with a schema"),
        ("ops", "", "must be text such as json://host/path, found str"),
        ("log", "json://127.0.0.1/x", "'log' cannot name an alert channel.*neither log nor file"),
        ("Ops 1", "json://127.0.0.1/x", "'Ops 1' cannot name an alert channel: expected lower-case letters"),
    ],
)
def test_channels_that_cannot_be_used_are_refused_without_their_address(
    tmp_path: Path, name: str, url: str, problem: str
) -> None:
    with pytest.raises(DatasetError, match=problem) as refused:
        channels_of(tmp_path, {name: url})
    assert isinstance(user_error_in(refused.value), ConfigurationError)
    assert SECRET not in str(refused.value)


def test_channels_without_apprise_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert len(channels_of(tmp_path, {})) == 2, "the log and the file need none"
    with pytest.raises(DatasetError) as refused:
        channels_of(tmp_path, {"ops": f"json://127.0.0.1/{SECRET}"})
    told = user_error_in(refused.value)
    assert isinstance(told, ConfigurationError)
    assert str(told) == (
        "the alert channel 'ops' needs apprise, which is not installed; install it with: "
        'pip install "klineforge[alerts]"'
    )
