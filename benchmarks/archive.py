"""Candles laid out as Binance's public archive, kept for the next run, and a plain server on loopback for them."""

from __future__ import annotations

import functools
import hashlib
import io
import shutil
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import polars as pl

from benchmarks.market import Market
from benchmarks.wire import as_wire

# Raise when the same market would give other files.
_LAYOUT = "2"


def archive_of(market: Market, folder: Path, *, days_after: int) -> Path:
    """The archive of a market: monthly files of whole months, daily files of the newest days and of those after.

    Args:
        market: Which candles.
        folder: Where archives are kept; one that is complete is taken as it is.
        days_after: How many days after the history have a file.

    Returns:
        Root of the archive.
    """
    root = folder / f"archive-{market.label}"
    stamp, wanted = root / "complete", f"{_LAYOUT} {days_after}"
    if stamp.is_file() and stamp.read_text() == wanted:
        return root
    shutil.rmtree(root, ignore_errors=True)
    write_archive(market.candles(), root, months_until=market.end.replace(day=1), end=market.end, days=days_after)
    stamp.write_text(wanted)
    return root


def write_archive(candles: pl.DataFrame, root: Path, *, months_until: datetime, end: datetime, days: int) -> None:
    """Write monthly files before ``months_until``, daily ones from there to ``days`` after ``end``, and checksums."""
    monthly = candles.filter(pl.col("hour") < months_until)
    daily = candles.filter(pl.col("hour") >= months_until, pl.col("hour") < end + timedelta(days=days))
    for kind, label, part in (("monthly", "%Y-%m", monthly), ("daily", "%Y-%m-%d", daily)):
        periods = part.with_columns(pl.col("hour").dt.strftime(label).alias("period"))
        for (coin, period), rows in periods.partition_by("coin", "period", as_dict=True, include_key=True).items():
            target = root / "data" / "spot" / kind / "klines" / str(coin) / "1h"
            target.mkdir(parents=True, exist_ok=True)
            _write_zip(target / f"{coin}-1h-{period}.zip", as_wire(rows).write_csv(include_header=False))


def _write_zip(path: Path, text: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(zipfile.ZipInfo(f"{path.stem}.csv"), text, zipfile.ZIP_DEFLATED)
    path.write_bytes(buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    path.with_name(f"{path.name}.CHECKSUM").write_text(f"{digest}  {path.name}")


class _QuietFiles(SimpleHTTPRequestHandler):
    """A static file server that keeps connections and no log."""

    protocol_version = "HTTP/1.1"
    # Headers and body in packets of their own would make every client wait 40 ms for the second.
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    delay = 0.0

    def do_GET(self) -> None:
        """Answer, after as long as the way to the server and back shall take."""
        time.sleep(self.delay)
        super().do_GET()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def served(root: Path, *, delay: float = 0.0) -> Iterator[str]:
    """Serve a folder on loopback.

    Args:
        root: The folder.
        delay: Seconds until each answer, for a server that is not on the same machine.

    Yields:
        Its URL.
    """
    handler = type("_Files", (_QuietFiles,), {"delay": delay})
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(root)))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
