"""How much may still be asked of an exchange in the current minute, shared by all threads of a run.

The exchange counts per address of the internet, so other programs of this machine count too: what it says it has
counted goes before what was sent from here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

REQUEST_WEIGHT: Final = "REQUEST_WEIGHT"
RAW_REQUESTS: Final = "RAW_REQUESTS"
# Kept free for other programs behind the same address, and for requests whose count is not known yet.
RESERVED: Final = 0.15
# Waiting ends a little after the turn of the minute: a request that arrives just before it is answered with the count
# of the old minute, which would hold everybody back for the whole of the new one.
AFTER_THE_TURN_SECONDS: Final = 0.5


@dataclass(frozen=True)
class RateLimit:
    """One limit of an exchange; its windows begin at whole multiples of their length by the exchange's clock.

    Args:
        kind: ``REQUEST_WEIGHT``, or ``RAW_REQUESTS`` where every request counts one.
        seconds: Length of a window.
        most: What may be used in one window.
    """

    kind: str
    seconds: int
    most: int

    @property
    def usable(self) -> int:
        """What this run uses of it.

        >>> RateLimit(REQUEST_WEIGHT, 60, 6000).usable
        5100
        """
        return int(self.most * (1.0 - RESERVED))

    def cost(self, weight: int) -> int:
        """What a request of some weight uses of it."""
        return weight if self.kind == REQUEST_WEIGHT else min(weight, 1)


@dataclass(frozen=True)
class Wait:
    """There is no room now.

    Args:
        seconds: Time until the next window has begun.
        used: What is used up.
        limit: Which limit.
        is_news: Whether nobody has been told to wait for this window yet.
    """

    seconds: float
    used: int
    limit: RateLimit
    is_news: bool


@dataclass(frozen=True)
class Ticket:
    """Leave to send one request; give it back when the request is over.

    Args:
        number: Tickets are numbered in the order they are issued.
        weight: Weight of the request.
        windows: By length, the window in which the request was sent and all that had been answered before it.
    """

    number: int
    weight: int
    windows: Mapping[tuple[str, int], tuple[int, int]]


@dataclass
class _Meter:
    """Use of one limit, never less than what the exchange may have counted of this run's requests.

    Args:
        limit: The limit.
        window: Number of the current window.
        used: Used in it by answered requests, or more if the exchange says so.
        in_flight: Used by requests without an answer; they may count in this window.
        answered: Used by all answered requests of the run.
        newest: Ticket of the newest request whose answer told the exchange's count.
        announced: The last window somebody was told to wait in.
    """

    limit: RateLimit
    window: int = -1
    used: int = 0
    in_flight: int = 0
    answered: int = 0
    newest: int = -1
    announced: int = -1

    def turn(self, now: float) -> None:
        """Begin a new window when it is time; a clock that wavers at the turn does not bring the old one back."""
        window = int(now // self.limit.seconds)
        if window > self.window or window < self.window - 1:
            self.window, self.used = window, 0

    def has_room(self, weight: int) -> bool:
        """Whether a request fits; one that never fits goes alone at the start of a window."""
        taken = self.used + self.in_flight
        return taken == 0 or taken + self.limit.cost(weight) <= self.limit.usable

    def wait(self, now: float) -> Wait:
        """How long to wait for the next window."""
        is_news, self.announced = self.announced != self.window, self.window
        seconds = (self.window + 1) * self.limit.seconds - now + AFTER_THE_TURN_SECONDS
        return Wait(seconds, self.used + self.in_flight, self.limit, is_news)

    def settle(self, ticket: Ticket, told: int | None) -> None:
        """Count a request that is over, and believe what the exchange told with it."""
        key = self.limit.kind, self.limit.seconds
        if key not in ticket.windows:
            return
        window, answered_before = ticket.windows[key]
        cost = self.limit.cost(ticket.weight)
        self.in_flight -= cost
        self.used += cost
        if told is not None and window == self.window:
            # Requests answered since this one was sent may be missing from the count.
            counted = told + self.answered - answered_before
            if ticket.number > self.newest:
                self.newest, self.used = ticket.number, counted
            else:
                self.used = max(self.used, counted)
        self.answered += cost


@dataclass
class Budget:
    """What one rate account may still use.

    Args:
        limits: Assumed until the exchange says otherwise.
    """

    limits: tuple[RateLimit, ...]
    _meters: dict[tuple[str, int], _Meter] = field(default_factory=dict)
    _issued: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.set_limits(self.limits)

    def set_limits(self, limits: Iterable[RateLimit]) -> None:
        """Take over the limits the exchange names; those it does not name stay."""
        with self._lock:
            for limit in limits:
                self._meters.setdefault((limit.kind, limit.seconds), _Meter(limit)).limit = limit
            self.limits = tuple(meter.limit for meter in self._meters.values())

    def reserve(self, weight: int, now: float) -> Ticket | Wait:
        """Leave to send a request, or how long to wait before asking again.

        Args:
            weight: The request's weight; 0 is always let through.
            now: Epoch seconds by the exchange's clock.
        """
        with self._lock:
            for meter in self._meters.values():
                meter.turn(now)
                if weight and not meter.has_room(weight):
                    return meter.wait(now)
            self._issued += 1
            windows = {}
            for key, meter in self._meters.items():
                meter.in_flight += meter.limit.cost(weight)
                windows[key] = meter.window, meter.answered
            return Ticket(self._issued, weight, windows)

    def settle(self, ticket: Ticket, told: Mapping[int, int]) -> None:
        """Take back a ticket when its request was answered, or failed: it may have been counted either way.

        Args:
            ticket: The ticket.
            told: Weight the exchange has counted, by length of the window in seconds.
        """
        with self._lock:
            for meter in self._meters.values():
                meter.settle(ticket, told.get(meter.limit.seconds) if meter.limit.kind == REQUEST_WEIGHT else None)


@dataclass
class Budgets:
    """One budget per rate account.

    Args:
        limits: Assumed for every account until the exchange says otherwise.
    """

    limits: tuple[RateLimit, ...]
    _budgets: dict[str, Budget] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, account: str) -> Budget:
        """The budget of an account."""
        with self._lock:
            return self._budgets.setdefault(account, Budget(self.limits))
