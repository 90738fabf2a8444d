"""``kedro klineforge pulse``: an exit code for health checks, schedulers and whatever watches from outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
from kedro.framework.cli.utils import CONTEXT_SETTINGS, env_option

from klineforge.cli.project import current_project
from klineforge.cli.user_errors import PlainErrorsCommand


@click.command(cls=PlainErrorsCommand, context_settings=CONTEXT_SETTINGS)
@click.option("--lake", metavar="PATH", default=None, help="Root of the lake. Default: `lake` of conf/*/globals.yml.")
@env_option
@click.option(
    "--within",
    type=click.IntRange(min=1),
    default=150,
    show_default=True,
    metavar="MINUTES",
    help="How long ago the newest run that succeeded may have ended; 150 for hourly runs, 1560 for daily ones.",
)
@click.option("--pipeline", default="__default__", show_default=True, help="Whose runs count.")
def pulse(lake: str | None, env: str | None, within: int, pipeline: str) -> None:
    """Tell whether runs still come: exit code 0 if one succeeded lately, else 1.

    Reads the end of the run log, no table; starts no Spark.
    """
    from klineforge.reporting.pulse import read_pulse

    found = read_pulse(current_project(env).lake(lake), datetime.now(UTC), timedelta(minutes=within), pipeline)
    click.echo(found.told)
    if not found.beats:
        raise click.exceptions.Exit(1)
