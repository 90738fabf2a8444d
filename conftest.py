"""Fixtures of the doctests in ``src``; those of the tests are in ``tests/conftest.py``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Modules that import Dagster, which is not in the environment but beside it; tests/orchestration looks at them.
collect_ignore = [
    f"src/klineforge/orchestration/{name}.py" for name in ("assets", "building", "checks", "definitions", "jobs")
]


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """The one Spark session of the test run."""
    from klineforge.spark.session import get_session, stop

    session = get_session()
    # Tests run many queries over few rows: compiling each costs more than running it. The end-to-end tests start
    # processes of their own, with code generation on.
    session.conf.set("spark.sql.codegen.wholeStage", "false")
    session.conf.set("spark.sql.codegen.factoryMode", "NO_CODEGEN")
    yield session
    stop()


@pytest.fixture(autouse=True)
def _spark_in_doctests(request: pytest.FixtureRequest, doctest_namespace: dict[str, Any]) -> None:
    """Give a doctest the session under the name ``spark``, and start one only for a doctest that says that name."""
    doctest = getattr(request.node, "dtest", None)
    if doctest is not None and any(_names_spark(example.source) for example in doctest.examples):
        doctest_namespace["spark"] = request.getfixturevalue("spark")


def _names_spark(source: str) -> bool:
    return "spark" in compile(source, "<doctest>", "exec").co_names
