"""What a user may write below alerts, and what is said to what cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from klineforge.alerting.settings import SETTINGS, parse_alert_settings
from klineforge.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]


def test_settings_left_out_are_those_of_the_configuration() -> None:
    configured = yaml.safe_load((ROOT / "conf" / "base" / "parameters.yml").read_text("utf-8"))["alerts"]
    assert parse_alert_settings(configured, ("log",)) == parse_alert_settings({}, ("log",))
    assert set(configured["rules"]) == set(SETTINGS)
    assert {name: set(rule) for name, rule in configured["rules"].items()} == {n: set(s) for n, s in SETTINGS.items()}


def test_settings_of_a_coin_override_those_of_all() -> None:
    rule = parse_alert_settings(
        {"rules": {"volume_spike": {"above": 6, "rearm": 2}}, "coins": {"dogeusdt": {"volume_spike": {"above": 9}}}}, ()
    ).rules["volume_spike"]
    assert rule.threshold_of("DOGEUSDT") is not None
    own, general = rule.threshold_of("DOGEUSDT"), rule.threshold_of("BTCUSDT")
    assert (own and (own.above, own.rearm), general and (general.above, general.rearm)) == ((9, 2), (6, 2))


@pytest.mark.parametrize("off", ["off", "OFF", False])
def test_settings_off_switches_a_rule_off(off: object) -> None:
    settings = parse_alert_settings({"rules": {"drawdown": off}, "coins": {"BTCUSDT": {"top_mover": off}}}, ())
    assert "drawdown" not in settings.rules
    assert settings.rules["top_mover"].threshold_of("BTCUSDT") is None


def test_settings_routes_choose_channels_by_severity_and_rule() -> None:
    settings = parse_alert_settings(
        {"routes": {"ops": {"severities": ["error"]}, "desk": {"rules": ["drawdown"]}}}, ("log", "ops", "desk")
    )
    assert settings.channels_for("drawdown", "warning", ("log", "ops", "desk")) == ["log", "desk"]
    assert settings.channels_for("failed_run", "error", ("log", "ops", "desk")) == ["log", "ops"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"rule": {}}, "'alerts' knows nothing called rule; expected judge_hours"),
        ({"rules": {"volume_spikes": {}}}, "'alerts.rules' knows nothing called volume_spikes; expected volume_spike"),
        ({"rules": {"volume_spike": {"over": 3}}}, "volume_spike' knows nothing called over; expected severity, above"),
        ({"rules": {"volume_spike": 3}}, "'alerts.rules.volume_spike' must be a mapping, found 3"),
        ({"rules": {"volume_spike": {"above": "5"}}}, "volume_spike.above' must be a number from 1 to 24, found '5'"),
        ({"rules": {"volume_spike": {"above": True}}}, "must be a number from 1 to 24, found True"),
        ({"rules": {"volume_spike": {"above": float("nan")}}}, "must be a number from 1 to 24, found nan"),
        ({"rules": {"volume_spike": {"above": 2, "rearm": 5}}}, "must not lie above .*found rearm=5 above=2"),
        ({"rules": {"volume_spike": {"severity": "high"}}}, "one of the words info, warning, error, found 'high'"),
        ({"rules": {"volume_spike": {"cool_down_hours": 1.5}}}, "must be a whole number from 0 to 672, found 1.5"),
        ({"rules": {"drawdown": {"steps": [0.5, 0.2]}}}, "fractions between 0 and 1 in rising order"),
        ({"rules": {"drawdown": {"steps": [10, 20]}}}, "fractions between 0 and 1 in rising order"),
        ({"rules": {"drawdown": {"steps": []}}}, "a list of fractions such as"),
        ({"coins": {"BTCUSDT": {"failed_run": {}}}}, "'alerts.coins.BTCUSDT' knows nothing called failed_run"),
        ({"coins": {"BTCUSDT": {"top_mover": {"ranks": 1}}}}, "top_mover' knows nothing called ranks"),
        ({"coins": {"BTCUSDT": {"volume_spike": {"above": 0}}}}, "alerts.coins.BTCUSDT.volume_spike.above' must be"),
        ({"routes": {"ops": {}}}, "'alerts.routes' knows nothing called ops; expected log"),
        ({"routes": {"log": {"severities": ["bad"]}}}, "routes.log.severities' must be a list of info, warning, error"),
        ({"judge_hours": 0}, "'alerts.judge_hours' must be a whole number from 1 to 672, found 0"),
        ([], "'alerts' must be a mapping, found"),
    ],
)
def test_settings_that_cannot_be_used_are_named(parameters: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse_alert_settings(parameters, ("log",))
