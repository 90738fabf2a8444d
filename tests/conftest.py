"""Fixtures that several areas share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED_DATA = REPOSITORY.parent / "shared" / "data"


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """The one Spark session of the test run."""
    from klineforge.spark.session import get_session

    session = get_session()
    yield session
    session.stop()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real candles beside the checkout; tests that need them are skipped where they are not."""
    if not (SHARED_DATA / "spot_1h").is_dir():
        pytest.skip(f"real candles are not part of the repository; expected them in {SHARED_DATA.name}/ beside it")
    return SHARED_DATA
