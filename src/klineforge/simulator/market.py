"""The simulated market: every candle is a function of the seed and its hour, and of nothing else.

Months are simulated in order from ``GENESIS`` on demand and kept. ``numpy`` promises the same random stream for the
same release only, so the lock file is part of what makes a market repeatable.
"""

from __future__ import annotations

import threading
from datetime import datetime

import numpy as np

from klineforge.errors import ConfigurationError
from klineforge.simulator.candles import Candle, CandleMonth
from klineforge.simulator.coins import POSITION
from klineforge.simulator.cutting import cut_month
from klineforge.simulator.lifecycle import GENESIS, Hours, hour_number, instant_of
from klineforge.simulator.shocks import MarketState, draw_month

DEMO_SEED = 43
"""The market of the demo: any other seed is as good, this one happens to stay near familiar prices."""


class Market:
    """All candles of the fifteen coins from ``GENESIS`` on; safe to ask from several threads.

    Args:
        seed: Chooses the market; the same seed gives the same candles on every run.

    Raises:
        ConfigurationError: When the seed is negative.
    """

    def __init__(self, seed: int) -> None:
        if seed < 0:
            raise ConfigurationError(f"the seed of the simulated market must be 0 or more, found {seed}")
        self.seed = seed
        self._months: list[CandleMonth] = []
        self._state = MarketState.at_genesis()
        self._growing = threading.Lock()

    def candles(self, symbol: str, hours: Hours) -> list[Candle]:
        """The final candles of the given hours.

        Args:
            symbol: One of the simulated symbols.
            hours: Hour numbers, ascending, none before ``GENESIS``; the caller decides which of them were traded.
        """
        if not len(hours):
            return []
        first, last = (_month_number(instant_of(int(hours[edge]))) for edge in (0, -1))
        borders = [hour_number(month_start(number)) for number in range(first + 1, last + 1)]
        by_month = np.split(hours, np.searchsorted(hours, borders))
        return [
            candle
            for number, chosen in enumerate(by_month, start=first)
            for candle in self._month(number).candles(chosen, POSITION[symbol])
        ]

    def _month(self, number: int) -> CandleMonth:
        if number < len(self._months):
            return self._months[number]
        with self._growing:
            while len(self._months) <= number:
                self._months.append(self._next_month())
        return self._months[number]

    def _next_month(self) -> CandleMonth:
        number = len(self._months)
        hours = np.arange(hour_number(month_start(number)), hour_number(month_start(number + 1)), dtype=np.int64)
        rng = np.random.default_rng([self.seed, number])
        latent, self._state = draw_month(self._state, rng, hours)
        return cut_month(latent, rng, hours)


def month_start(number: int) -> datetime:
    """First instant of the month that many months after ``GENESIS``."""
    years, month = divmod(number, 12)
    return GENESIS.replace(year=GENESIS.year + years, month=month + 1)


def _month_number(instant: datetime) -> int:
    return (instant.year - GENESIS.year) * 12 + instant.month - GENESIS.month
