"""How fast candles come into bronze, against a plain script."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from benchmarks.archive import served
from benchmarks.context import Context
from benchmarks.render import COST_HEAD, Section, Table, cost_cells
from benchmarks.runs import kedro_run
from benchmarks.stats import Cost, cost_of, ratio, verdict

PLAIN_TO_OURS = 3.0
# A server on the same machine, and one some hundred kilometres away.
DELAYS = (0.0, 0.02)


def measure_ingest(context: Context) -> Section:
    """Measure the whole history into bronze, by KlineForge and by the script, for each distance of the server."""
    rows: list[tuple[str, ...]] = []
    said: list[str] = []
    for delay in DELAYS:
        where = f"server {delay * 1000:.0f} ms away"
        ours, candles = _ours(context, delay)
        plain = _plain(context, delay)
        rows.append((f"KlineForge, {where}", *cost_cells(ours), f"{candles / ours.wall:,.0f}"))
        rows.append((f"plain script, {where}", *cost_cells(plain), f"{candles / plain.wall:,.0f}"))
        times = plain.wall / ours.wall
        said.append(
            f"{where}: the script takes {times:.1f} times as long, aim {PLAIN_TO_OURS:g} "
            f"{verdict(ours.wall, plain.wall / PLAIN_TO_OURS)}, and {ratio(plain.memory, ours.memory)} times the memory"
        )
    return Section(
        "ingest",
        "Archives into bronze",
        (
            _INTRODUCTION.format(market=context.options.market),
            Table(("", *COST_HEAD, "candles / s"), tuple(rows)),
            "; ".join(said).capitalize() + ".",
        ),
    )


_INTRODUCTION = (
    "{market.coins} coins, {market.hours:,} hours: monthly archives, daily ones of the last days, and checksums, from "
    "a static server on loopback that waits before each answer as long as the way there and back would take. "
    "*KlineForge*: `kedro run --pipelines ingestion,bronze` on a new lake, planning, landing zone, checkpoints and "
    "exactly-once commits included. *Plain script*: `benchmarks/programs/plain_ingest.py`, `requests`, `zipfile` and "
    "`csv` in one thread, all rows in memory, one Delta table at the end."
)


def _ours(context: Context, delay: float) -> tuple[Cost, int]:
    runs, candles = [], 0
    for _ in range(context.options.big_repetitions):
        lake = context.scratch("ingest")
        context.progress(f"ingestion, server {delay:g} s away")
        with served(context.archive, delay=delay) as url:
            run = kedro_run(lake, context.ingestion(url, days=0), pipelines=("ingestion", "bronze"))
        runs.append(run.measurement)
        candles = run.inserted("binance_klines_daily")
        shutil.rmtree(lake)
    return cost_of(runs), candles


def _plain(context: Context, delay: float) -> Cost:
    paths = context.scratch("plain-paths.txt")
    paths.write_text("\n".join(_files(context.archive, f"{context.options.market.end:%Y-%m-%d}")))
    runs = []
    for _ in range(context.options.big_repetitions):
        folder = context.scratch("plain")
        context.progress(f"plain script, server {delay:g} s away")
        with served(context.archive, delay=delay) as url:
            runs.append(context.program("plain_ingest", url, folder, paths))
        shutil.rmtree(folder)
    paths.unlink()
    return cost_of(runs)


def _files(archive: Path, end: str) -> list[str]:
    """Paths of the archive's files before a day, which is what KlineForge is asked for."""
    found = sorted(archive.glob("data/spot/*/klines/*/1h/*.zip"))
    return [str(file.relative_to(archive)) for file in found if _label(file) < end]


def _label(file: Path) -> str:
    match = re.fullmatch(r".+-1h-(\d{4}-\d{2}(?:-\d{2})?)", file.stem)
    if match is None:
        raise ValueError(f"{file} is no archive file")
    return match[1]
