"""Fixtures of the fault tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from faults.world import World


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes worlds with the settings a test needs, each with a lake of its own."""
    with ExitStack() as running:
        number = 0

        def make(**settings: Any) -> World:
            nonlocal number
            number += 1
            return running.enter_context(World(tmp_path / f"lake-{number}", **settings))

        yield make


@pytest.fixture
def world(worlds: Callable[..., World]) -> World:
    """A sound exchange on 6 March 2024, ten past noon, and an empty lake."""
    return worlds()
