"""Notebooks run from beginning to end on a small lake, and keep no outputs in git."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def run(name: str, lake: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a notebook in a kernel of its own.

    Returns:
        All it printed and showed as text.
    """
    monkeypatch.setenv("KLINEFORGE_LAKE", str(lake))
    monkeypatch.setenv("KLINEFORGE_CONTROLS", "2")
    # One thread each: models this small are slower with several, and much slower on a machine that is busy.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    client = NotebookClient(notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": NOTEBOOKS}})
    client.execute()
    return "\n".join(_texts(notebook))


def _texts(notebook: Any) -> list[str]:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return [output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs]


def outputs_kept(notebook: Any) -> list[str]:
    """Cells of a notebook that hold outputs or were numbered by a run."""
    return [
        cell.id
        for cell in notebook.cells
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count is not None)
    ]


@pytest.mark.slow
def test_honest_model_runs_and_its_conclusion_follows(demo_lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = run("honest_model.ipynb", demo_lake, monkeypatch)
    assert '"label": "forward_return_24h"' in said
    assert "permuted labels: AUC" in said
    # Two permutations cannot show that a score is more than luck: a notebook that claimed so would be wrong.
    assert "Nothing to trade on:" in said
    assert "Not refuted" not in said


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_warehouse_is_browsed_through_kedro_and_spark(demo_lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = run("browse_warehouse.ipynb", demo_lake, monkeypatch)
    assert "<marts table mart_returns_1h at" in said
    assert "volatility_per_year" in said
    assert "mover_signal" in said


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_keep_no_outputs(path: Path) -> None:
    assert outputs_kept(nbformat.read(path, as_version=4)) == []


def test_notebook_with_outputs_is_found() -> None:
    cell = nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("stream", text="1")], execution_count=1)
    assert outputs_kept(nbformat.v4.new_notebook(cells=[cell])) == [cell.id]


def test_there_are_notebooks() -> None:
    assert {path.stem for path in NOTEBOOKS.glob("*.ipynb")} == {"browse_warehouse", "honest_model"}
    assert "KLINEFORGE_LAKE" not in os.environ
