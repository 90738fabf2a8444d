"""Run exactly the nodes that write chosen tables, told to compute them from scratch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from klineforge.cli.project import LAKE_KEY, Project
from klineforge.contracts import CONTRACTS

REBUILD_KEY = "rebuild"


def derived_tables() -> tuple[str, ...]:
    """Tables that are a function of bronze and so can be computed again; what happened to the warehouse is not."""
    return tuple(contract.name for contract in CONTRACTS.values() if contract.layer not in {"bronze", "operations"})


def require_derived(tables: Iterable[str]) -> None:
    """Refuse names that are no derived table.

    Raises:
        click.UsageError: One line that lists the tables there are; the exit code is 2.
    """
    wrong = [table for table in tables if table not in derived_tables()]
    if wrong:
        raise click.UsageError(
            f"cannot rebuild {', '.join(wrong)}: expected a derived table, one of {', '.join(derived_tables())}"
        )


def rebuild_tables(project: Project, tables: Iterable[str], lake: str | None) -> tuple[str, ...]:
    """Run the nodes that write ``tables`` with the runtime parameter ``rebuild``.

    Args:
        project: The project whose pipelines are run.
        tables: Names of derived tables.
        lake: Root of the lake in place of the configured one.

    Returns:
        The tables, each once, in the order given.

    Raises:
        klineforge.errors.KlineForgeError: Whatever the nodes raise.
    """
    from kedro.framework.project import pipelines, settings

    chosen = tuple(dict.fromkeys(tables))
    writers = _writers(pipelines, chosen)
    parameters: dict[str, object] = {REBUILD_KEY: list(chosen)}
    if lake is not None:
        parameters[LAKE_KEY] = lake
    with settings.SESSION_CLASS.create(
        project_path=project.path, env=project.env, runtime_params=parameters
    ) as session:
        session.run(pipeline_names=list(writers), node_names=[node for nodes in writers.values() for node in nodes])
    return chosen


def _writers(pipelines: Mapping[str, Any], tables: Iterable[str]) -> dict[str, list[str]]:
    """Nodes that write the tables, by the pipeline they are run in: the default one for all that it writes."""
    found: dict[str, list[str]] = {}
    left = set(tables)
    for name in sorted(pipelines, key=lambda name: name != "__default__"):
        nodes = [node for node in pipelines[name].nodes if set(node.outputs) & left]
        left -= {output for node in nodes for output in node.outputs}
        if nodes:
            found[name] = [node.name for node in nodes]
    return found
