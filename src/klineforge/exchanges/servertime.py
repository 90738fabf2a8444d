"""The exchange's time, of which alone it depends whether a candle is closed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from klineforge.errors import ExchangeError, TransientExchangeError
from klineforge.exchanges.clock import Clock

logger = logging.getLogger(__name__)

# A reading is good for this long; then the exchange is asked again.
ASKED_AGAIN_AFTER: Final = timedelta(minutes=15)
# Without a new reading an old one is believed for this long: the machine's own clock drifts by seconds a day.
BELIEVED_FOR: Final = timedelta(hours=6)
# After a failure the exchange's clock is left alone for a moment: every page of every coin wants to know the time.
FAILURE_REMEMBERED: Final = timedelta(minutes=1)
# Readings that differ by less than this, and by less than the time the request took, agree.
TOLERANCE: Final = timedelta(seconds=5)
NOTABLE_SKEW: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Reading:
    """What the exchange's clock showed.

    Args:
        shown: Its time.
        at: When the answer was there, monotonic seconds of this machine.
        took: How long the question took, in which the time may have been read at any moment.
    """

    shown: datetime
    at: float
    took: timedelta

    def extrapolated(self, monotonic: float) -> datetime:
        """The exchange's time at another moment."""
        return self.shown + timedelta(seconds=monotonic - self.at)


class ServerClock:
    """Tells the exchange's time and errs on the early side, so that no open candle is taken for a closed one.

    Between readings it goes with this machine's monotonic clock, which nobody sets. A reading that contradicts the one
    before is not taken over: the earlier of the two is told until both agree again.

    Args:
        clock: This machine's clocks.
        ask: Asks the exchange for its time.
    """

    def __init__(self, clock: Clock, ask: Callable[[], datetime]) -> None:
        self._clock = clock
        self._ask = ask
        self._reading: Reading | None = None
        self._doubt: Reading | None = None
        self._asked_at: float | None = None
        self._heard_at = 0.0
        self._failure: ExchangeError | None = None
        self._skew_told = False
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The exchange's time, or somewhat earlier.

        Raises:
            ExchangeError: When the exchange does not tell it, and has not told it for hours.
        """
        with self._lock:
            monotonic = self._clock.monotonic()
            if self._is_due(monotonic):
                self._ask_again()
                monotonic = self._clock.monotonic()
            reading = self._reading
            if reading is None or monotonic - self._heard_at > BELIEVED_FOR.total_seconds():
                raise self._failure or TransientExchangeError("the exchange's clock has not been read for hours")
            told = reading.extrapolated(monotonic)
            return told if self._doubt is None else min(told, self._doubt.extrapolated(monotonic))

    def ahead_seconds(self) -> float:
        """How far the exchange's clock is ahead of this machine's; 0 when it never told its time."""
        reading = self._reading
        if reading is None:
            return 0.0
        return reading.extrapolated(self._clock.monotonic()).timestamp() - self._clock.now()

    def _is_due(self, monotonic: float) -> bool:
        if self._asked_at is None:
            return True
        patience = FAILURE_REMEMBERED if self._failure or self._doubt else ASKED_AGAIN_AFTER
        return monotonic - self._asked_at >= patience.total_seconds()

    def _ask_again(self) -> None:
        before = self._clock.monotonic()
        try:
            shown = self._ask()
        except ExchangeError as error:
            if self._reading is not None and self._failure is None:
                logger.warning("the exchange's clock cannot be read, going on by its last reading: %s", error.problem)
            self._failure = error
        else:
            after = self._clock.monotonic()
            self._failure, self._heard_at = None, after
            # Most of that time may be waiting before the last attempt: taken for anything but the end, the clock would
            # be ahead by part of it, and an open candle pass for a closed one.
            self._take(Reading(shown, after, timedelta(seconds=after - before)))
        self._asked_at = self._clock.monotonic()

    def _take(self, new: Reading) -> None:
        old = self._reading
        if old is not None:
            jump = new.shown - old.extrapolated(new.at)
            if abs(jump) > TOLERANCE + old.took + new.took:
                if self._doubt is None:
                    logger.warning(
                        "the exchange's clock jumped by %.0f s; the earlier time counts until it agrees with itself",
                        jump.total_seconds(),
                    )
                self._doubt = new
                return
        self._reading, self._doubt = new, None
        self._tell_skew(new)

    def _tell_skew(self, reading: Reading) -> None:
        skew = reading.shown - datetime.fromtimestamp(self._clock.now(), UTC)
        if abs(skew) > NOTABLE_SKEW and not self._skew_told:
            self._skew_told = True
            logger.warning("this machine's clock differs from the exchange's by %s; the exchange's is used", skew)
