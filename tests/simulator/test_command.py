"""The demo exchange in the foreground, ended by a signal."""

from __future__ import annotations

import io
import os
import re
import signal
import threading
import time

import pytest
import requests
from click.testing import CliRunner

from klineforge.cli.commands import exchange
from klineforge.simulator.command import serve
from klineforge.simulator.faults.fault import Fault


class Terminal(io.StringIO):
    """Standard output that tells when the first text has been written."""

    def __init__(self) -> None:
        super().__init__()
        self.spoke = threading.Event()

    def flush(self) -> None:
        super().flush()
        self.spoke.set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_until_a_signal_answers_says_it_is_simulated_and_ends_cleanly(number: signal.Signals) -> None:
    terminal = Terminal()
    answers: list[int] = []

    def visit_and_end() -> None:
        assert terminal.spoke.wait(10)
        url = re.search(r"http://127\.0\.0\.1:\d+/api\S+", terminal.getvalue())
        try:
            answers.append(requests.get(url[0], timeout=10).status_code if url else 0)
        finally:
            os.kill(os.getpid(), number)

    former = signal.getsignal(number)
    visitor = threading.Thread(target=visit_and_end)
    visitor.start()
    started = time.monotonic()
    serve(port=0, seed=1, out=terminal, faults=[Fault("used-weight")])
    visitor.join()
    assert answers == [200]
    assert "SIMULATED market of 15 coins (seed 1)" in terminal.getvalue()
    assert "no price here is real" in terminal.getvalue()
    assert "  fault     used-weight: Say that this much" in terminal.getvalue()
    assert terminal.getvalue().endswith("used-weight spoilt 1 answers.\nThe demo exchange has stopped.\n")
    assert signal.getsignal(number) is former
    assert time.monotonic() - started < 10


def test_exchange_command_lists_faults_and_refuses_what_is_none() -> None:
    listed = CliRunner().invoke(exchange, ["--fault", "help"])
    assert listed.exit_code == 0
    assert "checksum-stale" in listed.output

    refused = CliRunner().invoke(exchange, ["--fault", "earthquake"])
    assert refused.exit_code == 1
    assert "there is no fault 'earthquake'" in refused.output
    assert "Traceback" not in refused.output
