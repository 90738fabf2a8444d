"""Kedro's ``run``, with every option it has, ending user errors in a message."""

from __future__ import annotations

import warnings
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run

from klineforge.cli.user_errors import PlainErrorsCommand

DEFAULT_RUNNER = "klineforge.runner.SideBySideRunner"


class RunCommand(PlainErrorsCommand):
    """``kedro run`` with several tables at a time unless ``--runner`` says otherwise.

    ``--pipeline`` is as good as ``--pipelines`` here: Kedro remarks that it is the older form.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run the pipelines."""
        if ctx.params.get("is_async") and not ctx.params.get("runner"):
            raise click.UsageError("--async is of no use here: tables are made side by side anyway; leave it out")
        ctx.params["runner"] = ctx.params.get("runner") or DEFAULT_RUNNER
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Option '--pipeline' is deprecated")
            return super().invoke(ctx)


run = RunCommand(
    "run",
    callback=kedro_run.callback,
    params=kedro_run.params,
    help=kedro_run.help,
    context_settings=kedro_run.context_settings,
)
