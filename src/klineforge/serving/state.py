"""How far figures can be trusted: how old they are, whether the market is invented, what the checks found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from klineforge.contracts.silver import FACT_1H_KLINES
from klineforge.domain.hours import HOUR
from klineforge.lake.market import SIMULATED, held_market
from klineforge.reporting.verdict import Verdict, read_verdict
from klineforge.serving.explanation import Explanation, UnavailableError
from klineforge.serving.warehouse import Warehouse

LATE_AFTER = FACT_1H_KLINES.fresh_hours or 3
"""Closed hours without a candle from which on the data count as late."""


@dataclass(frozen=True, slots=True)
class LakeState:
    """What a reader should know before believing a figure.

    Args:
        now: The instant it was looked at, UTC.
        newest: Open time of the newest hour in the marts, UTC; None where there is none.
        problem: Why there is none.
        is_simulated: Whether the exchange inside this project made the prices.
        verdict: What the newest run of the checks found; None when none has run.
    """

    now: datetime
    newest: datetime | None
    problem: Explanation | None
    is_simulated: bool
    verdict: Verdict | None

    @property
    def hours_behind(self) -> int | None:
        """Closed hours after the newest one; None where there is none."""
        if self.newest is None:
            return None
        due = self.now.replace(minute=0, second=0, microsecond=0) - HOUR
        return max(0, (due - self.newest) // HOUR)

    @property
    def is_late(self) -> bool:
        """Whether more hours are missing than a lake that is kept up to date lacks."""
        return self.hours_behind is not None and self.hours_behind > LATE_AFTER

    @property
    def errors(self) -> int:
        """Broken rules that make figures wrong, by the newest run of the checks."""
        return self.verdict.errors if self.verdict else 0


def read_state(warehouse: Warehouse, now: datetime) -> LakeState:
    """How far the figures of a lake can be trusted.

    Args:
        warehouse: The lake, in whatever state.
        now: Aware UTC instant.
    """
    newest, problem = None, None
    try:
        newest = warehouse.newest_hour("mart_returns_1h")
    except UnavailableError as error:
        problem = error.explanation
    is_simulated = held_market(warehouse.lake) == SIMULATED
    return LakeState(now, newest, problem, is_simulated, read_verdict(warehouse.lake))
