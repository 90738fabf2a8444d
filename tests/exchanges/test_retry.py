"""Decisions about retrying, without any client."""

from __future__ import annotations

import math
import time

import pytest

from klineforge.exchanges.retry import (
    BANNED_STATUS,
    BUSY_STATUS,
    RetryPolicy,
    Trouble,
    backoff_seconds,
    should_retry,
    wait_asked,
)

POLICY = RetryPolicy(attempts=3, base_seconds=1.0, longest_backoff=10.0)
NOW = 1_615_377_615.0  # 15 seconds into a minute


@pytest.mark.parametrize("trouble", [Trouble.CONNECTION, Trouble.TIMEOUT, Trouble.CUT, Trouble.PAYLOAD, Trouble.SERVER])
def test_passing_trouble_is_retried_until_the_attempts_are_used_up(trouble: Trouble) -> None:
    assert [should_retry(trouble, attempt, POLICY) for attempt in (1, 2, 3)] == [True, True, False]


@pytest.mark.parametrize("trouble", [Trouble.REFUSED, Trouble.INSECURE, Trouble.REJECTED])
def test_lasting_trouble_is_never_retried(trouble: Trouble) -> None:
    assert not should_retry(trouble, 1, POLICY)


def test_backoff_doubles_up_to_its_ceiling_and_jitter_takes_at_most_half() -> None:
    assert [backoff_seconds(attempt, POLICY, 1.0) for attempt in (1, 2, 3, 9)] == [1.0, 2.0, 4.0, 10.0]
    assert backoff_seconds(2, POLICY, 0.0) == 1.0


@pytest.mark.parametrize(
    ("status", "header", "banned_until", "expected"),
    [
        (BUSY_STATUS, "7", NOW + 99, 7.0),  # the header comes first
        (BUSY_STATUS, " 1 ", NOW + 99, 1.0),
        (BUSY_STATUS, " 0 ", None, 45.0),  # no wait at all is not believed
        (BUSY_STATUS, "00", NOW + 99, 99.0),
        (BANNED_STATUS, "0", NOW + 600, 600.0),
        (BANNED_STATUS, "0", None, 120.0),
        (BUSY_STATUS, "Wed, 10 Mar 2021 12:01:00 GMT", None, 45.0),
        (BUSY_STATUS, "Wed, 10 Mar 2021 11:00:00 GMT", None, 45.0),
        (BUSY_STATUS, "Wed, 10 Mar 2021 12:00:15 GMT", NOW + 99, 99.0),
        (BUSY_STATUS, None, None, 45.0),  # the next full minute
        (BUSY_STATUS, "-3", None, 45.0),
        (BUSY_STATUS, "1.5", None, 45.0),
        (BUSY_STATUS, "1e9", None, 45.0),
        (BUSY_STATUS, "\u0663", None, 45.0),  # a figure, but not of ASCII
        (BUSY_STATUS, "Wed, 99 Mar 99999 12:00:00 GMT", None, 45.0),
        (BUSY_STATUS, "9" * 400, None, math.inf),  # capped by who waits
        (BANNED_STATUS, None, NOW + 600, 600.0),
        (BANNED_STATUS, None, NOW - 600, 120.0),  # a ban that is over already
        (BANNED_STATUS, None, None, 120.0),
    ],
)
def test_wait_asked_for_is_read_from_header_then_body_then_assumed(
    status: int, header: str | None, banned_until: float | None, expected: float
) -> None:
    assert wait_asked(status, header, banned_until, NOW) == pytest.approx(expected)


def test_date_without_a_zone_is_not_taken_for_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "EST+5")
    time.tzset()
    try:
        assert wait_asked(BUSY_STATUS, "Wed, 10 Mar 2021 12:00:50 -0000", None, NOW) == pytest.approx(35.0)
    finally:
        monkeypatch.undo()
        time.tzset()
