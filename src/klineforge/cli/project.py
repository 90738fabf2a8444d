"""What a command needs to know of the Kedro project it is called in. Starts no Spark and runs no hooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from klineforge.errors import ConfigurationError

LAKE_KEY = "lake"


@dataclass(frozen=True, slots=True)
class Project:
    """The project a command works on.

    Args:
        path: Its root folder.
        env: Kedro environment asked for; None for the default one.
    """

    path: Path
    env: str | None

    def lake(self, override: str | None = None) -> Path:
        """The lake's root: ``override``, or ``lake`` of ``globals.yml``, relative to the project.

        Raises:
            ConfigurationError: When the configuration names no lake.
        """
        chosen = override or self._globals().get(LAKE_KEY)
        if not chosen:
            raise ConfigurationError(
                f"no lake is configured: expected the key '{LAKE_KEY}' in conf/base/globals.yml of {self.path}. "
                "What to do: add it, or name the lake with --lake."
            )
        return self.path / str(chosen)

    def parameters(self, runtime: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of a run.

        Args:
            runtime: Those given on the command line, which count more than the configured ones.
        """
        return self._configured("parameters", runtime)

    def _globals(self) -> dict[str, Any]:
        return self._configured("globals", {})

    def _configured(self, kind: str, runtime: Mapping[str, Any]) -> dict[str, Any]:
        from kedro.framework.project import settings

        loader = settings.CONFIG_LOADER_CLASS(
            conf_source=str(self.path / settings.CONF_SOURCE),
            env=self.env,
            runtime_params=dict(runtime),
            **settings.CONFIG_LOADER_ARGS,
        )
        values: dict[str, Any] = loader[kind]
        return values


def current_project(env: str | None) -> Project:
    """The project of the calling command, made ready by Kedro or found from the working folder.

    Args:
        env: Kedro environment, or None for the default one.

    Raises:
        ConfigurationError: When there is no Kedro project here.
    """
    from kedro.framework.startup import ProjectMetadata, bootstrap_project
    from kedro.utils import find_kedro_project

    context = click.get_current_context(silent=True)
    known = context.find_object(ProjectMetadata) if context else None
    if known is not None:
        return Project(Path(known.project_path), env)
    root = find_kedro_project(Path.cwd())
    if root is None:
        raise ConfigurationError(
            f"{Path.cwd()} is not inside a Kedro project: expected a folder with the project's pyproject.toml. "
            "What to do: change into the KlineForge folder and try again."
        )
    bootstrap_project(root)
    return Project(Path(root), env)
