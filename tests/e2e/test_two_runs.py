"""Two runs on one lake at the same moment: one works, the other stops with a clear message, nothing is lost."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest
from e2e.agreement import assert_fact_is, assert_marts_agree
from e2e.killing import Run
from e2e.project import archive_of, parameters, table
from faults.catalogue import case
from oracle.frames import real_candles

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

COINS = ("BTCUSDT", "ETHUSDT")
START, END = "2020-08-01", "2020-08-11"
PATIENCE = 240.0


@contextmanager
def served_when(gate: Event, folder: Path) -> Iterator[str]:
    """A file server on loopback that answers nobody before the gate is open."""

    class Gated(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer with the file, or that there is none."""
            gate.wait(PATIENCE)
            path = folder / self.path.lstrip("/")
            body = path.read_bytes() if path.is_file() else b""
            self.send_response(200 if path.is_file() else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Gated)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        gate.set()
        server.shutdown()
        thread.join()
        server.server_close()


@case("79")
def test_of_two_runs_at_the_same_moment_exactly_one_works(shared_data: Path, tmp_path: Path) -> None:
    lake, gate = tmp_path / "lake", Event()
    tool = shared_data.parent / "tools" / "make_archive.py"
    options = ("--symbols", *COINS, "--start", START, "--end", END, "--daily-from", START)
    archive = archive_of(shared_data / "spot_1h", tmp_path / "archive", tool, *options)
    with served_when(gate, archive) as url:
        wanted = {"lake": str(lake), "coins": " ".join(COINS), "start": START, "end": END}
        arguments = ["run", "--params", parameters({**wanted, "archive_url": url, "rest_url": "off"})]
        runs = [Run(arguments), Run(arguments)]
        # The one that has the lake waits at the gate until the other has given up.
        until = time.monotonic() + PATIENCE
        while not any(run.has_ended for run in runs) and time.monotonic() < until:
            time.sleep(0.05)
        ended = [run.has_ended for run in runs]
        gate.set()
        codes = [run.process.wait(PATIENCE) for run in runs]
    assert sorted(ended) == [False, True]
    (refused,) = (run for run, has_ended in zip(runs, ended, strict=True) if has_ended)
    (winner,) = (run for run in runs if run is not refused)
    assert sorted(codes) == [0, 1], [run.said() for run in runs]
    assert refused.process.returncode == 1
    message = refused.said()
    assert f"is being written by another run: kedro run, pipeline __default__, process {winner.process.pid}" in message
    assert "Wait until it has ended and run again; nothing was changed" in message
    assert "Traceback" not in message
    history = real_candles(shared_data, COINS, _midnight(START), _midnight(END))
    assert_fact_is(lake, history)
    assert_marts_agree(lake, history)
    klines = table(lake, "bronze", "binance_klines_daily")
    assert not klines.duplicated(["coin", "sha256", "source_row"]).any()
    assert len(klines) == len(history)
    log = (lake / "_klineforge" / "runs.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["outcome"] for line in log] == ["succeeded"]


def _midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)
