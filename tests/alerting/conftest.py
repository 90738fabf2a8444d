"""Fixtures of the tests of alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from alerting.lake import Lake, Recorder, rows_of_table


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    return Lake(tmp_path / "lake")


@pytest.fixture
def recorder() -> Recorder:
    """A channel that keeps what it is sent."""
    return Recorder()


@pytest.fixture
def table_rows() -> Callable[[str, Iterable[Mapping[str, Any]]], pl.DataFrame]:
    """Rows shaped by a contract."""
    return rows_of_table
