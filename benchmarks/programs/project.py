"""The project's pipelines in this process, without the command line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

from klineforge.runner import SideBySideRunner

REPOSITORY = Path(__file__).resolve().parents[2]


def session_on(lake: str | None = None) -> Any:
    """A session of this project, as a context manager; Kedro allows one run in each.

    Typed loosely because Kedro's protocol of sessions leaves out what its sessions do.
    """
    bootstrap_project(REPOSITORY)
    return KedroSession.create(project_path=REPOSITORY, runtime_params={"lake": lake} if lake else None)


def run_pipelines(lake: str, pipelines: Iterable[str], *, tables: Iterable[str] = ()) -> None:
    """Run pipelines, or of them what the tables need."""
    with session_on(lake) as session:
        session.run(pipeline_names=list(pipelines), to_outputs=list(tables) or None, runner=SideBySideRunner())
