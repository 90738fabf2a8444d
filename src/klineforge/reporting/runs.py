"""``runs`` on one screen: the last runs, or one run with its nodes and tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console, ConsoleRenderable
from rich.table import Table
from rich.text import Text

from klineforge.errors import ConfigurationError
from klineforge.reporting.render import OUTCOME_STYLE, changes, grid, titled, took
from klineforge.reporting.runlog import RUN_LOG, RunLog, find_run
from klineforge.reporting.runrecord import RunRecord, TableOutcome
from klineforge.reporting.wording import ABSENT

_FIGURES = ("inserted", "updated", "deleted", "unchanged")


def require_run(lake: Path, run_id: str) -> RunRecord:
    """The run with an identifier.

    Args:
        lake: Root of the lake.
        run_id: The identifier, or the beginning of one where that is said of a single run.

    Raises:
        ConfigurationError: When there is none.
    """
    run = find_run(lake, run_id)
    if run is None:
        raise ConfigurationError(
            f"no single run in {lake / RUN_LOG} has an id that begins with {run_id!r}. What to do: take one that "
            "`kedro klineforge runs` lists; older ones are in the table operations/run_log"
        )
    return run


def print_runs(lake: Path, log: RunLog, console: Console) -> None:
    """Print the last runs, newest first.

    Args:
        lake: Root of the lake.
        log: What was read.
        console: Where to.
    """
    if not log.runs:
        console.print(Text(f"No run has ended in {lake} yet."))
    else:
        shown = grid("run", "started", "pipeline", "env", "outcome", "took", "what changed")
        for run in log.runs:
            shown.add_row(
                run.run_id, _second(run), run.pipeline, run.env, _outcome(run.outcome), took(run), changes(run)
            )
        console.print(titled(f"Runs of {lake}, all times UTC", shown))
    if log.unreadable_lines:
        console.print(Text(f"lines of the run log that cannot be read: {log.unreadable_lines}", style="yellow"))


def print_run(run: RunRecord, console: Console) -> None:
    """Print one run: its facts, nodes and tables.

    Args:
        run: The run.
        console: Where to.
    """
    for part in _parts(run):
        console.print(part)


def _parts(run: RunRecord) -> Iterator[ConsoleRenderable]:
    yield titled(f"Run {run.run_id}, all times UTC", _facts(run))
    if run.nodes:
        shown = grid("node", "started", "seconds", "outcome", "error", right=("seconds",))
        for node in run.nodes:
            seconds = f"{(node.ended_at - node.started_at).total_seconds():.1f}"
            started = f"{node.started_at:%H:%M:%S}"
            shown.add_row(node.name, started, seconds, _outcome(node.outcome), _first_line(node.error))
        yield titled("Nodes", shown)
    if run.tables:
        yield titled("Tables", _tables(run.by_table()))


def _facts(run: RunRecord) -> Table:
    shown = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    shown.add_row("pipeline", f"{run.pipeline}, environment {run.env}, KlineForge {run.package_version or ABSENT}")
    shown.add_row("started", f"{_second(run)}, took {took(run)}")
    shown.add_row("outcome", _outcome(run.outcome))
    if run.error:
        shown.add_row("error", Text(run.error, style="red"))
    shown.add_row("parameters", json.dumps(dict(run.parameters), sort_keys=True, default=str))
    return shown


def _tables(tables: tuple[TableOutcome, ...]) -> Table:
    right = (*_FIGURES, "bytes", "seconds")
    shown = grid("table", "action", "version", *_FIGURES, "bytes", "seconds", "read", right=right)
    for entry in tables:
        counts = (_count(getattr(entry, name)) for name in _FIGURES)
        seconds = ABSENT if entry.seconds is None else f"{entry.seconds:.1f}"
        read = ", ".join(f"{name} {version}" for name, version in entry.read.items())
        action = Text(entry.action, style=OUTCOME_STYLE.get(entry.action, ""))
        shown.add_row(entry.table, action, _versions(entry), *counts, _count(entry.bytes_added), seconds, read)
    return shown


def _versions(entry: TableOutcome) -> str:
    before, after = (ABSENT if one is None else str(one) for one in (entry.version_before, entry.version))
    return after if before == after else f"{before} -> {after}"


def _count(number: int | None) -> str:
    return ABSENT if number is None else f"{number:,}"


def _second(run: RunRecord) -> str:
    return f"{run.started_at:%Y-%m-%d %H:%M:%S}"


def _outcome(outcome: str) -> Text:
    return Text(outcome, style=OUTCOME_STYLE.get(outcome, ""))


def _first_line(error: str | None) -> str:
    return next(iter((error or "").strip().splitlines()), "")
