"""The demo exchange as a program in the foreground."""

from __future__ import annotations

import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

from klineforge.simulator.coins import SYMBOLS
from klineforge.simulator.faults.fault import Fault
from klineforge.simulator.market import DEMO_SEED
from klineforge.simulator.server import DemoExchange


def serve(port: int = 0, seed: int | None = None, out: TextIO | None = None, faults: Sequence[Fault] = ()) -> None:
    """Run the demo exchange until Ctrl-C or SIGTERM; must be called from the main thread.

    Args:
        port: Port to listen on; 0 takes any free one.
        seed: Chooses the simulated market; None takes the demo's.
        out: Where to say what is served; standard output when None.
        faults: What goes wrong.

    Raises:
        ConfigurationError: When the seed is negative.
        EnvironmentProblem: When the port cannot be had.
    """
    out = out or sys.stdout
    seed = DEMO_SEED if seed is None else seed
    with _until_interrupted() as stopped, DemoExchange(seed=seed, port=port, faults=faults) as exchange:
        print(_announcement(exchange, seed, faults), file=out, flush=True)
        stopped.wait()
        injected = Counter(injected.name for injected in exchange.injected)
    for name, number in injected.items():
        print(f"{name} spoilt {number} answers.", file=out, flush=True)
    print("The demo exchange has stopped.", file=out, flush=True)


def _announcement(exchange: DemoExchange, seed: int, faults: Sequence[Fault]) -> str:
    return "\n".join(
        (
            f"Demo exchange with a SIMULATED market of {len(SYMBOLS)} coins (seed {seed}): no price here is real.",
            f"  archives  {exchange.archive_url}/data/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2025-01.zip",
            f"  REST      {exchange.rest_url}/api/v3/klines?symbol=BTCUSDT&interval=1h&limit=3",
            f"  ingest    kedro run --params archive_url={exchange.archive_url},rest_url={exchange.rest_url}",
            *(f"  fault     {fault.name}: {fault.kind.text}" for fault in faults),
            "Ctrl-C stops it.",
        )
    )


@contextmanager
def _until_interrupted() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; the former handlers come back afterwards."""
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    former = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
