"""Make ``mart_correlations`` of a lake from its fact with the real engine: ``correlate LAKE``.

Prints the seconds after Spark has started.
"""

from __future__ import annotations

import sys
import time

from benchmarks.programs.project import run_pipelines
from klineforge.spark.session import get_session


def main(lake: str) -> None:
    """Run the one node that writes the table."""
    get_session()
    started = time.monotonic()
    run_pipelines(lake, ["marts"], tables=["mart_correlations"])
    print(f"seconds {time.monotonic() - started:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
