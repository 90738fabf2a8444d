"""Kedro's ``run``, with every option it has, ending user errors in a message."""

from __future__ import annotations

from kedro.framework.cli.project import run as kedro_run

from klineforge.cli.user_errors import PlainErrorsCommand

run = PlainErrorsCommand(
    "run",
    callback=kedro_run.callback,
    params=kedro_run.params,
    help=kedro_run.help,
    context_settings=kedro_run.context_settings,
)
