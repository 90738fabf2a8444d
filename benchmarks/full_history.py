"""All real candles into a new lake: archives from a plain static server to marts, measured as whole processes.

    python benchmarks/full_history.py [--start 2019-01-01] [--end 2022-07-01]

Needs the real candles beside the checkout (../shared); prints a table for docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import functools
import subprocess
import sys
import tempfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import deltalake
from process import Measurement, measure

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"


class QuietFiles(SimpleHTTPRequestHandler):
    """A static file server that keeps no log."""

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def main() -> None:
    """Lay the archive out, build the lake, run again, print what it cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", default="2019-01-01")
    parser.add_argument("--end", default="2022-07-01")
    options = parser.parse_args()
    data = SHARED / "data" / "spot_1h"
    if not data.is_dir():
        sys.exit("the real candles are not here: expected ../shared/data/spot_1h beside the checkout")
    with tempfile.TemporaryDirectory() as folder:
        archive, lake = Path(folder, "archive"), Path(folder, "lake")
        span = ["--start", options.start, "--end", options.end]
        tool = [sys.executable, str(SHARED / "tools" / "make_archive.py"), "--data", str(data), "--out", str(archive)]
        subprocess.run([*tool, *span], check=True, stdout=subprocess.DEVNULL)
        coins = " ".join(sorted(file.name.removesuffix("-1h.parquet") for file in data.glob("*.parquet")))
        handler = functools.partial(QuietFiles, directory=str(archive))
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        parameters = f"lake={lake},coins={coins},start={options.start},end={options.end},archive_url={url},rest_url=off"
        command = [sys.executable, "-m", "kedro", "run", "--params", parameters]
        report("full build", measure(command, cwd=REPOSITORY))
        report("nothing new", measure(command, cwd=REPOSITORY))
        server.shutdown()
        print_rows(lake)


def report(name: str, cost: Measurement) -> None:
    """Print one line of the table."""
    print(f"| {name} | {cost.wall:.1f} | {cost.cpu:.1f} | {cost.peak_memory / 2**20:,.0f} |", flush=True)


def print_rows(lake: Path) -> None:
    """Print the rows of every table."""
    for log in sorted(lake.glob("*/*/_delta_log")):
        table = deltalake.DeltaTable(str(log.parent))
        print(f"| `{log.parent.name}` | {table.count():,} |")


if __name__ == "__main__":
    main()
