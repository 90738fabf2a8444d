"""Figures from repeated measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.process import Measurement


@dataclass(frozen=True)
class Cost:
    """Medians over the repetitions of one command.

    Args:
        wall: Seconds.
        cpu: Seconds of processor time.
        memory: Bytes, the largest of all repetitions.
        runs: How many repetitions.
        spread: Fastest and slowest wall time.
        others: Cores that other processes kept busy, the largest of all repetitions.
    """

    wall: float
    cpu: float
    memory: int
    runs: int
    spread: tuple[float, float]
    others: float = 0.0


def cost_of(measurements: Sequence[Measurement]) -> Cost:
    """Summarise repetitions: medians of the times, the maximum of the memory.

    Raises:
        ValueError: When there are none.
    """
    if not measurements:
        raise ValueError("there is no median of no measurements")
    walls = [one.wall for one in measurements]
    return Cost(
        wall=median(walls),
        cpu=median(one.cpu for one in measurements),
        memory=max(one.peak_memory for one in measurements),
        runs=len(measurements),
        spread=(min(walls), max(walls)),
        others=max(one.others for one in measurements),
    )


def ratio(one: float, other: float) -> str:
    """How many times ``other`` is ``one``, for a table.

    >>> ratio(3.0, 2.0), ratio(1.0, 0.0)
    ('1.50', '-')
    """
    return f"{one / other:.2f}" if other else "-"


def verdict(value: float, aim: float) -> str:
    """Whether a figure that should be at most ``aim`` is.

    >>> verdict(1.0, 1.8), verdict(2.0, 1.8)
    ('met', 'missed')
    """
    return "met" if value <= aim else "missed"
