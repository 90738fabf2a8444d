"""Falls and ways back against a walk in plain Python, hour by hour."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from klineforge.measures.risk import worst_drawdowns

PRICES = st.lists(st.one_of(st.integers(1, 50).map(float), st.just(np.nan)), max_size=40)


def walked(values: list[float]) -> list[tuple[int, int, int | None, float]]:
    """Peak, trough, recovery and depth of every fall."""
    falls: list[tuple[int, int, int | None, float]] = []
    peak_at, peak, trough_at, trough = -1, 0.0, -1, np.inf
    for at, value in enumerate(values):
        if np.isnan(value):
            continue
        if value >= peak:
            if trough_at >= 0:
                falls.append((peak_at, trough_at, at, trough / peak - 1))
            peak_at, peak, trough_at, trough = at, value, -1, np.inf
        elif value < trough:
            trough_at, trough = at, value
    if trough_at >= 0:
        falls.append((peak_at, trough_at, None, trough / peak - 1))
    return sorted(falls, key=lambda fall: (fall[3], fall[0]))


@settings(max_examples=150, deadline=None)
@given(PRICES)
def test_falls_are_those_of_a_walk(values: list[float]) -> None:
    found = worst_drawdowns(np.array(values, dtype=float), 50)
    assert [(fall.peak, fall.trough, fall.recovery, fall.depth) for fall in found] == walked(values)
