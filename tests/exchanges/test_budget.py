"""The shared budget against an exchange that counts: in simulated time, deterministic, with every order of events."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from exchanges.hostile import unhurried
from faults.catalogue import case
from hypothesis import given
from hypothesis import strategies as st

from klineforge.exchanges.budget import RAW_REQUESTS, REQUEST_WEIGHT, Budget, Budgets, RateLimit, Ticket, Wait

MINUTE = 60.0
NOON = 1_615_377_600.0  # a full minute
HUNDRED = RateLimit(REQUEST_WEIGHT, 60, 100)  # 85 of them usable


def sent(budget: Budget, weight: int, now: float) -> Ticket:
    leave = budget.reserve(weight, now)
    assert isinstance(leave, Ticket)
    return leave


def refused(budget: Budget, weight: int, now: float) -> Wait:
    leave = budget.reserve(weight, now)
    assert isinstance(leave, Wait)
    return leave


@case("17")
def test_requests_are_held_back_at_85_percent_until_the_minute_turns() -> None:
    budget = Budget((HUNDRED,))
    for _ in range(42):
        sent(budget, 2, NOON + 10)

    assert refused(budget, 2, NOON + 15).seconds == 45.5
    sent(budget, 1, NOON + 15)


def test_requests_in_flight_at_the_turn_count_in_the_new_minute_until_they_are_answered() -> None:
    budget = Budget((HUNDRED,))
    ticket = sent(budget, 80, NOON + 59)

    refused(budget, 10, NOON + 61)
    budget.settle(ticket, {60: 80})  # told of the old minute or the new one: nobody knows
    refused(budget, 10, NOON + 62)
    sent(budget, 10, NOON + 120)


def test_count_of_the_old_minute_is_not_taken_for_one_of_the_new() -> None:
    budget = Budget((HUNDRED,))
    ticket = sent(budget, 10, NOON + 59)
    budget.reserve(1, NOON + 60)
    budget.settle(ticket, {60: 84})

    sent(budget, 70, NOON + 61)


def test_what_the_exchange_has_counted_goes_before_what_was_sent_from_here() -> None:
    budget = Budget((HUNDRED,))
    budget.settle(sent(budget, 2, NOON), {60: 84})

    assert refused(budget, 2, NOON + 1).used == 84

    budget = Budget((HUNDRED,))
    budget.settle(sent(budget, 80, NOON), {60: 8})  # the request turned out to be cheap
    sent(budget, 70, NOON + 1)


def test_answers_that_overtake_each_other_do_not_hide_requests() -> None:
    budget = Budget((HUNDRED,))
    first, second = sent(budget, 20, NOON), sent(budget, 20, NOON)
    budget.settle(second, {60: 60})
    budget.settle(first, {60: 20})

    assert refused(budget, 30, NOON + 1).used == 80


def test_request_that_failed_may_have_been_counted() -> None:
    budget = Budget((HUNDRED,))
    budget.settle(sent(budget, 50, NOON), {})

    assert refused(budget, 40, NOON).used == 50


def test_waiting_is_news_once_per_minute() -> None:
    budget = Budget((HUNDRED,))
    sent(budget, 85, NOON)

    assert [refused(budget, 2, NOON + second).is_news for second in (1, 2, 3)] == [True, False, False]
    assert refused(budget, 86, NOON + 61).is_news


def test_request_heavier_than_the_budget_goes_alone() -> None:
    budget = Budget((HUNDRED,))
    ticket = sent(budget, 200, NOON)

    refused(budget, 1, NOON + 1)
    budget.settle(ticket, {60: 200})
    refused(budget, 1, NOON + 2)
    sent(budget, 1, NOON + 60)


def test_every_request_counts_one_where_requests_are_counted() -> None:
    budget = Budget((HUNDRED, RateLimit(RAW_REQUESTS, 300, 10)))
    for _ in range(8):
        sent(budget, 2, NOON)

    assert refused(budget, 2, NOON + 100).seconds == 200.5


def test_limits_the_exchange_names_replace_those_assumed() -> None:
    budget = Budget((HUNDRED,))
    budget.settle(sent(budget, 80, NOON), {})
    budget.set_limits([RateLimit(REQUEST_WEIGHT, 60, 1000), RateLimit(REQUEST_WEIGHT, 1, 50)])

    sent(budget, 40, NOON)
    assert refused(budget, 40, NOON).seconds == 1.5
    assert budget.limits == (RateLimit(REQUEST_WEIGHT, 60, 1000), RateLimit(REQUEST_WEIGHT, 1, 50))


@pytest.mark.parametrize(("later", "waits"), [(-0.5, True), (-7200.0, False)])
def test_clock_that_wavers_at_the_turn_keeps_the_minute_and_one_set_back_begins_another(
    later: float, waits: bool
) -> None:
    budget = Budget((HUNDRED,))
    budget.settle(sent(budget, 85, NOON), {})

    assert isinstance(budget.reserve(2, NOON + later), Wait) is waits


def test_accounts_have_budgets_of_their_own() -> None:
    budgets = Budgets((HUNDRED,))
    sent(budgets.of("one"), 85, NOON)

    refused(budgets.of("one"), 2, NOON)
    sent(budgets.of("another"), 2, NOON)


@dataclass
class Exchange:
    """Counts by its own minutes and refuses what exceeds its limit.

    Args:
        limit: Weight allowed per minute.
        ahead: How far its clock is ahead of ours.
        others: What other programs of the same address use at the beginning of each minute, in turn.
    """

    limit: int
    ahead: float
    others: Sequence[int]
    counts: dict[int, int] = field(default_factory=dict)
    refusals: int = 0

    def count(self, weight: int, now: float) -> int:
        minute = int((now + self.ahead) // MINUTE)
        used = self.counts.get(minute, self.others[minute % len(self.others)]) + weight
        self.counts[minute] = used
        self.refusals += used > self.limit
        return used


def run(budget: Budget, exchange: Exchange, work: Sequence[list[int]], seed: int) -> float:
    """Let every thread send its requests one after the other; the time it took, in simulated seconds."""
    draw = random.Random(seed)  # noqa: S311 - delays, not secrets
    order = itertools.count()
    events: list[tuple[float, int, Callable[[float], None]]] = []

    def at(moment: float, action: Callable[[float], None]) -> None:
        heapq.heappush(events, (moment, next(order), action))

    def thread(requests: list[int]) -> None:
        def send(now: float) -> None:
            if not requests:
                return
            leave = budget.reserve(requests[0], now)
            if isinstance(leave, Wait):
                at(now + leave.seconds, send)
                return
            weight = requests.pop(0)
            at(now + draw.uniform(0.0, 2.0), lambda moment: arrive(weight, leave, moment))

        def arrive(weight: int, ticket: Ticket, now: float) -> None:
            told = exchange.count(weight, now)
            at(now + draw.uniform(0.0, 2.0), lambda moment: answer(ticket, told, moment))

        def answer(ticket: Ticket, told: int, now: float) -> None:
            budget.settle(ticket, {60: told})
            send(now)

        at(NOON + draw.uniform(0.0, MINUTE), send)

    for requests in work:
        thread(requests)
    now = NOON
    while events:
        now, _, action = heapq.heappop(events)
        action(now)
        assert now < NOON + 3600, "the threads wait for ever"
    return now - NOON


@case("17")
@unhurried
@given(
    work=st.lists(st.lists(st.sampled_from([1, 2, 5]), min_size=20, max_size=80), min_size=1, max_size=6),
    limit=st.integers(200, 400),
    seed=st.integers(0, 2**32),
)
def test_exchange_never_refuses_and_its_reserve_is_never_touched(work: list[list[int]], limit: int, seed: int) -> None:
    exchange = Exchange(limit, 0.0, [0])
    budget = Budget((RateLimit(REQUEST_WEIGHT, 60, limit),))
    total = sum(map(sum, work))

    run(budget, exchange, work, seed)

    assert sum(exchange.counts.values()) == total
    assert max(exchange.counts.values()) <= budget.limits[0].usable


@unhurried
@given(
    work=st.lists(st.lists(st.sampled_from([1, 2, 5]), min_size=20, max_size=60), min_size=1, max_size=6),
    limit=st.integers(200, 400),
    ahead=st.floats(-90.0, 90.0),
    others=st.lists(st.floats(0.0, 0.85), min_size=1, max_size=4),
    seed=st.integers(0, 2**32),
)
def test_exchange_never_refuses_even_with_an_unknown_clock_and_other_programs_behind_the_same_address(
    work: list[list[int]], limit: int, ahead: float, others: list[float], seed: int
) -> None:
    # One free minute in five, so that the work ends.
    exchange = Exchange(limit, ahead, [int(share * limit) for share in others] + [0])
    budget = Budget((RateLimit(REQUEST_WEIGHT, 60, limit),))

    run(budget, exchange, work, seed)

    assert exchange.refusals == 0


def test_budget_is_used_to_the_full() -> None:
    exchange = Exchange(400, 0.0, [0])
    work = [[2] * 113 for _ in range(12)]  # eight minutes of 340

    seconds = run(Budget((RateLimit(REQUEST_WEIGHT, 60, 400),)), exchange, work, seed=1)

    assert seconds < 9 * MINUTE
