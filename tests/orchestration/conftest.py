"""Dagster is not in the environment but beside it; a lake that the daily job has made, once for a file of tests."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from orchestration.running import Trouble, built

BESIDE = Path(sys.prefix) / "dagster"
# Behind everything else, so that it decides no version.
sys.path.append(str(BESIDE))


@pytest.fixture(scope="module")
def trouble() -> Iterator[Trouble]:
    from kedro.pipeline.node import Node

    from klineforge.datasets.delta_table import DeltaTableDataset

    told = Trouble()
    save, run = DeltaTableDataset.save, Node.run

    def failing_save(self: Any, data: Any) -> None:
        Trouble.strike(told.saves, self.contract.name)
        save(self, data)

    def failing_run(self: Any, inputs: Any = None) -> Any:
        Trouble.strike(told.nodes, self.name)
        return run(self, inputs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DeltaTableDataset, "save", failing_save)
        patch.setattr(Node, "run", failing_run)
        yield told


@pytest.fixture(scope="module")
def parameters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    start = (datetime.now(UTC) - timedelta(days=3)).date().isoformat()
    lake = tmp_path_factory.mktemp("dagster") / "lake"
    return {"lake": str(lake), "coins": "BTCUSDT ETHUSDT", "start": start, "openlineage": "off"}


@pytest.fixture(scope="module")
def lake(parameters: dict[str, Any]) -> Path:
    return Path(parameters["lake"])


@pytest.fixture(scope="module")
def definitions(parameters: dict[str, Any]) -> Any:
    return built(parameters)


@pytest.fixture(scope="module")
def instance() -> Iterator[Any]:
    import dagster as dg

    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture(scope="module")
def run_job(definitions: Any, instance: Any, spark: Any, trouble: Trouble) -> Callable[..., Any]:  # noqa: ARG001
    """Executes a job in this process, with the session that all tests share."""

    def run(name: str, of: Any = definitions) -> Any:
        return of.resolve_job_def(name).execute_in_process(instance=instance, raise_on_error=False)

    return run
