"""Starting the dashboard: where it listens, what it sends, what it says when it cannot."""

from __future__ import annotations

import importlib.util
import signal
import socket
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from processes import running, wait_for_port, wait_for_words

from klineforge.app.launch import free_port, require_extra, server_command
from klineforge.cli.app import app
from klineforge.errors import ConfigurationError, EnvironmentProblem

REPOSITORY = Path(__file__).resolve().parents[2]


def test_port_zero_is_any_free_one() -> None:
    port = free_port("127.0.0.1", 0)

    with socket.create_server(("127.0.0.1", port)):
        assert port > 1023


def test_port_in_use_is_told_with_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentProblem, match=rf"port {port} cannot be listened on.*--port"):
            free_port("127.0.0.1", port)


def test_host_of_another_machine_is_told() -> None:
    with pytest.raises(EnvironmentProblem, match="none of this machine's"):
        free_port("192.0.2.1", 0)


def test_host_that_is_no_name_is_told() -> None:
    with pytest.raises(ConfigurationError, match="cannot be resolved"):
        free_port("no such host", 8501)


def test_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "streamlit" else object())

    with pytest.raises(ConfigurationError, match=r"needs streamlit, which is not installed.*klineforge\[app\]"):
        require_extra()


def test_server_listens_where_asked_and_sends_nothing() -> None:
    flags = server_command("127.0.0.1", 4711)

    assert "--server.address=127.0.0.1" in flags
    assert "--server.port=4711" in flags
    assert "--browser.gatherUsageStats=false" in flags
    assert "--server.headless=true" in flags
    assert "--server.showEmailPrompt=false" in flags
    assert "--client.showErrorDetails=none" in flags


def test_command_on_a_taken_port_ends_with_a_message(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        asked = ["--lake", str(tmp_path), "--port", str(taken.getsockname()[1])]
        ended = CliRunner().invoke(app, asked)

    assert ended.exit_code == 1
    assert "cannot be listened on" in ended.output
    assert "Traceback" not in ended.output


def test_signal_to_the_command_ends_the_server_itself(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kedro", "klineforge", "app", "--lake", str(tmp_path), "--port", "0"]
    said = tmp_path / "said.log"
    with running(command, said, cwd=REPOSITORY) as process:
        port = int(wait_for_words(r"http://127\.0\.0\.1:(\d+)", process, said)[1])
        wait_for_port(port, process, said)

        process.send_signal(signal.SIGTERM)

        process.wait(10)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1)
