"""The exchange's time, of which alone it depends whether a candle is closed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
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
# A first reading further off than this, one way or the other, is wrong, or this machine's clock is.
BELIEVABLE_SKEW: Final = timedelta(days=1)


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
    before is not taken over: the earlier of the two is told until both agree again. A first reading that is days from
    this machine's clock is not believed on one host's word: until another host confirms it, or a later reading is
    nearer, the earlier of it and this machine's clock is told.

    Args:
        clock: This machine's clocks.
        ask: Asks the exchange for its time.
        witnesses: Each asks one of the exchange's hosts for it.
    """

    def __init__(
        self, clock: Clock, ask: Callable[[], datetime], witnesses: Sequence[Callable[[], datetime]] = ()
    ) -> None:
        self._clock = clock
        self._ask = ask
        self._witnesses = witnesses
        self._suspect: Reading | None = None
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
            reading, suspect = self._reading, self._suspect
            is_recent = monotonic - self._heard_at <= BELIEVED_FOR.total_seconds()
            if suspect is not None and is_recent:
                return min(suspect.extrapolated(monotonic), self._local_now())
            if reading is None or not is_recent:
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
        patience = FAILURE_REMEMBERED if self._failure or self._doubt or self._suspect else ASKED_AGAIN_AFTER
        return monotonic - self._asked_at >= patience.total_seconds()

    def _ask_again(self) -> None:
        try:
            reading = self._read(self._ask)
        except ExchangeError as error:
            if self._reading is not None and self._failure is None:
                logger.warning("the exchange's clock cannot be read, going on by its last reading: %s", error.problem)
            self._failure = error
        else:
            self._failure, self._heard_at = None, reading.at
            if self._reading is None and self._is_far_off(reading):
                self._suspect_or_confirm(reading)
            else:
                self._take(reading)
        self._asked_at = self._clock.monotonic()

    def _read(self, ask: Callable[[], datetime]) -> Reading:
        before = self._clock.monotonic()
        shown = ask()
        after = self._clock.monotonic()
        # Most of that time may be waiting before the last attempt: taken for anything but the end, the clock would be
        # ahead by part of it, and an open candle pass for a closed one.
        return Reading(shown, after, timedelta(seconds=after - before))

    def _is_far_off(self, reading: Reading) -> bool:
        return abs(reading.extrapolated(self._clock.monotonic()) - self._local_now()) > BELIEVABLE_SKEW

    def _suspect_or_confirm(self, reading: Reading) -> None:
        """Ask the exchange's hosts one by one for a time that is near, or that two of them tell."""
        told = self._heard_from_witnesses()
        near = [one for one in told if not self._is_far_off(one)]
        agreeing = [one for one in told if sum(_agree(one, other) for other in told) > 1]
        believed = next(iter((*near, *agreeing)), None)
        shown = f"{reading.shown:%Y-%m-%d %H:%M:%S} UTC"
        if believed is not None:
            if near:
                logger.warning("the exchange told %s, which is not believed: another of its hosts differs", shown)
            self._take(believed)
            return
        if self._suspect is None:
            logger.warning(
                "the exchange tells %s, days from the %s UTC of this machine; the earlier one counts until a host "
                "confirms either, so that the newest hours may be missing; check this machine's clock",
                shown,
                f"{self._local_now():%Y-%m-%d %H:%M:%S}",
            )
        self._suspect = reading

    def _heard_from_witnesses(self) -> list[Reading]:
        told = []
        # A single host has told its time already.
        for ask in self._witnesses if len(self._witnesses) > 1 else ():
            try:
                told.append(self._read(ask))
            except ExchangeError as error:
                logger.debug("a host does not tell its time: %s", error)
        return told

    def _local_now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC)

    def _take(self, new: Reading) -> None:
        old = self._reading
        if old is not None and not _agree(old, new):
            jump = new.shown - old.extrapolated(new.at)
            if self._doubt is None:
                logger.warning(
                    "the exchange's clock jumped by %.0f s; the earlier time counts until it agrees with itself",
                    jump.total_seconds(),
                )
            self._doubt = new
            return
        self._reading, self._doubt, self._suspect = new, None, None
        self._tell_skew(new)

    def _tell_skew(self, reading: Reading) -> None:
        skew = reading.shown - self._local_now()
        if abs(skew) > NOTABLE_SKEW and not self._skew_told:
            self._skew_told = True
            logger.warning("this machine's clock differs from the exchange's by %s; the exchange's is used", skew)


def _agree(one: Reading, other: Reading) -> bool:
    return abs(other.shown - one.extrapolated(other.at)) <= TOLERANCE + one.took + other.took
