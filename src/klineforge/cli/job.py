"""``klineforge-job``: ``kedro run`` of the installed package, as a scheduler's task starts it, with no project folder.

It takes the options of ``kedro run`` and ``--secret-scope``. A success returns instead of leaving by ``SystemExit``,
which Databricks takes for a failure of a wheel's task.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from klineforge.datasets.alert_channels import URL_PREFIX


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the arguments say.

    Args:
        arguments: Those of ``kedro run`` and ``--secret-scope NAME``; of the command line by default.

    Raises:
        SystemExit: Only when the run has failed, or its arguments are wrong.
    """
    from kedro.framework.project import configure_project

    os.environ.setdefault("DO_NOT_TRACK", "1")
    configure_project("klineforge")
    try:
        _command().main(list(sys.argv[1:] if arguments is None else arguments), "klineforge-job", standalone_mode=False)
    except click.ClickException as problem:
        problem.show()
        raise SystemExit(problem.exit_code) from None
    except click.Abort:
        raise SystemExit(1) from None


def take_secrets(scope: str) -> list[str]:
    """Put the addresses of alert channels that a Databricks secret scope holds into this process's environment.

    Args:
        scope: Name of the scope; its keys ``KLINEFORGE_ALERT_URL_<NAME>`` are taken, others are left alone.

    Returns:
        The names of the variables, never their values.
    """
    secrets: Any = importlib.import_module("databricks.sdk.runtime").dbutils.secrets
    names = sorted(entry.key for entry in secrets.list(scope) if entry.key.startswith(URL_PREFIX))
    for name in names:
        os.environ.setdefault(name, secrets.get(scope, name))
    return names


def _command() -> click.Command:
    from klineforge.cli.running import RunCommand, run

    def run_with_secrets(secret_scope: str, **options: Any) -> Any:
        if secret_scope:
            take_secrets(secret_scope)
        return run.callback(**options) if run.callback else None

    scope = click.Option(["--secret-scope"], default="", help="Databricks secret scope with the alert channels.")
    return RunCommand("klineforge-job", callback=run_with_secrets, params=[*run.params, scope], help=run.help)
