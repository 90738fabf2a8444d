"""Fixtures that several areas share; the session is in the conftest of the repository's root."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import settings

TESTS = Path(__file__).resolve().parent
SHARED_DATA = TESTS.parents[1] / "shared" / "data"

# The oracle is imported by the tests of several areas: `from oracle.candles import ...`.
sys.path.insert(0, str(TESTS))

# pytest --hypothesis-profile=nightly: many more examples, also of the tests that set their own number (tests/law).
settings.register_profile("nightly", max_examples=1000, print_blob=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that two processes are done at the same time."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real candles beside the checkout; tests that need them are skipped where they are not."""
    if not (SHARED_DATA / "spot_1h").is_dir():
        pytest.skip("real candles are not part of the repository; expected them in ../shared/data/spot_1h")
    return SHARED_DATA


@pytest.fixture(scope="session")
def small_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of five invented coins and 62 days, made once; copy it before changing anything in it."""
    from small_lake.lake import build_lake

    return build_lake(tmp_path_factory.mktemp("small") / "lake")
