"""Faults as such: how they are written, which requests they spoil, how often and when, and that each is logged."""

from __future__ import annotations

import hashlib
import io
import zipfile
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest
import requests

from klineforge.errors import ConfigurationError
from klineforge.simulator.faults.fault import Fault, describe_kinds, parse_fault
from klineforge.simulator.faults.kinds import KINDS
from klineforge.simulator.server import DemoExchange

NOW = datetime(2024, 3, 6, 12, 10, tzinfo=UTC)
PING = "/api/v3/ping"
KEY = "/data/spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2024-03-01.zip"


def exchange(*faults: Fault, now: datetime = NOW) -> DemoExchange:
    return DemoExchange(seed=3, clock=lambda: now, faults=faults)


def statuses(exchange: DemoExchange, *targets: str) -> list[int]:
    return [int(exchange.answer(target, {}).status) for target in targets]


def test_fault_spoils_matching_requests_after_some_and_so_many_times_and_is_logged() -> None:
    demo = exchange(Fault("status", match="ping", status=502, after=1, times=2))

    assert statuses(demo, PING, "/api/v3/time", PING, PING, PING) == [200, 200, 502, 502, 200]
    assert [(each.name, each.target, each.at) for each in demo.injected] == [("status", PING, NOW)] * 2


def test_fault_happens_within_its_span_of_the_exchange_clock() -> None:
    moments = [NOW + timedelta(hours=hour) for hour in range(4)]
    fault = Fault("status", since=moments[1], until=moments[3])
    assert [statuses(exchange(fault, now=now), PING)[0] for now in moments] == [200, 503, 503, 200]


def test_faults_can_be_exchanged_and_the_log_stays() -> None:
    demo = exchange(Fault("page"))
    demo.answer(PING, {})
    demo.inject()

    assert demo.answer(PING, {}).body == b"{}"
    assert len(demo.injected) == 1


def test_request_that_a_fault_leaves_as_it_is_does_not_count() -> None:
    demo = exchange(Fault("short-page", rows=5, times=1))
    for limit in (3, 3, 9, 9):
        demo.answer(f"/api/v3/klines?symbol=BTCUSDT&interval=1h&limit={limit}", {})
    assert len(demo.injected) == 1


def test_checksum_describes_the_file_as_it_was_handed_out() -> None:
    demo = exchange(Fault("empty-csv", times=1))
    for _ in range(2):
        body = demo.answer(KEY, {}).body
        digest = demo.answer(KEY + ".CHECKSUM", {}).body[:64].decode()
        assert digest == hashlib.sha256(body).hexdigest()
    assert len(demo.injected) == 1


def test_file_revised_at_a_time_has_another_etag_and_age() -> None:
    mended = NOW - timedelta(hours=1)
    before, after = (exchange(Fault("partial", until=mended), now=now) for now in (mended - timedelta(hours=1), NOW))
    former, revised = (demo.answer(KEY, {}) for demo in (before, after))
    assert len(former.body) < len(revised.body)
    assert former.headers["ETag"] != revised.headers["ETag"]
    assert revised.headers["Last-Modified"] == "Wed, 06 Mar 2024 11:10:00 GMT"
    with zipfile.ZipFile(io.BytesIO(former.body)) as archive:
        assert len(archive.read(archive.namelist()[0]).splitlines()) == 7


