"""The command of a task: options, exit, and the secrets it takes."""

from __future__ import annotations

import os
import sys
from types import ModuleType, SimpleNamespace

import pytest

from klineforge.cli.job import main, take_secrets


def test_help_is_that_of_a_run_and_returns(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    shown = capsys.readouterr().out
    assert all(option in shown for option in ("--env", "--nodes", "--pipelines", "--conf-source", "--secret-scope"))


def test_wrong_option_ends_with_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--no-such-option"])
    assert ended.value.code == 2
    assert "no-such-option" in capsys.readouterr().err


def test_secrets_of_alert_channels_are_taken_and_others_left(monkeypatch: pytest.MonkeyPatch) -> None:
    held = {"KLINEFORGE_ALERT_URL_OPS": "json://host/x", "PASSWORD": "no"}
    runtime = ModuleType("databricks.sdk.runtime")
    secrets = SimpleNamespace(
        list=lambda scope: [SimpleNamespace(key=f"{key}") for key in held] if scope == "kf" else [],
        get=lambda _, key: held[key],
    )
    runtime.dbutils = SimpleNamespace(secrets=secrets)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "databricks.sdk.runtime", runtime)
    monkeypatch.setitem(os.environ, "KLINEFORGE_ALERT_URL_OPS", "")
    monkeypatch.delitem(os.environ, "KLINEFORGE_ALERT_URL_OPS")
    assert take_secrets("kf") == ["KLINEFORGE_ALERT_URL_OPS"]
    assert os.environ["KLINEFORGE_ALERT_URL_OPS"] == "json://host/x"
    assert "PASSWORD" not in os.environ
