"""Fixtures of the tests of klineforge.ml."""

from __future__ import annotations

from pathlib import Path

import pytest
from ml.demo import build_demo
from ml.lake import write_lake


@pytest.fixture(scope="session")
def invented_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features and labels of three coins over 200 hours; not to be written to."""
    return write_lake(tmp_path_factory.mktemp("ml") / "lake")


@pytest.fixture(scope="session")
def demo_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small market with marts, features and labels; not to be written to."""
    return build_demo(tmp_path_factory.mktemp("demo") / "lake")
