"""The alerts pipeline with the project's own configuration, run as Kedro runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from alerting.lake import Lake
from alerting.webhook import webhook
from e2e.project import kedro_here

from klineforge.errors import ConfigurationError

SECRET = "s3cr3t-token"  # noqa: S105 - no password of anything


# What apprise imports is deprecated in one version of Python or another, and not ours to mend.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_alerts_of_a_lake_reach_a_webhook_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    lake = Lake(tmp_path / "lake")
    lake.trade({"BTCUSDT": {10: 9.0}, "ETHUSDT": {12: 9.0}})
    with webhook() as hook:
        monkeypatch.setenv("KLINEFORGE_ALERT_URL_OPS", f"json://{hook.host}/{SECRET}")
        for _ in range(2):
            kedro_here({"lake": str(lake.root)}, "alerts")

    ids = [one["message"].rsplit("alert_id ", 1)[1] for one in hook.received]
    # Two spikes, and the lake's candles end long ago.
    assert sorted(ids) == sorted(lake.rows("alerts")["alert_id"])
    assert len(ids) == 3
    file = (lake.root / "_klineforge" / "alerts.jsonl").read_text("utf-8")
    assert sorted(json.loads(line)["alert_id"] for line in file.splitlines()) == sorted(ids)
    printed = capfd.readouterr()
    assert "KlineForge info: volume_spike binance/BTCUSDT" in printed.err
    written = [path.read_bytes().decode(errors="replace") for path in lake.root.rglob("*") if path.is_file()]
    assert [text for text in (*written, printed.out, printed.err) if SECRET in text] == []


def test_parameter_that_cannot_be_used_ends_the_run_before_anything_is_found(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake.trade({"BTCUSDT": {10: 9.0}})
    asked = {"lake": str(lake.root), "alerts": {"rules": {"volume_spike": {"above": 30}}}}
    with pytest.raises(ConfigurationError, match="rules.volume_spike.above' must be a number from 1 to 24, found 30"):
        kedro_here(asked, "alerts")
    assert lake.version("alerts") is None
