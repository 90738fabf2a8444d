"""``kedro klineforge alerts``: look at alerts and at what thresholds would have told, without sending anything."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from kedro.framework.cli.utils import CONTEXT_SETTINGS, env_option
from kedro.framework.cli.utils import _split_params as split_params

from klineforge.cli.project import LAKE_KEY, current_project
from klineforge.cli.user_errors import PlainErrorsCommand

if TYPE_CHECKING:
    from klineforge.alerting.warehouse import Warehouse

_lake_option = click.option(
    "--lake", metavar="PATH", default=None, help="Root of the lake. Default: `lake` of conf/*/globals.yml."
)
_TOLD_SHOWN = 20


@click.group("alerts", context_settings=CONTEXT_SETTINGS)
def alerts() -> None:
    """Look at alerts and try thresholds; `kedro run --pipeline alerts` finds and sends them."""


@alerts.command(cls=PlainErrorsCommand, context_settings=CONTEXT_SETTINGS)
@_lake_option
@env_option
@click.option("--start", default=None, metavar="DATE", help="First hour, UTC. Default: the first there is.")
@click.option("--end", default=None, metavar="DATE", help="End, exclusive, UTC. Default: after the newest there is.")
@click.option(
    "--params",
    default="",
    callback=split_params,
    help="Other thresholds, for example alerts.rules.volume_spike.above=10",
)
def replay(lake: str | None, env: str | None, start: str | None, end: str | None, params: dict[str, Any]) -> None:
    """Count what the rules would have told, per week; sends nothing and writes nothing.

    Freshness is left out: tables do not remember when their rows arrived.
    """
    from klineforge.alerting.settings import parse_alert_settings
    from klineforge.alerting.warehouse import all_events
    from klineforge.domain.parameters import parse_instant
    from klineforge.errors import ConfigurationError

    project = current_project(env)
    settings = parse_alert_settings({**(project.parameters(params).get("alerts") or {}), "routes": {}}, ())
    root = project.lake(lake or params.get(LAKE_KEY))
    since = None if start is None else parse_instant(start, "start")
    until = None if end is None else parse_instant(end, "end")
    if since is not None and until is not None and until <= since:
        raise ConfigurationError(f"--end must lie after --start, found start={start} end={end}")
    warehouse = _warehouse(root)
    span = _span(warehouse, since, until)
    if span is None:
        raise ConfigurationError(f"the lake {root} holds no figures in these hours; run `kedro run` first")
    _print_counts(root, span, settings.rules, all_events(warehouse, settings, since, until))


@alerts.command("list", cls=PlainErrorsCommand, context_settings=CONTEXT_SETTINGS)
@_lake_option
@env_option
def list_alerts(lake: str | None, env: str | None) -> None:
    """Show alerts that wait for delivery, and the newest of all."""
    from rich.text import Text

    from klineforge.alerting.outbox import undelivered
    from klineforge.pipelines.alerts.nodes import rows_of
    from klineforge.reporting.console import report_console
    from klineforge.reporting.render import grid, titled

    root = current_project(env).lake(lake)
    rows = rows_of(_table(root, "alerts"))
    waiting = undelivered(rows, rows_of(_table(root, "alert_deliveries")))
    console = report_console()
    open_ones = grid("hour", "severity", "rule", "event", "channel", "attempts", "last error", right=("attempts",))
    for one in waiting.iter_rows(named=True):
        event = (_hour(one["hour"]), one["severity"], one["rule"], one["message"], one["channel"])
        open_ones.add_row(*event, str(one["attempts"]), one["last_error"] or "-")
    console.print(titled(f"Waiting for delivery: {waiting.height}", open_ones if waiting.height else Text("nothing")))
    newest = grid("hour", "severity", "rule", "event")
    for one in rows.sort("fired_at", "hour", descending=True).head(_TOLD_SHOWN).iter_rows(named=True):
        newest.add_row(_hour(one["hour"]), one["severity"], one["rule"], one["message"])
    console.print(titled(f"Newest of {rows.height:,} alerts, times UTC", newest))


def _table(root: Path, name: str) -> Any:
    from klineforge.contracts import contract_of
    from klineforge.lake.location import TableLocation
    from klineforge.lake.table import LakeTable

    contract = contract_of(name)
    return LakeTable.at(contract, TableLocation(str(root / contract.layer / name)))


def _warehouse(root: Path) -> Warehouse:
    from klineforge.datasets.run_context import RunContextDataset
    from klineforge.pipelines.alerts.nodes import warehouse_of
    from klineforge.pipelines.alerts.pipeline import TABLES_READ

    return warehouse_of([_table(root, name) for name in TABLES_READ], RunContextDataset(path=str(root)).load())


def _span(warehouse: Warehouse, start: datetime | None, end: datetime | None) -> tuple[datetime, datetime] | None:
    """The hours looked at: those asked for, as far as there are figures."""
    import polars as pl

    from klineforge.domain.hours import HOUR

    if "mart_returns_1h" not in warehouse.tables:
        return None
    hours = warehouse.rows("mart_returns_1h", start, end).select(
        pl.col("open_timestamp").min().alias("first"), pl.col("open_timestamp").max().alias("last")
    )
    first, last = hours.collect().row(0)
    return None if first is None else (start or first, end or last + HOUR)


def _print_counts(root: Path, span: tuple[datetime, datetime], rules: Any, events: Any) -> None:
    from klineforge.alerting.replay import counted
    from klineforge.reporting.console import report_console
    from klineforge.reporting.render import grid, titled

    counts = counted(events, [name for name in rules if name != "freshness"], *span)
    shown = grid("rule", "events", "median a week", "most", "in the week of", right=("events", "median a week", "most"))
    worst = grid("rule", "hour", "event")
    for one in counts:
        week = "-" if one.busiest_week is None else f"{one.busiest_week:%Y-%m-%d}"
        shown.add_row(one.rule, f"{one.events:,}", f"{one.median_per_week:g}", str(one.most_per_week), week)
        for event in one.worst:
            worst.add_row(one.rule, _hour(event.hour), event.message)
    console = report_console()
    console.print(titled(f"What {root} would have told from {_hour(span[0])} to {_hour(span[1])} UTC", shown))
    console.print(titled("The largest", worst))


def _hour(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
