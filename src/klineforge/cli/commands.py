"""The commands of ``kedro klineforge``. What they do is imported when they are called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click
from kedro.framework.cli.utils import CONTEXT_SETTINGS, env_option
from kedro.framework.cli.utils import _split_params as split_params

from klineforge.cli.project import LAKE_KEY, current_project
from klineforge.cli.user_errors import PlainErrorsCommand

_lake_option = click.option(
    "--lake", metavar="PATH", default=None, help="Root of the lake. Default: `lake` of conf/*/globals.yml."
)


@click.command(cls=PlainErrorsCommand, context_settings=CONTEXT_SETTINGS)
@_lake_option
@env_option
def status(lake: str | None, env: str | None) -> None:
    """Show tables, freshness, gaps, quarantine, checkpoints and runs."""
    from klineforge.reporting.console import report_console
    from klineforge.reporting.health import read_health
    from klineforge.reporting.render import print_status

    health = read_health(current_project(env).lake(lake), datetime.now(UTC))
    print_status(health, report_console())


@click.command(cls=PlainErrorsCommand, context_settings=CONTEXT_SETTINGS)
@_lake_option
@env_option
@click.option(
    "--run", "run_id", metavar="RUN_ID", default=None, help="Show one run; the beginning of its id is enough."
)
@click.option("--last", type=click.IntRange(min=1), default=20, show_default=True, help="How many runs to list.")
def runs(lake: str | None, env: str | None, run_id: str | None, last: int) -> None:
    """List the last runs, or show the nodes and tables of one."""
    from klineforge.reporting.console import report_console
    from klineforge.reporting.runlog import read_runs
    from klineforge.reporting.runs import print_run, print_runs, require_run

    root = current_project(env).lake(lake)
    if run_id is None:
        print_runs(root, read_runs(root, last), report_console())
    else:
        print_run(require_run(root, run_id), report_console())


@click.command(cls=PlainErrorsCommand, context_settings=CONTEXT_SETTINGS)
@click.argument("tables", metavar="TABLE...", nargs=-1, required=True)
@_lake_option
@env_option
def rebuild(tables: tuple[str, ...], lake: str | None, env: str | None) -> None:
    """Compute tables from scratch instead of from what changed.

    TABLE is the name of one or more derived tables (silver, gold, marts, features). The tables that read them take over
    what came out differently at the next run.
    """
    from klineforge.cli.rebuilding import rebuild_tables, require_derived

    require_derived(tables)
    rebuilt = rebuild_tables(current_project(env), tables, lake)
    click.echo(f"Rebuilt {', '.join(rebuilt)}. `kedro run` carries what changed to the tables that read them.")


@click.command(cls=PlainErrorsCommand, context_settings=CONTEXT_SETTINGS)
@click.argument("tables", metavar="[TABLE]...", nargs=-1)
@_lake_option
@env_option
@click.option("--dry-run", is_flag=True, help="Change nothing, only say what would be done.")
@click.option(
    "--keep-hours",
    type=click.IntRange(min=0),
    default=168,
    show_default=True,
    help="How long a data file stays after the last version that held it.",
)
@click.option(
    "--keep-log-days", type=click.IntRange(min=0), default=30, show_default=True, help="How long a log entry stays."
)
@click.option("--force", is_flag=True, help="Keep less than 168 hours or 30 days: readers at work may fail.")
def maintain(tables: tuple[str, ...], lake: str | None, env: str | None, dry_run: bool, **keeping: Any) -> None:
    """Join small files and remove what nobody needs any more.

    TABLE is the name of one or more tables; all of them by default. What a derived table has not read yet always stays.
    """
    from klineforge.cli.maintenance import Request, maintain_lake, print_maintenance, raise_failures
    from klineforge.reporting.console import report_console

    root = current_project(env).lake(lake)
    done = maintain_lake(root, Request(tables, dry_run=dry_run, **keeping), datetime.now(UTC))
    print_maintenance(root, done, report_console(), dry_run=dry_run)
    raise_failures(done)


@click.command(cls=PlainErrorsCommand, context_settings=CONTEXT_SETTINGS)
@click.option("--table", "tables", metavar="NAME", multiple=True, help="Only this table; may be given several times.")
@_lake_option
@env_option
@click.option("--dry-run", is_flag=True, help="Change nothing, only say what is wrong and what would be done.")
def repair(tables: tuple[str, ...], lake: str | None, env: str | None, dry_run: bool) -> None:
    """Find damaged tables and mend what can be mended without losing anything.

    What is set aside is kept in the folder `damaged` of the lake. Ends with 1 when something is left.
    """
    from klineforge.cli.repairing import end_with_what_is_left, print_diagnosis, repair_lake
    from klineforge.reporting.console import report_console

    root = current_project(env).lake(lake)
    done = repair_lake(root, tables, datetime.now(UTC), dry_run=dry_run)
    print_diagnosis(root, done, report_console(), dry_run=dry_run)
    end_with_what_is_left(done, dry_run=dry_run)


@click.command(cls=PlainErrorsCommand, context_settings=CONTEXT_SETTINGS)
@_lake_option
@env_option
@click.option(
    "--after",
    type=click.IntRange(0, 3600),
    default=20,
    show_default=True,
    metavar="SECONDS",
    help="How long after its end an hour is asked for; corrections within two days are found anyway.",
)
@click.option(
    "--params",
    default="",
    callback=split_params,
    help="Runtime parameters, as for `kedro run`: coins=BTCUSDT,start=...",
)
@click.option(
    "--pipelines",
    default="__default__",
    show_default=True,
    help="What each run makes, names with commas: __default__,features makes the tables for models, too.",
)
def follow(lake: str | None, env: str | None, after: int, params: dict[str, Any], pipelines: str) -> None:
    """Keep running: ingest every hour soon after it has closed and bring all tables up to date.

    Begins with everything that is missing. Ctrl-C or SIGTERM ends it after the run in work; a second one at once.
    """
    from klineforge.cli.following import follow as follow_exchange
    from klineforge.cli.following import known_pipelines

    parameters = params if lake is None else {**params, LAKE_KEY: lake}
    project = current_project(env)
    follow_exchange(project, timedelta(seconds=after), parameters, known_pipelines(pipelines))


@click.command(cls=PlainErrorsCommand, context_settings=CONTEXT_SETTINGS)
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default="a free one", help="Loopback port.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=None, show_default="the demo's", help="Chooses the simulated market."
)
@click.option(
    "--fault",
    "faults",
    metavar="NAME:KEY=VALUE,...",
    multiple=True,
    help="Let something go wrong; may be given several times. --fault help lists what can.",
)
def exchange(port: int, seed: int | None, faults: tuple[str, ...]) -> None:
    """Serve the simulated demo exchange until interrupted."""
    from klineforge.simulator.command import serve
    from klineforge.simulator.faults.fault import describe_kinds, parse_fault

    if "help" in faults:
        click.echo(describe_kinds())
        return
    serve(port=port, seed=seed, faults=[parse_fault(text) for text in faults])


@click.command(cls=PlainErrorsCommand, context_settings=CONTEXT_SETTINGS)
@_lake_option
@env_option
@click.option("--output", metavar="PATH", default="site/lineage", show_default=True, help="Folder to write.")
def lineage(lake: str | None, env: str | None, output: str) -> None:
    """Build the static lineage site (kedro-viz) with table previews."""
    from klineforge.lineage.site import browse_hint, build_site

    project = current_project(env)
    target = project.path / output
    health = build_site(
        project.path,
        target,
        lake=project.lake(lake),
        now=datetime.now(UTC),
        env=env,
        parameters=None if lake is None else {LAKE_KEY: lake},
    )
    click.echo(browse_hint(target, health))
