"""What became of one task: what to keep, what is known now, and what went wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace

from klineforge.domain.hours import RangeSet
from klineforge.errors import ExchangeError
from klineforge.exchanges.planning import CoinState, Task
from klineforge.exchanges.units import KlineUnit


@dataclass(frozen=True)
class Download:
    """A unit and its bytes, ready to land.

    Args:
        unit: What the bytes are and which of their rows count.
        content: The bytes; None where none of them are needed.
        revised: Hours whose candle differs from the one that bronze holds.
    """

    unit: KlineUnit
    content: bytes | None
    revised: RangeSet = ()


@dataclass(frozen=True)
class Outcome:
    """The result of one task.

    Args:
        downloads: What to land.
        tried: Archive file that need not be asked for again in this run.
        given_up: Hours that need not be asked for again in this run.
        defect: A source that could not be used; its hours may still come from another one.
        fatal: No other source can help this coin.
        first_asked: Whether this answered the question for the first candle.
        follow_up: What has to be asked because of the answer.
    """

    downloads: tuple[Download, ...] = ()
    tried: str | None = None
    given_up: RangeSet = ()
    defect: ExchangeError | None = None
    fatal: bool = False
    first_asked: bool = False
    follow_up: tuple[Task, ...] = ()

    @property
    def rows(self) -> int:
        """Records downloaded."""
        return sum(download.unit.record.row_count for download in self.downloads)

    def applied_to(self, state: CoinState) -> CoinState:
        """The coin's state once this outcome is known."""
        folded = replace(
            state,
            coverage=state.coverage.with_records(download.unit.record for download in self.downloads),
            tried=state.tried | ({self.tried} if self.tried else frozenset()),
            first_asked=state.first_asked or self.first_asked,
        )
        return folded.without(self.given_up)
