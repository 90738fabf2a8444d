"""How quickly the dashboard's pages come: the first read, and runs of a page after it."""

from __future__ import annotations

import re
from statistics import median

from benchmarks.context import Context
from benchmarks.render import Section, Table
from benchmarks.stats import verdict
from klineforge.app.pages import PAGES

COINS = 20
READ, AGAIN = 0.3, 0.1
"""Seconds that the first read of a page and a later run of it may take."""
_FIGURES = ("read", "page", "again", "other", "all", "all_again")

_WHAT = (
    "{coins} coins, {hours:,} hours, {pairs} pairs; polars on this machine's cores, files in the page cache. For each "
    "page in a process of its own, {runs} times, medians, milliseconds. *First read*: all that the first look at "
    "the page reads, of the last 30 days by default. *First page*: all of that look, charts included. *Run again*: "
    "Streamlit's run of the page with nothing changed, as its timer or another user causes. *Another coin and range*: "
    "the same with a selection that was never looked at, reading included. *All of history*: the same over every hour, "
    "the first time, and run again."
)


def measure_dashboard(context: Context) -> Section:
    """Measure every page of the dashboard."""
    market = context.options.market
    coins = COINS if market.hours >= 60_000 else market.coins
    lake = context.options.work / f"dashboard-{coins}x{market.hours}"
    if not (lake / "_klineforge").is_dir():
        context.progress(f"lake of {coins} coins and {market.hours:,} hours for the dashboard")
        context.program("dashboard_lake", context.scratch(lake.name), coins, market.hours)
    runs = context.options.repetitions
    rows, late = [], []
    for page in PAGES:
        context.progress(f"dashboard: {page.view.title}")
        measured = [_told(context.program("dashboard", lake, page.view.key).output) for _ in range(runs)]
        figures = {name: median(one[name] for one in measured) for name in _FIGURES}
        rows.append((page.view.title, *(f"{figures[name] * 1000:.0f}" for name in _FIGURES)))
        late.append((figures["read"], figures["again"]))
    slowest_read, slowest_run = (max(figure) for figure in zip(*late, strict=True))
    told = (
        f"Slowest first read {slowest_read * 1000:.0f} ms, aim {READ * 1000:.0f} ms {verdict(slowest_read, READ)}; "
        f"slowest run again {slowest_run * 1000:.0f} ms, aim {AGAIN * 1000:.0f} ms {verdict(slowest_run, AGAIN)}."
    )
    return Section(
        "dashboard",
        "The dashboard",
        (
            _WHAT.format(coins=coins, hours=market.hours, pairs=coins * (coins - 1) // 2, runs=runs),
            Table(
                ("page", "first read", "first page", "run again", "another coin and range", "all of history", "again"),
                tuple(rows),
            ),
            told,
        ),
    )


def _told(output: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"^(\w+) ([0-9.]+)$", output, re.MULTILINE)}
