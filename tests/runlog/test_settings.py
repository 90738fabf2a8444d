"""How a project says where events go, and what is hidden from everything that is written."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kedro.config import OmegaConfigLoader

from klineforge.hooks import LakeHooks
from klineforge.reporting.redaction import redacted
from klineforge.settings import CONFIG_LOADER_ARGS


def hooks_of(project: Path, parameters: dict[str, Any] | None = None) -> LakeHooks:
    """The hooks after Kedro has loaded the configuration of a project."""
    loader = OmegaConfigLoader(str(project / "conf"), runtime_params=parameters, **CONFIG_LOADER_ARGS)
    hooks = LakeHooks()
    context: Any = SimpleNamespace(config_loader=loader, project_path=project)
    hooks.after_context_created(context)
    return hooks


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("base", "local"):
        (tmp_path / "conf" / folder).mkdir(parents=True)
    (tmp_path / "conf" / "base" / "globals.yml").write_text("lake: data\n")
    return tmp_path


def test_events_are_wanted_unless_switched_off(project: Path) -> None:
    assert hooks_of(project)._openlineage == {"wanted": True}
    assert hooks_of(project, {"openlineage": "off"})._openlineage == {"wanted": False}
    (project / "conf" / "base" / "globals.yml").write_text("lake: data\nopenlineage: off\n")
    assert hooks_of(project)._openlineage == {"wanted": False}
    assert hooks_of(project, {"openlineage": "on"})._openlineage == {"wanted": True}


def test_transport_of_the_environment_is_taken(project: Path) -> None:
    (project / "conf" / "local" / "openlineage.yml").write_text("transport:\n  type: http\n  url: http://tool:5000\n")
    transport = {"type": "http", "url": "http://tool:5000"}
    assert hooks_of(project)._openlineage == {"transport": transport, "wanted": True}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET https://me:pw@host/x failed", "GET https://***@host/x failed"),
        ("https://host/x?X-Amz-Signature=abc&page=2", "https://host/x?X-Amz-Signature=***&page=2"),
        ("https://host/x?page=2&access_token=abc'", "https://host/x?page=2&access_token=***'"),
        ("Authorization: Bearer abcdefgh.ijk", "Authorization: Bearer ***"),
        ("signal of BTCUSDT?design=1", "signal of BTCUSDT?design=1"),
        ("https://host/x?coin=BTCUSDT", "https://host/x?coin=BTCUSDT"),
    ],
)
def test_credentials_in_texts_are_hidden(text: str, expected: str) -> None:
    assert redacted(text) == expected


def test_parameters_with_telling_names_are_hidden_however_deep() -> None:
    given = {"exchange": {"apiKey": "a", "API-SECRET": "b", "hours": 3}, "tokens": ["c"], "password": None}
    hidden = {"exchange": {"apiKey": "***", "API-SECRET": "***", "hours": 3}, "tokens": "***", "password": None}
    assert redacted(given) == hidden
