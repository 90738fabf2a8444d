"""``status`` on one screen: tables, coins, gaps, quarantine, checkpoints, runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from rich.console import Console, ConsoleRenderable
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from klineforge.reporting.health import CoinHealth, LakeHealth, newest_due
from klineforge.reporting.runlog import RunRecord
from klineforge.reporting.tables import TableProblem, TableState
from klineforge.reporting.wording import ABSENT, age, change, hour, hours

INACTIVE = "inactive"
_COUNTED_FROM = 3
_OUTCOME_STYLE = {"succeeded": "green", "partial": "yellow", "failed": "red"}


def print_status(health: LakeHealth, console: Console) -> None:
    """Print the health of a lake.

    Args:
        health: What was read.
        console: Where to.
    """
    console.print(_title(health))
    if not health.exists:
        console.print(Text("There is no lake here yet. `kedro run` makes it; `kedro run --env demo` needs no network."))
        return
    for heading, body in _sections(health):
        console.print()
        console.print(Text(heading, style="bold"))
        console.print(Padding(body, (0, 0, 0, 2)))


def grid(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """An unframed table with a quiet head; columns named in ``right`` are figures."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", no_wrap=column in right)
    return table


def table_rows(health: LakeHealth) -> Table:
    """Layer, rows, newest hour, version and last change of every table."""
    shown = grid("layer", "table", "rows", "newest hour", "version", "last change", right=("rows", "version"))
    layer = ""
    for entry in health.tables:
        first = entry.layer if entry.layer != layer else ""
        layer = entry.layer
        shown.add_row(first, entry.name, *_cells(entry, health))
    return shown


def _cells(entry: TableState | TableProblem, health: LakeHealth) -> tuple[Text | str, ...]:
    if isinstance(entry, TableProblem):
        style = "red" if entry.kind == "damaged" else "dim"
        return (Text(entry.kind, style=style), ABSENT, ABSENT, Text(entry.detail, style=style))
    return (f"{entry.rows:,}", hour(entry.newest), str(entry.version), change(entry.last_change, health.now))


def _title(health: LakeHealth) -> Text:
    due = newest_due(health.now)
    times = f"   now {health.now:%Y-%m-%d %H:%M}, newest complete hour {due:%H:%M}; all times UTC"
    return Text.assemble(("Lake ", "bold"), (str(health.lake), "bold cyan"), times)


def _sections(health: LakeHealth) -> Iterator[tuple[str, ConsoleRenderable]]:
    yield "Tables", table_rows(health)
    if health.coins:
        yield f"Coins: {len(health.coins)}", _coins(health.coins)
    yield _gaps(health.coins)
    yield _quarantine(health.quarantined)
    if health.checkpoints:
        yield "Checkpoints", _checkpoints(health)
    if health.log.runs or health.log.unreadable_lines:
        yield "Last runs", _runs(health)
    if health.remarks:
        yield "Could not be read", Text("\n".join(health.remarks), style="red")


def _coins(coins: tuple[CoinHealth, ...]) -> Table:
    """Coins that reach equally far share a line, so that a hundred fresh coins still fit the screen."""
    alike: dict[tuple[int, str, str], list[str]] = defaultdict(list)
    for coin in coins:
        alike[(coin.hours_behind, _freshness(coin), hour(coin.last_candle))].append(coin.coin)
    shown = grid("freshness", "last candle", "coins")
    for (behind, freshness, last), names in sorted(alike.items()):
        style = "green" if behind == 0 else "dim" if freshness == INACTIVE else "yellow"
        shown.add_row(Text(freshness, style=style), last, _names(names, len(coins)))
    return shown


def _freshness(coin: CoinHealth) -> str:
    if coin.hours_behind == 0:
        return "up to date"
    return INACTIVE if coin.is_active is False else f"{hours(coin.hours_behind)} behind"


def _gaps(coins: tuple[CoinHealth, ...]) -> tuple[str, ConsoleRenderable]:
    alike: dict[tuple[str, int], list[str]] = defaultdict(list)
    for coin in coins:
        for kind, missing in coin.gaps:
            alike[(kind, missing)].append(coin.coin)
    if not alike:
        return "Gaps", Text("none")
    shown = grid("kind", "hours each", "coins", right=("hours each",))
    for (kind, missing), names in sorted(alike.items(), key=lambda group: (group[0][0], -group[0][1])):
        shown.add_row(kind, f"{missing:,}", _names(names, len(coins)))
    return f"Gaps: {sum(coin.gap_hours for coin in coins):,} missing coin hours", shown


def _names(names: list[str], of: int) -> str:
    if len(names) == of > 1:
        return f"all {of}"
    return " ".join(names) + (f" ({len(names)})" if len(names) > _COUNTED_FROM else "")


def _quarantine(reasons: tuple[tuple[str, int], ...]) -> tuple[str, ConsoleRenderable]:
    if not reasons:
        return "Quarantine", Text("empty")
    shown = grid("reason", "rows", right=("rows",))
    for reason, count in reasons:
        shown.add_row(reason, f"{count:,}")
    return "Quarantine", shown


def _checkpoints(health: LakeHealth) -> Table:
    shown = grid("source", "status", "sources", "rows", right=("sources", "rows"))
    for count in health.checkpoints:
        shown.add_row(count.source_kind, count.status, f"{count.sources:,}", f"{count.rows:,}")
    return shown


def _runs(health: LakeHealth) -> Table:
    shown = grid("started", "pipeline", "env", "outcome", "took", "tables changed")
    for run in health.log.runs:
        outcome = Text(run.outcome, style=_OUTCOME_STYLE.get(run.outcome, ""))
        took = age(run.ended_at - run.started_at)
        shown.add_row(hour(run.started_at), run.pipeline, run.env, outcome, took, _changed(run))
    if health.log.unreadable_lines:
        shown.add_row(Text(f"{health.log.unreadable_lines} unreadable lines in the run log", style="yellow"))
    return shown


def _changed(run: RunRecord) -> str:
    if run.error:
        return run.error.strip().splitlines()[0] if run.error.strip() else "failed"
    changed = [table for table in run.tables if table.inserted or table.updated or table.deleted]
    if not changed:
        return "nothing new"
    rows = sum((table.inserted or 0) + (table.updated or 0) + (table.deleted or 0) for table in changed)
    return f"{len(changed)} tables, {rows:,} rows"
