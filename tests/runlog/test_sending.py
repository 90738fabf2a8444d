"""Events reach a lineage tool, and one that is slow, broken or missing costs a run a warning and little time."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from runlog.running import appending, commits, events, lines, run

from klineforge.lineage import sending
from klineforge.lineage.sending import ClientSender, FileSender, Nowhere, sender_for

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def receiver(answer: int | Answer = 201) -> Iterator[tuple[str, list[dict[str, Any]], list[str]]]:
    """A lineage tool on the loopback.

    Args:
        answer: Its status, or what it does instead of answering.

    Yields:
        Its address, the events it was sent, and their Authorization headers.
    """
    received: list[dict[str, Any]] = []
    headers: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            headers.append(self.headers.get("Authorization", ""))
            if callable(answer):
                answer(self)
                return
            self.send_response(answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received, headers
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def _without_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variables, no files; what the client itself sets in the environment ends with the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    environment = {name: text for name, text in sending.os.environ.items() if not name.startswith("OPENLINEAGE")}
    monkeypatch.setattr(sending.os, "environ", environment)


def http(url: str, **more: Any) -> dict[str, Any]:
    return {"transport": {"type": "http", "url": url, "retry": {"total": 1, "backoff_factor": 0}, **more}}


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_events_go_to_the_configured_tool_and_not_to_the_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with receiver() as (url, received, headers):
        settings = http(url, auth={"type": "api_key", "apiKey": "key-of-the-tool"})
        assert run(tmp_path, appending("binance"), openlineage=settings) is None
    assert [event["eventType"] for event in received] == ["START", "START", "COMPLETE", "START", "COMPLETE", "COMPLETE"]
    assert received[2]["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 1
    assert set(headers) == {"Bearer key-of-the-tool"}
    assert "key-of-the-tool" not in str(received)
    assert not (tmp_path / "_klineforge" / "openlineage.jsonl").exists()
    assert warnings_in(caplog) == []


def test_tool_named_by_openlineages_own_variable_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as (url, received, _):
        monkeypatch.setitem(sending.os.environ, "OPENLINEAGE_URL", url)
        for code in ("binance", "coinbase"):
            assert run(tmp_path, appending(code)) is None
    assert len(received) == 12


def test_tool_that_answers_500_is_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with receiver(500) as (url, _, _):
        assert run(tmp_path, appending("binance"), openlineage=http(url.replace("//", "//me:secret@"))) is None
    (warning,) = warnings_in(caplog)
    assert warning.startswith("6 of 6 OpenLineage events of this run were not delivered: ")
    assert "secret" not in warning
    assert lines(tmp_path)[0]["outcome"] == "succeeded"
    assert commits(tmp_path)["run_log"] == 2


def test_tool_that_hangs_is_one_warning_after_the_patience(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PATIENCE", 0.2)
    released = threading.Event()

    def hang(_: BaseHTTPRequestHandler) -> None:
        released.wait(30)

    with receiver(hang) as (url, received, _):
        try:
            assert run(tmp_path, appending("binance"), openlineage=http(url, timeout=60)) is None
            assert not released.is_set()
        finally:
            released.set()
    assert len(received) <= 1
    assert [text.partition(":")[2] for text in warnings_in(caplog)] == [" no answer within 0.2 s"]
    assert lines(tmp_path)[0]["outcome"] == "succeeded"


def test_tool_that_is_not_there_is_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with receiver() as (url, _, _):
        pass
    assert run(tmp_path, appending("binance"), openlineage=http(url)) is None
    assert len(warnings_in(caplog)) == 1


@pytest.mark.parametrize("transport", [{"type": "no.such.Transport"}, {"type": "http"}, {"type": "http", "url": "x"}])
def test_transport_that_cannot_be_made_is_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, transport: dict[str, Any]
) -> None:
    assert run(tmp_path, appending("binance"), openlineage={"transport": transport}) is None
    assert len(warnings_in(caplog)) == 1


def test_missing_package_is_one_warning_that_says_how_to_install_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openlineage.client", None)
    assert run(tmp_path, appending("binance"), openlineage=http("http://127.0.0.1:1")) is None
    (warning,) = warnings_in(caplog)
    assert "pip install 'klineforge[lineage]'" in warning


def test_client_is_not_imported_for_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openlineage.client", None)
    assert run(tmp_path, appending("binance")) is None
    assert len(events(tmp_path)) == 6


@pytest.mark.parametrize("how", ["parameter", "variable"])
def test_lineage_can_be_switched_off(tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "variable":
        monkeypatch.setitem(sending.os.environ, "OPENLINEAGE_DISABLED", "true")
    settings = {**http("http://127.0.0.1:1"), "wanted": how != "parameter"}
    assert run(tmp_path, appending("binance"), openlineage=settings) is None
    assert not (tmp_path / "_klineforge" / "openlineage.jsonl").exists()


def test_where_events_go(tmp_path: Path) -> None:
    assert isinstance(sender_for(tmp_path, {}, wanted=True), FileSender)
    assert isinstance(sender_for(None, {}, wanted=True), Nowhere)
    assert isinstance(sender_for(tmp_path, {}, wanted=False), Nowhere)
    (tmp_path / "openlineage.yml").write_text("transport:\n  type: console\n")
    assert isinstance(sender_for(tmp_path, {}, wanted=True), ClientSender)


def test_file_that_has_grown_is_put_aside_once(tmp_path: Path) -> None:
    path = tmp_path / "openlineage.jsonl"
    for number in range(3):
        sender = FileSender(path, largest=10)
        sender.send({"number": number})
        sender.close()
    assert sorted(file.name for file in tmp_path.glob("*.jsonl")) == ["openlineage.1.jsonl", "openlineage.jsonl"]
    assert json.loads(path.read_text()) == {"number": 2}


def test_file_takes_events_of_several_threads_line_by_line(tmp_path: Path) -> None:
    sender = FileSender(tmp_path / "openlineage.jsonl")
    threads = [threading.Thread(target=lambda: [sender.send({"x": "y" * 5000}) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    written = (tmp_path / "openlineage.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in written] == [{"x": "y" * 5000}] * 200


def test_file_that_cannot_be_written_is_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "_klineforge" / "openlineage.jsonl").mkdir(parents=True)
    assert run(tmp_path, appending("binance")) is None
    (warning,) = warnings_in(caplog)
    assert warning.startswith("OpenLineage events of this run are lost")


def test_fault_in_telling_is_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr("klineforge.lineage.telling.RunTeller.node_began", fail)
    assert run(tmp_path, appending("binance")) is None
    (warning,) = warnings_in(caplog)
    assert "no more OpenLineage events are sent of this run: KeyError" in warning
    assert [node["outcome"] for node in lines(tmp_path)[0]["nodes"]] == ["succeeded", "succeeded"]


def test_what_the_client_logs_is_said_once_by_us(caplog: pytest.LogCaptureFixture) -> None:
    with receiver(503) as (url, _, _):
        sender = ClientSender(http(url, retry={"total": 3, "backoff_factor": 0}))
        sender.send(_event())
        sender.close()
    assert len(warnings_in(caplog)) == 1


def test_events_sent_before_the_end_are_delivered_while_the_run_goes_on() -> None:
    with receiver() as (url, received, _):
        sender = ClientSender(http(url))
        sender.send(_event())
        until = time.monotonic() + 20
        while not received and time.monotonic() < until:
            time.sleep(0.01)
        assert len(received) == 1
        sender.close()


def _event() -> dict[str, Any]:
    return {
        "eventType": "START",
        "eventTime": "2026-03-01T00:00:00+00:00",
        "producer": "urn:klineforge:1",
        "run": {"runId": "01234567-89ab-5def-8123-456789abcdef", "facets": {}},
        "job": {"namespace": "klineforge", "name": "gold", "facets": {}},
        "inputs": [],
        "outputs": [],
    }
