"""What Dagster has to know of the Kedro project: its tasks, the layers of datasets, where the lake is."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from kedro.io import MemoryDataset

from klineforge.alerting.channels import Channel
from klineforge.cli.project import LAKE_KEY
from klineforge.cli.project import Project as Commands
from klineforge.contracts import CONTRACTS
from klineforge.domain.contract import TableContract
from klineforge.errors import ConfigurationError
from klineforge.orchestration.session import Project
from klineforge.orchestration.tasks import Task, makes_tables, tasks_of

PARAMETERS_VARIABLE: Final = "KLINEFORGE_DAGSTER_PARAMS"
ENV_VARIABLE: Final = "KEDRO_ENV"
_NOT_GROUPED: Final = "other"


@dataclass(frozen=True)
class Place:
    """The project as Dagster's definitions are made from it.

    Args:
        project: Where it is and how it is run.
        tasks: Of all registered pipelines.
        jobs: Names of the nodes of each registered pipeline.
        layers: Layer of each dataset by the catalog; those that say none are left out.
        fresh_hours: How many closed hours may be missing in a table that is up to date.
        lake: Root of the lake.
    """

    project: Project
    tasks: tuple[Task, ...]
    jobs: Mapping[str, frozenset[str]]
    layers: Mapping[str, str]
    fresh_hours: int
    lake: Path

    @classmethod
    def of(cls, project: Project) -> Self:
        """Read a project; starts no Spark and touches no lake.

        Raises:
            ConfigurationError: When the folder is no Kedro project.
            MissingConfigException: When the environment does not exist.
        """
        from kedro.framework.project import pipelines, settings
        from kedro.framework.startup import bootstrap_project

        if not (project.path / "pyproject.toml").is_file():
            raise ConfigurationError(
                f"{project.path} is no Kedro project: expected a folder with KlineForge's pyproject.toml. What to do: "
                "call make dagster in the project's folder"
            )
        bootstrap_project(project.path)
        with settings.SESSION_CLASS.create(
            project_path=project.path, env=project.env, runtime_params=dict(project.parameters)
        ) as session:
            context = session.load_context()
            catalog = context.catalog
        configured = Commands(project.path, project.env)
        registered = dict(pipelines)
        named = {name for pipeline in registered.values() for name in pipeline.datasets() if not _is_parameter(name)}
        entries = {name: catalog.get(name) for name in sorted(named) if name in catalog}
        stored = {name for name, entry in entries.items() if not isinstance(entry, MemoryDataset)}
        return cls(
            project=project,
            tasks=tasks_of(registered, stored),
            jobs={name: frozenset(node.name for node in pipeline.nodes) for name, pipeline in registered.items()},
            layers={name: layer for name, entry in entries.items() if (layer := _layer(entry))},
            fresh_hours=int((configured.parameters(project.parameters).get("quality") or {}).get("fresh_hours", 3)),
            lake=configured.lake(project.parameters.get(LAKE_KEY)),
        )

    def group(self, dataset: str, task: Task | None = None) -> str:
        """The group a dataset is shown in: its layer, or the pipeline of the task that makes it."""
        return self.layers.get(dataset) or (task.pipeline.strip("_") if task else _NOT_GROUPED)

    def step(self, task: Task) -> str:
        """Name of the task's op; a job has the name of its pipeline, and Dagster wants the two to differ."""
        return f"{task.name}_together" if task.name in self.jobs else task.name

    def pipelines_of(self, nodes: frozenset[str], default: Sequence[str]) -> Sequence[str]:
        """The registered pipeline that consists of these nodes, or ``default`` where there is none."""
        return next(([name] for name, known in self.jobs.items() if known == nodes), default)

    def alert_channels(self) -> tuple[Channel, ...]:
        """Where alerts go, by the project's configuration as it is now."""
        from kedro.framework.project import settings

        with settings.SESSION_CLASS.create(
            project_path=self.project.path, env=self.project.env, runtime_params=dict(self.project.parameters)
        ) as session:
            channels: tuple[Channel, ...] = session.load_context().catalog.load("alert_channels")
        return channels

    def hourly_tables(self) -> tuple[TableContract, ...]:
        """Tables with a row per hour that every run makes; their newest hour says whether they are up to date."""
        made = {name for task in self.tasks if makes_tables(task) for name in task.outputs}
        return tuple(table for name, table in CONTRACTS.items() if name in made and table.rows_per_day)


def project_of_environment(path: Path) -> Project:
    """The project as the variables say that ``python -m klineforge.orchestration`` sets.

    Args:
        path: Its root folder.
    """
    parameters = json.loads(os.environ.get(PARAMETERS_VARIABLE) or "{}")
    return Project(path, os.environ.get(ENV_VARIABLE) or None, parameters)


def _is_parameter(name: str) -> bool:
    return name == "parameters" or name.startswith("params:")


def _layer(entry: Any) -> str | None:
    metadata = getattr(entry, "metadata", None) or {}
    layer = metadata.get("kedro-viz", {}).get("layer")
    return None if layer is None else str(layer)
