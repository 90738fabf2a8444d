"""Faults of all kinds and deaths at any point, run after run: in the end the lake is as if nothing had happened."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults.chaos import KINDS, play


@pytest.mark.parametrize("seed", range(10))
def test_lake_that_was_shaken_ends_equal_to_one_that_was_not(seed: int, tmp_path: Path) -> None:
    story = play(seed, tmp_path, runs=5)

    assert len(story) == 5


def test_chaos_has_faults_of_every_kind_that_passes() -> None:
    from klineforge.simulator.faults.kinds import KINDS as ALL

    assert set(ALL) - set(KINDS) == {"stray", "shift", "drip", "refuse-limit"}
