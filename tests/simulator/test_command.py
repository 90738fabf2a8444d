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

from klineforge.simulator.command import serve


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
    serve(port=0, seed=1, out=terminal)
    visitor.join()
    assert answers == [200]
    assert "SIMULATED market of 15 coins (seed 1)" in terminal.getvalue()
    assert "no price here is real" in terminal.getvalue()
    assert terminal.getvalue().endswith("has stopped.\n")
    assert signal.getsignal(number) is former
    assert time.monotonic() - started < 10
