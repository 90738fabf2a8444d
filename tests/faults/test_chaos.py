"""Faults of all kinds and deaths at any point, run after run: in the end the lake is as if nothing had happened."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults.chaos import KINDS, play
from faults.world import World

from klineforge.simulator.faults.fault import Fault
from klineforge.simulator.faults.kinds import KINDS as EVERY_KIND


@pytest.mark.parametrize("seed", range(10))
def test_lake_that_was_shaken_ends_equal_to_one_that_was_not(seed: int, tmp_path: Path) -> None:
    story = play(seed, tmp_path, runs=5)

    assert len(story) == 5


def test_rest_that_wavers_within_an_hour_is_believed_each_time(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.run()
        for _ in range(2):
            world.inject(Fault("lag", hours=2))
            world.time.pass_by(120)
            world.run()
            assert world.best("BTCUSDT") != world.truth("BTCUSDT")

            world.inject()
            world.time.pass_by(120)
            world.run()
            # Page by page the same bytes as two runs ago.
            assert world.best("BTCUSDT") == world.truth("BTCUSDT")


def test_chaos_has_faults_of_every_kind_that_passes() -> None:
    assert set(EVERY_KIND) - set(KINDS) == {"stray", "shift", "drip", "refuse-limit", "day-differs"}
