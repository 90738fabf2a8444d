"""A small Kedro project with KlineForge's commands, called in processes of its own: Kedro's state is global."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Kedro = Callable[..., subprocess.CompletedProcess[str]]

FILES = {
    "pyproject.toml": """
[tool.kedro]
package_name = "smallproject"
project_name = "Small"
kedro_init_version = "1.7.0"
source_dir = "src"
""",
    ".telemetry": "consent: false\n",
    "conf/base/globals.yml": "lake: warehouse\n",
    "conf/demo/globals.yml": "lake: warehouse/demo\n",
    "conf/local/.gitkeep": "",
    "conf/base/parameters.yml": "rebuild: []\nlimits: {hours: 24}\n",
    "conf/base/catalog.yml": """
unreachable:
  type: smallproject.nodes.Unreachable
lost:
  type: smallproject.nodes.Lost
kline_gaps:
  type: smallproject.nodes.Shown
  metadata:
    kedro-viz:
      layer: silver
mart_top_movers:
  type: smallproject.nodes.Shown
  metadata:
    kedro-viz:
      layer: marts
""",
    "src/smallproject/__init__.py": "",
    "src/smallproject/cli.py": "from klineforge.cli import cli, run\n",
    "src/smallproject/settings.py": """
from kedro.config import OmegaConfigLoader
CONFIG_LOADER_CLASS = OmegaConfigLoader
CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local"}
""",
    "src/smallproject/nodes.py": """
from dataclasses import dataclass
from pathlib import Path
from kedro.io import AbstractDataset
from kedro_datasets._typing import TablePreview
from klineforge.errors import ConfigurationError, TransientExchangeError


@dataclass(frozen=True)
class Limits:
    hours: int

    def __post_init__(self):
        if self.hours > 24:
            raise ConfigurationError(f"limits.hours is {self.hours}, at most 24 are possible")


class Unreachable(AbstractDataset):
    def load(self):
        raise TransientExchangeError("no answer within 10 s", coin="BTCUSDT", advice="try again later")
    def save(self, data): ...
    def _describe(self): return {}


class Lost(Unreachable):
    def load(self):
        raise OSError("the disk is gone")


class Shown(AbstractDataset):
    def __init__(self, metadata):
        self.metadata = metadata
    def load(self):
        raise AssertionError("a picture needs no data")
    def save(self, data): ...
    def _describe(self): return {"filepath": str(Path.cwd() / "warehouse" / "table")}
    def preview(self) -> TablePreview:
        return {"index": [0], "columns": ["coin"], "data": [["BTCUSDT"]]}


def use(data):
    return data

def limited(limits: Limits):
    return limits.hours

def told(rebuild):
    print("REBUILD", *rebuild)
    return rebuild
""",
    "src/smallproject/pipeline_registry.py": """
from kedro.pipeline import Node, Pipeline
from smallproject import nodes


def register_pipelines():
    told = Pipeline([
        Node(nodes.told, "params:rebuild", "mart_top_movers", name="rank_top_movers"),
        Node(nodes.told, "params:rebuild", "dim_coins", name="describe_coins"),
        Node(nodes.told, "params:rebuild", "kline_gaps", name="find_missing_hours"),
    ])
    return {
        "__default__": told,
        "told": told,
        "unreachable": Pipeline([Node(nodes.use, "unreachable", "c", name="use_unreachable")]),
        "lost": Pipeline([Node(nodes.use, "lost", "d", name="use_lost")]),
        "limited": Pipeline([Node(nodes.limited, "params:limits", "e", name="limited")]),
    }
""",
}


@pytest.fixture(scope="session")
def small_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's root."""
    root = tmp_path_factory.mktemp("small")
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def kedro(small_project: Path) -> Kedro:
    """A function that calls ``kedro`` in the project and gives what it printed and its exit code."""

    def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "kedro", *arguments],
            cwd=small_project,
            env={**os.environ, "COLUMNS": "200", "DO_NOT_TRACK": "1", **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return call