def test_weight_above_the_limit_is_refused_and_going_on_is_banned_for_longer_each_time() -> None:
    now = NOW
    demo = DemoExchange(seed=3, clock=lambda: now, faults=[Fault("rate-limit", limit=4, patience=2, seconds=120)])
    assert statuses(demo, *[PING] * 8) == [200, 200, 200, 200, 429, 429, 418, 418]
    assert demo.answer(PING, {}).headers["Retry-After"] == "121"
    now = NOW + timedelta(seconds=121)
    assert statuses(demo, *[PING] * 7) == [200, 200, 200, 200, 429, 429, 418]
    assert demo.answer(PING, {}).headers["Retry-After"] == "601"


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_fault_spoils_something_with_its_defaults(name: str) -> None:
    first_day, next_day = KEY, KEY.replace("03-01", "03-06")
    targets = (
        PING,
        "/api/v3/time",
        "/api/v3/exchangeInfo",
        "/api/v3/klines?symbol=BTCUSDT&interval=1h&limit=1001",
        "/api/v3/klines?symbol=BTCUSDT&interval=1d&limit=2",
        first_day,
        first_day + ".CHECKSUM",
        next_day,
    )
    settings = {"limit": 1} if name == "rate-limit" else {}
    demo = exchange(Fault(name, **settings), now=NOW - timedelta(days=3))
    for target in targets:
        demo.answer(target, {})
    assert {each.name for each in demo.injected} == {name}
    assert KINDS[name].text.endswith(".")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("hang-up", "Connection(Reset|aborted)|Connection aborted"),
        ("reset", "Connection(Reset|Aborted)|reset by peer|IncompleteRead"),
        ("cut", "IncompleteRead|Connection broken"),
        ("cut-chunks", "ended prematurely|InvalidChunkLength|IncompleteRead"),
        ("encoding", "failed to decode"),
    ],
)
def test_fault_on_the_way_breaks_the_answer_for_a_client(name: str, error: str) -> None:
    with exchange(Fault(name, match=KEY, times=1)) as demo:
        with pytest.raises(requests.RequestException, match=error):
            requests.get(demo.archive_url + KEY, timeout=10)
        assert requests.get(demo.archive_url + KEY, timeout=10).status_code == HTTPStatus.OK
        assert [each.name for each in demo.injected] == [name]


@pytest.mark.parametrize("at", ["request", "headers"])
def test_exchange_that_hangs_can_be_stopped(at: str) -> None:
    with exchange(Fault("hang", at=at)) as demo, pytest.raises(requests.RequestException, match="timed out"):
        requests.get(demo.rest_url + PING, timeout=0.2)
    assert len(demo.injected) == 1


def test_dripping_answer_arrives_whole_with_its_pauses() -> None:
    pauses: list[float] = []
    demo = DemoExchange(seed=3, clock=lambda: NOW, faults=[Fault("drip", pieces=5, seconds=7.0)], pause=pauses.append)
    with demo:
        sent = requests.get(demo.archive_url + KEY, timeout=10)
    assert len(sent.content) == int(sent.headers["Content-Length"])
    assert pauses == [7.0] * 5


def test_fault_is_read_as_it_is_written_on_a_command_line() -> None:
    fault = parse_fault("encoding:match=/api/v3/*,times=2,after=1,since=2026-11-22T08:30,corrupt=true")
    assert fault == Fault(
        "encoding",
        match="/api/v3/*",
        times=2,
        after=1,
        since=datetime(2026, 11, 22, 8, 30, tzinfo=UTC),
        corrupt=True,
    )
    assert parse_fault("page") == Fault("page")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nonsense", "there is no fault 'nonsense'; there are .*hang.*--fault help"),
        ("status:colour=red", "fault 'status' has no parameter 'colour'; it knows status, body, retry_after, match"),
        ("status:status=bad", "parameter 'status' of fault 'status' must be of type int such as 503, found 'bad'"),
        ("encoding:corrupt=maybe", "must be of type bool such as False, found 'maybe'"),
        ("status:status", "expected a fault as NAME:key=value"),
        ("status:status=1,status=2", "expected a fault as NAME:key=value"),
        ("status:times=-1", "parameter 'times' of fault 'status' must be a whole number, found '-1'"),
        ("status:since=today", "parameter 'since' of fault 'status' must be a time"),
    ],
)
def test_fault_that_cannot_be_is_refused_with_what_can(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        parse_fault(text)


def test_help_names_every_kind_with_its_parameters() -> None:
    text = describe_kinds()
    assert "\n  ban:seconds=120,header=True\n      Answer 418 until" in text
    assert all(f"\n  {name}" in text for name in KINDS)
