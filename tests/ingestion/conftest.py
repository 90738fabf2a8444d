"""Fixtures of the ingestion tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ingestion.fakes import FakeBinance, utc
from ingestion.lake import Lake


@pytest.fixture
def exchange() -> Iterator[FakeBinance]:
    """An exchange on 10 March 2021, noon, without candles; monthly files up to February, daily ones up to the 8th."""
    with FakeBinance(utc("2021-03-10T12:10"), monthly_from="2021-03", daily_from="2021-03-09") as server:
        yield server


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)
