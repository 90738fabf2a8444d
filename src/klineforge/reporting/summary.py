"""What a run leaves the user with: a short summary of the lake and of the newest hour of the market."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from rich.columns import Columns
from rich.console import Console, ConsoleRenderable
from rich.text import Text

from klineforge.reporting.console import report_console
from klineforge.reporting.health import UNLISTED, LakeHealth, read_health
from klineforge.reporting.market import Correlation, MarketHour, Mover, read_newest_hour
from klineforge.reporting.render import grid, table_rows, titled
from klineforge.reporting.runlog import RunRecord
from klineforge.reporting.tables import TableProblem
from klineforge.reporting.wording import hour, percent

SIMULATED = "The market is SIMULATED: an exchange inside this project made every price. Nothing here is real."
_STRONGEST = 5
_NOT_THERE_BEFORE = "first run"
_TOUCHED = ("inserted", "updated", "deleted", "unchanged")


def print_summary(lake: str | Path, now: datetime, simulated: bool, console: Console | None = None) -> None:
    """Print the end-of-run summary.

    Args:
        lake: Root of the lake.
        now: Aware UTC instant.
        simulated: Whether the candles come from the embedded demo exchange; then the summary says so, twice.
        console: Where to; standard output by default.
    """
    out = console or report_console()
    health = read_health(lake, now)
    for part in _parts(health, _market_hour(health), simulated):
        out.print(part)
        out.print()


def _parts(health: LakeHealth, market: MarketHour, simulated: bool) -> Iterator[ConsoleRenderable]:
    yield Text.assemble(("KlineForge", "bold"), f"  lake {health.lake}, all times UTC")
    if simulated:
        yield Text(SIMULATED, style="bold yellow")
    yield table_rows(without_what_nobody_asked_for(health))
    if health.log.runs:
        yield _touched(health.log.runs[0])
    yield _losses(health)
    yield _market(market, simulated=simulated)
    yield _next(health.lake, simulated=simulated)


def without_what_nobody_asked_for(health: LakeHealth) -> LakeHealth:
    """The lake without those tables about itself, or for models, that nobody has asked for yet."""
    shown = tuple(
        entry
        for entry in health.tables
        if not (
            entry.layer in {"operations", "features"} and isinstance(entry, TableProblem) and entry.kind == "absent"
        )
    )
    return replace(health, tables=shown)


def _market_hour(health: LakeHealth) -> MarketHour:
    movers, pairs = (_newest(health, table) for table in ("mart_top_movers", "mart_correlations"))
    return read_newest_hour(health.lake, movers, pairs, _STRONGEST)


def _newest(health: LakeHealth, table: str) -> datetime | None:
    state = health.table(table)
    return state.newest if state else None


def _touched(run: RunRecord) -> Text:
    """What the run that has just been written to the log did, in all tables together."""
    entries = run.by_table()
    sums = {name: sum(getattr(entry, name) or 0 for entry in entries) for name in _TOUCHED}
    rows = ", ".join(f"{count:,} {name}" for name, count in sums.items())
    anew = ", ".join(entry.table for entry in entries if entry.reason not in {"", _NOT_THERE_BEFORE})
    made = f"\nMade anew: {anew}; kedro klineforge status says why" if anew else ""
    return Text(f"Rows of this run: {rows}{made}")


def _losses(health: LakeHealth) -> Text:
    kinds: dict[str, int] = {}
    for coin in health.coins:
        for kind, missing in coin.gaps:
            if kind in UNLISTED:
                continue
            kinds[kind] = kinds.get(kind, 0) + missing
    gaps = ", ".join(f"{missing:,} {kind}" for kind, missing in sorted(kinds.items()))
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in health.quarantined)
    state = health.table("quarantine_klines")
    quarantined = "unknown" if state is None else f"{state.rows:,}" + (f" ({reasons})" if reasons else "")
    without_gaps = "unknown" if health.table("kline_gaps") is None else "none"
    return Text(f"Missing coin hours: {gaps or without_gaps}\nQuarantined records: {quarantined}")


def _market(market: MarketHour, *, simulated: bool) -> ConsoleRenderable:
    parts = [
        titled(_heading("Strongest movers", market.movers_at, simulated), _movers(market.movers)),
        titled(_heading("Strongest correlations", market.correlations_at, simulated), _pairs(market.correlations)),
    ]
    return Columns(parts, padding=(0, 4))


def _heading(title: str, at: datetime | None, simulated: bool) -> str:
    return ", ".join([title, *(["simulated"] if simulated else []), *([hour(at)] if at else [])])


def _movers(movers: tuple[Mover, ...]) -> ConsoleRenderable:
    if not movers:
        return Text("none yet")
    shown = grid("rank", "coin", "return 1 h", "volume / mean", right=("rank", "return 1 h", "volume / mean"))
    for mover in movers:
        style = "green" if mover.return_pct >= 0 else "red"
        moved = Text(percent(mover.return_pct), style=style)
        shown.add_row(str(mover.mover_rank), mover.coin, moved, f"{mover.volume_spike_ratio:.2f}")
    return shown


def _pairs(pairs: tuple[Correlation, ...]) -> ConsoleRenderable:
    if not pairs:
        return Text("none yet")
    shown = grid("pair", "corr 24 h", "hours", "regime", right=("corr 24 h", "hours"))
    for pair in pairs:
        names = f"{pair.base_coin} {pair.related_coin}"
        shown.add_row(names, f"{pair.corr_24h:+.3f}", str(pair.observations_24h), pair.correlation_regime)
    return shown


def _next(lake: Path, *, simulated: bool) -> Text:
    demo = " --env demo" if simulated else ""
    return Text(
        "What to try next\n"
        "  run again in an hour: only the new hour is ingested and computed\n"
        f"  kedro run{demo} --pipeline quality --params lake={lake}    check every table and figure\n"
        f"  kedro klineforge status --lake {lake}    freshness, gaps, checkpoints, last runs\n"
        f'  make lineage ARGS="--lake {lake}"    every table and step as a picture\n'
        f"  polars.scan_delta('{lake}/marts/mart_top_movers')    any table, without Spark"
    )
