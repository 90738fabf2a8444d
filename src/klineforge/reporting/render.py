"""``status`` on one screen: tables, coins, gaps, quarantine, checkpoints, runs, what the last run touched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from rich.columns import Columns
from rich.console import Console, ConsoleRenderable, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from klineforge.reporting.health import CoinHealth, LakeHealth, newest_due
from klineforge.reporting.runlog import RunRecord, TableOutcome
from klineforge.reporting.tables import TableProblem, TableState
from klineforge.reporting.wording import ABSENT, age, change, hour, hours

INACTIVE = "inactive"
_COUNTED_FROM = 3
_CHECKS_SHOWN = 15
OUTCOME_STYLE = {"succeeded": "green", "partial": "yellow", "failed": "red", "killed": "red"}


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
    for part in _parts(health):
        console.print()
        console.print(part)


def titled(title: str, body: ConsoleRenderable) -> Group:
    """A part of a report: its name in bold, its body below, indented."""
    return Group(Text(title, style="bold"), Padding(body, (0, 0, 0, 2)))


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


def _parts(health: LakeHealth) -> Iterator[ConsoleRenderable]:
    yield titled("Tables", table_rows(health))
    if health.coins:
        yield titled(f"Coins: {len(health.coins)}", _coins(health.coins))
    beside = [_gaps(health), _quarantine(health), *_checkpoints(health)]
    yield Columns(beside, padding=(0, 4))
    yield _checks(health)
    yield from _runs(health)
    yield from _last_run(health)
    if health.crowded:
        yield titled("Maintenance is due", Text(_due(health.crowded), style="yellow"))
    damaged = [table.name for table in health.tables if isinstance(table, TableProblem) and table.kind == "damaged"]
    if damaged:
        text = f"{', '.join(damaged)}\n`kedro klineforge repair --dry-run` tells what can be mended (docs/repair.md)"
        yield titled("Repair is due", Text(text, style="red"))
    if health.remarks:
        yield titled("Could not be read", Text("\n".join(health.remarks), style="red"))


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


def _gaps(health: LakeHealth) -> Group:
    alike: dict[tuple[str, int], list[str]] = defaultdict(list)
    for coin in health.coins:
        for kind, missing in coin.gaps:
            alike[(kind, missing)].append(coin.coin)
    if not alike:
        return titled("Gaps", _none_or_unknown(health, "kline_gaps"))
    shown = grid("kind", "hours each", "coins", right=("hours each",))
    for (kind, missing), names in sorted(alike.items(), key=lambda group: (group[0][0], -group[0][1])):
        shown.add_row(kind, f"{missing:,}", _names(names, len(health.coins)))
    total = sum(coin.gap_hours for coin in health.coins)
    return titled(f"Gaps: {total:,} missing coin hours", shown)


def _none_or_unknown(health: LakeHealth, table: str) -> Text:
    """Nothing in a table is good news only where the table can be read."""
    return Text("unknown", style="yellow") if health.table(table) is None else Text("none", style="green")


def _names(names: list[str], of: int) -> str:
    if len(names) == of > 1:
        return f"all {of}"
    return " ".join(names) + (f" ({len(names)})" if len(names) > _COUNTED_FROM else "")


def _quarantine(health: LakeHealth) -> Group:
    if not health.quarantined:
        return titled("Quarantine", _none_or_unknown(health, "quarantine_klines"))
    shown = grid("reason", "rows", right=("rows",))
    for reason, count in health.quarantined:
        shown.add_row(reason, f"{count:,}")
    return titled("Quarantine", shown)


def _checks(health: LakeHealth) -> Group:
    verdict = health.verdict
    if verdict is None:
        return titled("Checks", Text("never run: kedro run --pipeline quality", style="dim"))
    title = f"Checks: {verdict.rules:,}, {age(health.now - verdict.checked_at)} ago"
    if not verdict.broken:
        return titled(title, Text("all hold", style="green"))
    shown = grid("severity", "table", "rule", "failed", "what to do", right=("failed",))
    for rule in verdict.broken[:_CHECKS_SHOWN]:
        severity = Text("error", style="red") if rule.is_error else Text("warning", style="yellow")
        shown.add_row(severity, rule.table, rule.rule, f"{rule.failed:,}", rule.detail)
    return titled(f"{title}: {verdict.errors} errors, {verdict.warnings} warnings", shown)


def _checkpoints(health: LakeHealth) -> Iterator[Group]:
    if not health.checkpoints:
        return
    shown = grid("source", "status", "sources", "rows", right=("sources", "rows"))
    for count in health.checkpoints:
        shown.add_row(count.source_kind, count.status, f"{count.sources:,}", f"{count.rows:,}")
    yield titled("Checkpoints", shown)


def _runs(health: LakeHealth) -> Iterator[Group]:
    if health.log.runs:
        shown = grid("started", "pipeline", "env", "outcome", "took", "what changed")
        for run in health.log.runs:
            outcome = Text(run.outcome, style=OUTCOME_STYLE.get(run.outcome, ""))
            shown.add_row(hour(run.started_at), run.pipeline, run.env, outcome, took(run), changes(run))
        yield titled("Last runs", shown)
    if health.log.unreadable_lines:
        lost = health.log.unreadable_lines
        lines = "1 line" if lost == 1 else f"{lost} lines"
        yield titled("Run log", Text(f"{lines} of the run log cannot be read", style="yellow"))


def _last_run(health: LakeHealth) -> Iterator[Group]:
    """What the newest run that reached a table did to each one."""
    run = next((run for run in health.log.runs if run.tables), None)
    if run is None:
        return
    title = f"Tables of the run of {hour(run.started_at)}, {run.pipeline}"
    entries = run.by_table()
    touched = [entry for entry in entries if not entry.is_quiet]
    quiet = ", ".join(entry.table for entry in entries if entry.is_quiet)
    parts: list[ConsoleRenderable] = [_outcomes(touched)] if touched else []
    parts += [Text(f"made anew, {why}: {', '.join(names)}", style="yellow") for why, names in _reasons(touched).items()]
    if quiet:
        parts.append(Text(f"nothing to change in {quiet}", style="dim"))
    yield titled(title, Group(*parts))


def _reasons(entries: Iterable[TableOutcome]) -> dict[str, list[str]]:
    """Tables that were made anew, by why."""
    alike: dict[str, list[str]] = {}
    for entry in entries:
        if entry.reason:
            alike.setdefault(entry.reason, []).append(entry.table)
    return alike


def _outcomes(entries: Iterable[TableOutcome]) -> Table:
    figures = ("inserted", "updated", "deleted", "unchanged")
    shown = grid("table", "action", *figures, "seconds", right=(*figures, "seconds"))
    for entry in entries:
        counts = (_count(getattr(entry, name)) for name in figures)
        seconds = ABSENT if entry.seconds is None else f"{entry.seconds:.1f}"
        shown.add_row(entry.table, entry.action, *counts, seconds)
    return shown


def _count(rows: int | None) -> str:
    return ABSENT if rows is None else f"{rows:,}"


def _due(tables: tuple[str, ...]) -> str:
    return f"many small files in {', '.join(tables)}\n`kedro klineforge maintain` joins them"


def took(run: RunRecord) -> str:
    """How long a run took."""
    return ABSENT if run.took is None else age(run.took)


def changes(run: RunRecord) -> str:
    """What a run changed, or what ended it, in one line."""
    if run.error:
        return next(iter(run.error.strip().splitlines()), "")
    rows = sum((entry.inserted or 0) + (entry.updated or 0) + (entry.deleted or 0) for entry in run.tables)
    changed = {entry.table for entry in run.tables if entry.inserted or entry.updated or entry.deleted}
    if not changed:
        return "nothing new"
    return f"{rows:,} rows in {len(changed)} of {len({entry.table for entry in run.tables})} tables"
