"""What a client has learnt about each host and each rate account: whether it may be asked now, later, or not at all.

A gate is in one of four states. *Open*: requests pass. *Paused*: everybody waits, because the exchange asked for it.
*Shut*: every request fails at once with the same reason. *On trial*, when the time of a ban or a block is over: one
request goes ahead, the others wait for what comes of it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from klineforge.exchanges.failures import GivenUp

# A host that has answered before is given up only after this many requests in a row ran out of attempts.
GIVE_UP_AFTER: Final = 5
# How long a host that blocks, or cannot be reached, is left alone; and how long another one is asked first.
LEFT_ALONE_SECONDS: Final = 600.0
FOR_THIS_RUN: Final = math.inf
# How often those who wait look whether the trial is over.
TRIAL_POLL_SECONDS: Final = 0.5
SAME_MOMENT_SECONDS: Final = 5.0


@dataclass
class _Gate:
    paused_until: float = 0.0
    shut_until: float = 0.0
    reason: GivenUp | None = None
    on_trial: bool = False
    tried_by: int | None = None
    second_choice_until: float = 0.0
    has_answered: bool = False
    exhausted_in_a_row: int = 0

    def shut(self, until: float, reason: GivenUp) -> None:
        if until > self.shut_until or self.reason is None:
            self.shut_until, self.reason = until, reason
        self.on_trial, self.tried_by = True, None


@dataclass
class HostGates:
    """One gate per host and per rate account, shared by all threads of a client; times are epoch seconds."""

    _gates: dict[str, _Gate] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, names: Iterable[str], now: float) -> float:
        """Pass the gates of a host and its account, or learn how long to wait before asking again.

        Returns:
            0 when the request may be sent (afterwards: ``leave``), else seconds to wait.

        Raises:
            GivenUp: When one of the gates is shut.
        """
        me = threading.get_ident()
        with self._lock:
            gates = [self._gate(name) for name in dict.fromkeys(names)]
            for gate in gates:
                if gate.reason is not None and now < gate.shut_until:
                    raise gate.reason
            waits = [gate.paused_until - now for gate in gates]
            waits += [TRIAL_POLL_SECONDS for gate in gates if gate.on_trial and gate.tried_by not in {None, me}]
            if max(waits) > 0:
                return max(waits)
            for gate in gates:
                gate.tried_by = me if gate.on_trial else None
            return 0.0

    def leave(self, names: Iterable[str], passed: bool) -> None:
        """The request is over.

        Args:
            names: Those given to ``enter``.
            passed: Whether it was answered with anything but a refusal; this ends a trial well.
        """
        me = threading.get_ident()
        with self._lock:
            for gate in map(self._gate, names):
                if gate.on_trial and gate.tried_by == me:
                    gate.tried_by = None
                    if passed:
                        gate.on_trial, gate.reason = False, None

    def pause(self, name: str, until: float, trial: bool) -> bool:
        """Let everybody wait until an instant, and with ``trial`` let one request go first then.

        Returns:
            Whether this is news: not when the answers of other threads have said the same.
        """
        with self._lock:
            gate = self._gate(name)
            is_news = until > gate.paused_until + SAME_MOMENT_SECONDS
            gate.paused_until = max(gate.paused_until, until)
            gate.on_trial = gate.on_trial or trial
            if trial:
                gate.tried_by = None
            return is_news

    def shut(self, name: str, until: float, reason: GivenUp) -> None:
        """Let every request fail with a reason until an instant, then put the host on trial."""
        with self._lock:
            self._gate(name).shut(until, reason)

    def note_answer(self, host: str) -> None:
        """The host answered, whatever it said."""
        with self._lock:
            gate = self._gate(host)
            gate.has_answered, gate.exhausted_in_a_row = True, 0

    def note_exhausted(self, host: str, now: float, reason: GivenUp) -> None:
        """A request ran out of attempts without an answer: a host that never answered is shut at once."""
        with self._lock:
            gate = self._gate(host)
            gate.exhausted_in_a_row += 1
            if not gate.has_answered or gate.exhausted_in_a_row >= GIVE_UP_AFTER:
                gate.shut(now + LEFT_ALONE_SECONDS, reason)

    def prefer_others(self, host: str, now: float) -> bool:
        """Ask this host last for a while, where there is a choice; tells whether that is news."""
        with self._lock:
            gate = self._gate(host)
            is_news, gate.second_choice_until = gate.second_choice_until <= now, now + LEFT_ALONE_SECONDS
            return is_news

    def in_order(self, urls: Sequence[str], now: float) -> list[str]:
        """URLs in the order given, those of hosts that failed lately or are on trial last."""
        with self._lock:
            gates = {url: self._gate(urlsplit(url).netloc) for url in urls}
            return sorted(urls, key=lambda url: gates[url].second_choice_until > now or gates[url].tried_by is not None)

    def is_well(self, names: Iterable[str], now: float) -> bool:
        """Whether, for all that is known, a host and its account would take a request at once and answer it."""
        with self._lock:
            gates = [self._gate(name) for name in names]
            return not any(
                gate.on_trial or max(gate.paused_until, gate.shut_until, gate.second_choice_until) > now
                for gate in gates
            )

    def failed_lately(self, host: str, now: float) -> bool:
        """Whether some request has left this host for another one."""
        with self._lock:
            return self._gate(host).second_choice_until > now

    def _gate(self, name: str) -> _Gate:
        return self._gates.setdefault(name, _Gate())
