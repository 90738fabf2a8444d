"""Commands of the project: ``kedro klineforge ...`` and KlineForge's own ``kedro run``.

Kedro loads ``commands`` through the entry point ``kedro.project_commands`` and ``cli`` because this module is called
``klineforge.cli``; what stands in ``cli`` replaces Kedro's command of the same name. Every command is imported when it
is called, so that ``--help`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import click
from kedro.framework.cli.utils import CONTEXT_SETTINGS, LazyGroup

if TYPE_CHECKING:
    from klineforge.cli.running import run as run

_COMMANDS = "klineforge.cli.commands"


@click.group(
    "klineforge",
    cls=LazyGroup,
    context_settings=CONTEXT_SETTINGS,
    lazy_subcommands={
        **{
            name: f"{_COMMANDS}.{name}"
            for name in ("status", "runs", "rebuild", "follow", "maintain", "repair", "exchange", "lineage")
        },
        "alerts": "klineforge.cli.alerts.alerts",
        "app": "klineforge.cli.app.app",
        "pulse": "klineforge.cli.pulse.pulse",
    },
)
def klineforge() -> None:
    """Look after the lake and into it: health, runs, repair, alerts, the dashboard, the demo exchange, the lineage."""


commands = click.Group("KlineForge", commands=[klineforge])

cli = LazyGroup("KlineForge", lazy_subcommands={"run": "klineforge.cli.running.run"})


def __getattr__(name: str) -> Any:
    """``run``, for Kedro's packaged mode, which looks for it here."""
    if name == "run":
        return importlib.import_module("klineforge.cli.running").run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
