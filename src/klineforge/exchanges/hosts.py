"""What a client has learnt about each host: how long to stay away, and whether asking again makes sense at all."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from klineforge.errors import ExchangeError

# A host that has answered before is given up only after this many requests in a row ran out of attempts.
GIVE_UP_AFTER = 5


@dataclass
class _HostState:
    closed_until: float = 0.0
    given_up: ExchangeError | None = None
    has_answered: bool = False
    exhausted_in_a_row: int = 0


@dataclass
class HostGates:
    """One gate per host, shared by all threads of a client."""

    _states: dict[str, _HostState] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def seconds_closed(self, host: str, now: float) -> float:
        """How long the host wants to be left alone, in seconds; 0 when it may be asked.

        Raises:
            ExchangeError: The reason why this host is not asked any more in this run.
        """
        with self._lock:
            state = self._state(host)
            if state.given_up is not None:
                raise state.given_up
            return max(0.0, state.closed_until - now)

    def close_until(self, host: str, until: float) -> None:
        """Keep every thread away from the host until an instant, in epoch seconds."""
        with self._lock:
            state = self._state(host)
            state.closed_until = max(state.closed_until, until)

    def give_up(self, host: str, reason: ExchangeError) -> None:
        """Ask this host nothing more; every later request fails with the same reason."""
        with self._lock:
            state = self._state(host)
            state.given_up = state.given_up or reason

    def note_answer(self, host: str) -> None:
        """The host answered, whatever it said."""
        with self._lock:
            state = self._state(host)
            state.has_answered, state.exhausted_in_a_row = True, 0

    def note_exhausted(self, host: str, reason: ExchangeError) -> None:
        """A request ran out of attempts without an answer: a host that never answered is given up at once."""
        with self._lock:
            state = self._state(host)
            state.exhausted_in_a_row += 1
            if not state.has_answered or state.exhausted_in_a_row >= GIVE_UP_AFTER:
                state.given_up = state.given_up or reason

    def has_answered(self, host: str) -> bool:
        """Whether the host has ever answered this client."""
        with self._lock:
            return self._state(host).has_answered

    def _state(self, host: str) -> _HostState:
        return self._states.setdefault(host, _HostState())
