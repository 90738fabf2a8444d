"""Run the project as a user does, in processes of its own."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import polars as pl
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.runner import ThreadRunner

REPOSITORY = Path(__file__).resolve().parents[2]
SECONDS = 540


def kedro(
    *arguments: str, expected: int | None = 0, seconds: int = SECONDS, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run ``kedro`` in the repository and return what it printed.

    Args:
        arguments: Its command line.
        expected: Exit code that must come back; None takes any.
        seconds: When to give up.
        variables: More of its environment.
    """
    done = subprocess.run(
        [sys.executable, "-m", "kedro", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "140", **variables},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if expected is not None and done.returncode != expected:
        raise AssertionError(f"kedro {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done


def kedro_here(values: Mapping[str, str], *pipelines: str, threads: bool = False) -> None:
    """Run pipelines in this process, hooks included; a process of its own takes longer to start than to run.

    Args:
        values: Runtime parameters.
        pipelines: Their names; all together when there are none.
        threads: Several tables at a time, as with ``--runner=ThreadRunner``.
    """
    bootstrap_project(REPOSITORY)
    with KedroSession.create(project_path=REPOSITORY, runtime_params=dict(values)) as session:
        session.run(pipeline_names=list(pipelines) or None, runner=ThreadRunner(max_workers=3) if threads else None)


def archive_of(data: Path, folder: Path, tool: Path, *options: str) -> Path:
    """Lay candles out as Binance's archive does.

    Args:
        data: Folder of ``SYMBOL-1h.parquet`` files.
        folder: Where to.
        tool: The program that does it.
        options: More of its command line.
    """
    command = [sys.executable, str(tool), "--data", str(data), "--out", str(folder), *options]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def parameters(values: Mapping[str, str]) -> str:
    """Parameters as ``--params`` takes them."""
    return ",".join(f"{name}={value}" for name, value in values.items())


def table(lake: Path, layer: str, name: str) -> pd.DataFrame:
    """A table of the lake, read without Spark."""
    return pl.read_delta(str(lake / layer / name)).to_pandas()


class _QuietFiles(SimpleHTTPRequestHandler):
    # Connections are kept, and headers and body leave in one packet: sixty runs ask for thirty thousand checksums.
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A plain static file server on loopback, as ``python -m http.server`` is one."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_QuietFiles, directory=str(folder)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
