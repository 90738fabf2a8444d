"""``kedro klineforge app``: the dashboard in the browser."""

from __future__ import annotations

import click
from kedro.framework.cli.utils import CONTEXT_SETTINGS, env_option

from klineforge.cli.project import current_project
from klineforge.cli.user_errors import PlainErrorsCommand


@click.command(cls=PlainErrorsCommand, context_settings=CONTEXT_SETTINGS)
@click.option("--lake", metavar="PATH", default=None, help="Root of the lake. Default: `lake` of conf/*/globals.yml.")
@env_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 lets others in.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8501, show_default=True, help="TCP port; 0 takes any free one."
)
def app(lake: str | None, env: str | None, host: str, port: int) -> None:
    """Show the dashboard: five pages over the lake's tables, until Ctrl-C.

    Reads the tables directly, starts no Spark, and follows new commits by itself. Whoever reaches the address sees
    everything: it has no passwords.
    """
    from klineforge.app.launch import serve

    serve(current_project(env).lake(lake).resolve(), host, port)
